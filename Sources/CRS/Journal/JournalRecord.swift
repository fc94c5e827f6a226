import CRDT
import Durability

/// One record of the journal: what was applied, in a session, at a place in its sequence.
public struct JournalRecord: Hashable, Sendable {
  public var session: String
  /// From 1, without gaps in a session.
  public var sequence: UInt64
  /// A ``ChangeRecord``.
  public var payload: [UInt8]

  /// CRC-32 over session, sequence and payload, so that a record in another's place is found too.
  public var checksum: UInt32 {
    var bytes = Array(session.utf8)
    bytes.append(0)
    bytes += (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (8 * UInt64(7 - $0))) }
    bytes += payload
    return Checksum.crc32(bytes)
  }
}

/// How far each session of a journal is part of a state: session → its last sequence.
public typealias JournalPosition = [String: UInt64]

/// What a replay found.
public struct ReplayReport: Hashable, Sendable {
  /// Records handed out.
  public internal(set) var replayed: UInt64 = 0
  /// Corrupt records passed over, and records that are missing; only when asked to go on.
  public internal(set) var skipped: UInt64 = 0
  /// The same, by name.
  public internal(set) var lost: [RecordLosses.Run] = []
  /// Why it stopped before the end: the records from there on are kept, and not in the state.
  public internal(set) var stop: CRSError?
  /// The last sequence of each session that was met, those before the start included.
  public internal(set) var position: JournalPosition = [:]

  public var isComplete: Bool { stop == nil && skipped == 0 }
}
