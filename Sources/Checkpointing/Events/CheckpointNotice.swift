import CRDT
import Memory

/// An event as processes of one host tell it each other.
public struct CheckpointNotice: Hashable, Sendable {
  public var event: CheckpointEvent
  /// Which service did it: one does not hear of itself.
  public var service: CheckpointID

  public init(_ event: CheckpointEvent, service: CheckpointID) {
    self.event = event
    self.service = service
  }

  /// One line of the record.
  var json: [UInt8] {
    var object = CanonicalObject()
    object.set("service", service.bytes)
    object.set("event", event.name)
    switch event {
    case .created(let header), .restored(let header):
      object.set("checkpoint", header.canonical(over: CanonicalObject()))
    case .deleted(let session, let checkpoints):
      object.set("session", session.bytes)
      object.set("checkpoints", checkpoints.map(\.bytes))
    case .compacted(let session, let removed, let keptCount):
      object.set("session", session.bytes)
      object.set("checkpoints", removed.map(\.bytes))
      object.set("kept", keptCount)
    }
    return object.bytes
  }

  /// - Throws: `.badData`.
  init(json bytes: [UInt8]) throws(CheckpointError) {
    var reader = try MemberReader(bytes, what: "event")
    func id(_ name: ByteString, _ text: ByteString?) throws(CheckpointError) -> CheckpointID {
      guard let id = CheckpointID(try reader.required(name, text)) else { throw reader.wrong(name, "is no UUID") }
      return id
    }
    service = try id("service", try reader.text("service"))
    let name = try reader.required("event", try reader.text("event"))
    switch name {
    case "created", "restored":
      let object = try reader.required("checkpoint", try reader.object("checkpoint"))
      var inner = MemberReader(object, what: "event.checkpoint")
      let header = try CheckpointHeader(&inner)
      event = name == "created" ? .created(header) : .restored(header)
    case "deleted", "compacted":
      let session = try id("session", try reader.text("session"))
      var checkpoints: [CheckpointID] = []
      for text in try reader.texts("checkpoints") ?? [] { checkpoints.append(try id("checkpoints", text)) }
      if name == "deleted" {
        event = .deleted(session: session, checkpoints: checkpoints)
      } else {
        let kept = try reader.required("kept", try reader.integer("kept"))
        event = .compacted(session: session, removed: checkpoints, keptCount: kept)
      }
    default: throw reader.wrong("event", "is unknown")
    }
  }
}

/// How far a record of notices was read.
public struct CheckpointNoticePlace: Hashable, Sendable {
  /// Which record: one that was lost is followed by another.
  var record: CheckpointID
  /// The number of the first notice that was not read.
  var next: Int

  /// Before any record: all of the first one is news.
  static let none = CheckpointNoticePlace(record: CheckpointID(random: [UInt8](repeating: 0, count: 16)), next: 0)
}

/// What is there at one moment, and what was told up to it.
public struct CheckpointNews: Sendable {
  public var snapshot: CheckpointSnapshot
  /// What any service of this host told since the last look, oldest first.
  public var notices: [CheckpointNotice]
  public var place: CheckpointNoticePlace

  /// How long a look or a notice waits for who is writing.
  static let lockWaitSeconds: Double = 5
}

/// The newest notices, numbered, within a bound: who looks too seldom misses the oldest.
struct NoticeRecord: Sendable {
  let id: CheckpointID
  /// The number of the first line.
  private(set) var first: Int
  /// One notice each, as written.
  private(set) var lines: [[UInt8]]

  /// Beyond it the oldest go; the newest stays whatever its size.
  static let limitBytes = 256 << 10

  init(id: CheckpointID) {
    self.id = id
    first = 0
    lines = []
  }

  /// Reads a file; `nil` where it is none of ours, or damaged.
  init?(_ bytes: [UInt8]) {
    var lines = bytes.split(separator: 0x0A).map { Array($0) }
    guard !lines.isEmpty, var reader = try? MemberReader(lines.removeFirst(), what: "events"),
      let id = (try? reader.text("record")).flatMap(\.self).flatMap({ CheckpointID($0) }),
      let first = (try? reader.integer("first")).flatMap(\.self), first >= 0
    else { return nil }
    // A last line without its end was cut off.
    if bytes.last != 0x0A, !lines.isEmpty { lines.removeLast() }
    self.id = id
    self.first = first
    self.lines = lines
  }

  var bytes: [UInt8] {
    var header = CanonicalObject()
    header.set("record", id.bytes)
    header.set("first", first)
    return ([header.bytes] + lines).flatMap { $0 + [0x0A] }
  }

  mutating func append(_ notices: [CheckpointNotice]) {
    lines += notices.map(\.json)
    var sizeBytes = lines.reduce(0) { $0 + $1.count + 1 }
    var dropped = 0
    while sizeBytes > NoticeRecord.limitBytes, dropped < lines.count - 1 {
      sizeBytes -= lines[dropped].count + 1
      dropped += 1
    }
    lines.removeFirst(dropped)
    first += dropped
  }

  var end: CheckpointNoticePlace { CheckpointNoticePlace(record: id, next: first + lines.count) }

  /// What was told since. Lines that cannot be read are passed over: what they told of shows in the store.
  func notices(since place: CheckpointNoticePlace) -> [CheckpointNotice] {
    let seen = place.record == id ? max(0, place.next - first) : 0
    return lines.dropFirst(seen).compactMap { try? CheckpointNotice(json: $0) }
  }
}
