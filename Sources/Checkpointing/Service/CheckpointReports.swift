import CRDT

/// The verdict on one checkpoint.
public struct CheckpointValidation: Hashable, Sendable {
  /// `nil` for an entry that cannot be read at all.
  public var header: CheckpointHeader?
  /// The checkpoint's id; of what cannot be read, the entry's.
  public var id: ByteString
  public var verdict: StoredCheckpoint.Verdict
  /// Why it is not valid; empty where it is.
  public var reason: String
}

/// What reading back the newest checkpoints showed.
public struct CheckpointHealth: Hashable, Sendable {
  public enum Status: String, Hashable, Sendable {
    /// All that were read back are valid.
    case healthy
    /// Some cannot be verified, or an older one cannot be read.
    case degraded
    /// One of those read back is damaged.
    case unhealthy
  }

  public var status: Status
  /// The newest first, five at most.
  public var readBack: [CheckpointValidation]
  /// Entries of all ages that cannot be read.
  public var unreadableCount: Int
}

/// Counts of what is kept and of what this service has done since it was made.
public struct CheckpointMetrics: Hashable, Sendable {
  public var checkpointCount = 0
  public var sessionCount = 0
  public var openSessionCount = 0
  public var annotationCount = 0
  public var unreadableCount = 0
  public var inlineStateBytes = 0
  public var blobStateBytes = 0
  public var greatestSequence = 0
  public var countByTrigger: [String: Int] = [:]
  public var countByHost: [ByteString: Int] = [:]
  public var subscriberCount = 0
  public var operations = Operations()

  /// Since the service was made.
  public struct Operations: Hashable, Sendable {
    public var created = 0
    /// Held back by a throttle.
    public var throttled = 0
    public var restored = 0
    public var deleted = 0
    public var compacted = 0
    public var annotated = 0
    public var exported = 0
    public var imported = 0
    public var failed = 0

    public init() {}
  }
}

/// Checkpoints as a file.
public struct CheckpointExport: Hashable, Sendable {
  public var bytes: [UInt8]
  public var checkpointCount: Int
  /// Damaged ones, and entries that cannot be read at all.
  public var leftOut: [CheckpointValidation]
}

/// What an import did.
public struct CheckpointImportReport: Hashable, Sendable {
  public var imported: [CheckpointHeader] = []
  /// Already here, the same.
  public var existing: [CheckpointID] = []
  /// Already here under the same id, and different: left as they are here.
  public var conflicting: [CheckpointID] = []
  /// Deleted here, or by a host that was merged: left out.
  public var deleted: [CheckpointHeader] = []
  /// Refused, with the reason: damaged ones, and legacy ones that were not accepted.
  public var invalid: [CheckpointValidation] = []
  /// Imported without a checksum that could be verified.
  public var legacyCount = 0
  public var sessionCount = 0
  public var annotationCount = 0

  public init() {}
}
