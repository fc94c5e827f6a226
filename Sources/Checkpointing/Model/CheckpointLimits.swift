/// The bounds of what a checkpoint may hold, in bytes where nothing else is said.
///
/// They keep one agent's mistake from filling every host; a peer's checkpoint beyond them is shown as invalid.
public enum CheckpointLimits {
  public static let message = 4_096
  public static let tag = 256
  /// Tags a checkpoint.
  public static let tags = 64
  public static let sessionName = 256
  public static let annotation = 65_536
  /// The id of a hypothesis or a name of a variable or metric.
  public static let name = 65_536
  /// The state as canonical JSON.
  public static let state = 64 << 20
  /// States up to this are kept in the entry, larger ones as a blob.
  public static let inlineState = 8_192
  /// An import file.
  public static let transfer = 1 << 30
  /// The record of events that processes of one host tell each other: the bound of the largest one in it.
  static let notices = 64 << 20
  /// The greatest sequence number: every JSON reader has it exactly.
  public static let sequence = 1 << 53 - 1
  /// Another host's number above this comes from a broken counter and does not drag ours along.
  public static let foreignSequence = 1 << 52
}
