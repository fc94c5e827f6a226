import CRDT
import Memory
import Replication

/// The kinds of entry that this module writes.
enum CheckpointKind {
  static let checkpoint: ByteString = "checkpoint"
  static let annotation: ByteString = "annotation"
  static let session: ByteString = "checkpoint-session"
  /// The greatest sequence number, and the newest time of each host, seen when checkpoints were deleted: deleting the
  /// newest must not bring them back.
  static let counter: ByteString = "checkpoint-counter"

  static let all: Set<ByteString> = [checkpoint, annotation, session, counter]

  /// What an entry of this kind is by its content, where that is another of ours: somebody changed the kind. What other
  /// programs keep is looked at by its first bytes only, which are those of our canonical form.
  static func meant(by content: [UInt8], of kind: ByteString) -> ByteString? {
    if kind != checkpoint, content.starts(with: #"{"checksum":""#.utf8),
      let stored = try? StoredCheckpoint(json: content),
      !stored.isLegacy
    {
      return checkpoint
    }
    if kind != annotation, content.starts(with: #"{"checkpoint":""#.utf8),
      (try? CheckpointAnnotation(json: content)) != nil
    {
      return annotation
    }
    return nil
  }
}

/// One live entry of agent state, of any host.
public struct CheckpointRecord: Hashable, Sendable {
  /// The key of the CRDT: what a deletion names.
  public var uniqueID: ByteString
  public var kind: ByteString
  /// When this value was written, and by which host.
  public var stamp: Stamp
  public var content: [UInt8]

  public init(uniqueID: ByteString, kind: ByteString, stamp: Stamp, content: [UInt8]) {
    self.uniqueID = uniqueID
    self.kind = kind
    self.stamp = stamp
    self.content = content
  }
}

/// All live entries at one moment.
public struct CheckpointSnapshot: Sendable {
  /// Equal for equal records: a reader that has seen this revision need not look again.
  public var revision: String
  /// Least stamp first.
  public var records: [CheckpointRecord]

  public init(revision: String, records: [CheckpointRecord]) {
    self.revision = revision
    self.records = records
  }
}

/// What one operation writes, in one piece or not at all.
public struct CheckpointChange: Sendable {
  public var records: [NewRecord] = []
  /// unique_ids that get a tombstone.
  public var deleting: Set<ByteString> = []
  public var blobs: [[UInt8]] = []
  /// What the other processes of this host are told once it is written.
  public var notices: [CheckpointNotice] = []
  /// One line for the history.
  public var message = "checkpoint"

  public init() {}

  var isEmpty: Bool { records.isEmpty && deleting.isEmpty && blobs.isEmpty }
}

/// Where checkpoints are kept. What was written is durable when the call returns.
public protocol CheckpointStore: Sendable {
  func snapshot() throws(CheckpointError) -> CheckpointSnapshot

  /// A payload by the lower-case hex of its SHA-256, verified; `nil` when it is not there.
  func blob(_ digest: String) throws(CheckpointError) -> [UInt8]?

  /// What keeps secrets out, without the rules that are let through here or named.
  /// - Throws: where the rules cannot be read: then nothing is written, rather than too much.
  func secretScanner(allowing rules: Set<ByteString>) throws(CheckpointError) -> SecretScanner

  /// Those of some checkpoints that were here and are deleted, by this host or one that was merged.
  func deleted(among ids: Set<CheckpointID>) throws(CheckpointError) -> Set<CheckpointID>

  /// What is there, and what any process of this host has told since `place`: at one moment, so that no change is
  /// there whose notice is not.
  /// - Parameter place: where the last look ended; `nil` begins at the end of what was told.
  func news(since place: CheckpointNoticePlace?) throws(CheckpointError) -> CheckpointNews

  /// Tells the other processes of this host of what changes nothing. What cannot be told is let go.
  func tell(_ notices: [CheckpointNotice])

  /// Reads, lets `body` decide, and writes what it decided, without another process of this host writing in between.
  /// - Parameter body: gets what is there and the name this host writes under. An empty change writes nothing and tells
  ///   nothing.
  func update<Result>(
    _ body: (_ snapshot: CheckpointSnapshot, _ host: HostName) throws(CheckpointError) -> (CheckpointChange, Result)
  ) throws(CheckpointError) -> Result
}

extension CheckpointStore {
  /// The built-in rules, for stores that have none of their own.
  public func secretScanner(allowing rules: Set<ByteString>) throws(CheckpointError) -> SecretScanner {
    SecretScanner(allowed: rules)
  }
}
