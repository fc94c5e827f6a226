/// The bounds of what a checkpoint may hold.
///
/// They keep one agent's mistake from filling every host; a peer's checkpoint beyond them is shown as invalid.
public enum CheckpointLimits {
  public static let messageBytes = 4_096
  public static let tagBytes = 256
  /// Tags a checkpoint.
  public static let tagCount = 64
  public static let sessionNameBytes = 256
  public static let annotationBytes = 65_536
  /// The id of a hypothesis or a name of a variable or metric.
  public static let nameBytes = 65_536
  /// The state as canonical JSON.
  public static let stateBytes = 64 << 20
  /// States up to this are kept in the entry, larger ones as a blob.
  public static let inlineStateBytes = 8_192
  /// An import file.
  public static let transferBytes = 1 << 30
  /// The record of events that processes of one host tell each other: the bound of the largest one in it.
  static let noticesBytes = 64 << 20
  /// The greatest sequence number: every JSON reader has it exactly.
  public static let greatestSequence = 1 << 53 - 1
  /// Another host's number above this comes from a broken counter and does not drag ours along.
  public static let greatestForeignSequence = 1 << 52
}
