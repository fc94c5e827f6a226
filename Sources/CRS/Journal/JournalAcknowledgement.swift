import CRDT
import Durability

/// How far the last writer's session went when it was last acknowledged, in a file beside the journal: what tells of the
/// records of a writer that was killed.
///
/// Written over in place after each append, and not synced: it survives the process. Against a power cut the journal
/// itself is synced.
struct JournalAcknowledgement: Hashable, Sendable {
  var session: String
  var sequence: UInt64

  /// Of a file that says that there was no such writer.
  static let none = JournalAcknowledgement(session: "", sequence: 0)

  private static let heading = "crs-acknowledged 1 "

  /// One line; of the same length for every sequence of a session.
  var bytes: [UInt8] {
    let digits = String(sequence)
    let text = Self.heading + String(repeating: "0", count: 20 - digits.count) + digits + " " + session + " "
    let checksum = String(Checksum.crc32(Array(text.utf8)))
    return Array((text + String(repeating: "0", count: 10 - checksum.count) + checksum + "\n").utf8)
  }

  init(session: String, sequence: UInt64) {
    self.session = session
    self.sequence = sequence
  }

  /// `nil` for a file that is damaged.
  init?(_ bytes: [UInt8]) {
    let parts = String(decoding: bytes.dropFirst(Self.heading.utf8.count), as: UTF8.self)
      .split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let sequence = UInt64(parts[0]), parts[1].utf8.count >= 12 else { return nil }
    self.init(session: String(decoding: parts[1].utf8.dropLast(12), as: UTF8.self), sequence: sequence)
    guard self.bytes == bytes else { return nil }
  }

  var position: JournalPosition { sequence == 0 ? [:] : [session: sequence] }
}
