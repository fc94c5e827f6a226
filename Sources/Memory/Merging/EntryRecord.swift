import CRDT

/// One entry of one file: where it stands, and the register-sized parts of its metadata.
struct EntryRecord: Sendable {
  struct Flags: OptionSet, Sendable {
    let rawValue: UInt8
    static let entryInArena = Flags(rawValue: 1)
    static let keyInArena = Flags(rawValue: 2)
    static let hostInArena = Flags(rawValue: 4)
    static let deleted = Flags(rawValue: 8)
    static let hasKind = Flags(rawValue: 16)
    static let hasSource = Flags(rawValue: 32)
  }

  var source: UInt32
  var start: UInt32
  var end: UInt32
  /// The decoded unique_id.
  var keyStart: UInt32
  var keyEnd: UInt32
  /// The decoded host.
  var hostStart: UInt32
  var hostEnd: UInt32
  var flags: Flags = []
  var instant: Instant
  var version: UInt64
  /// A hash of the decoded unique_id.
  var keyHash: UInt64 = 0

  @inline(__always) var range: Range<Int> { Int(start)..<Int(end) }
  @inline(__always) var key: Range<Int> { Int(keyStart)..<Int(keyEnd) }
  @inline(__always) var host: Range<Int> { Int(hostStart)..<Int(hostEnd) }
}
