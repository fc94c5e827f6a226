import CRDT
import Memory

/// A stretch of an agent's work, to which checkpoints belong. An entry of its own, so it survives every restart.
public struct CheckpointSession: Hashable, Sendable {
  public var id: CheckpointID
  public var name: ByteString
  /// When it began, and on which host.
  public var started: Stamp
  public var ended: Instant?

  public init(id: CheckpointID, name: ByteString, started: Stamp, ended: Instant? = nil) {
    self.id = id
    self.name = name
    self.started = started
    self.ended = ended
  }

  init(json bytes: [UInt8]) throws(CheckpointError) {
    var reader = try MemberReader(bytes, what: "session")
    let id = try reader.required("id", try reader.text("id"))
    guard let id = CheckpointID(id) else { throw reader.wrong("id", "is no UUID") }
    self.id = id
    name = try reader.text("name") ?? ""
    let instant = try reader.required("started", try reader.instant("started"))
    started = Stamp(instant: instant, host: try reader.required("host", try reader.text("host")))
    ended = try reader.instant("ended")
  }

  var json: [UInt8] {
    var object = CanonicalObject()
    object.set("id", id.bytes)
    object.set("name", name)
    object.set("started", started.instant)
    object.set("host", started.host)
    if let ended { object.set("ended", ended) }
    return object.bytes
  }
}

/// A note on a checkpoint, made after it: an entry of its own, so the checkpoint and its checksum stay what they are.
public struct CheckpointAnnotation: Hashable, Sendable {
  public enum Level: String, Hashable, Sendable, CaseIterable {
    case info, warning, critical
  }

  public var id: CheckpointID
  public var checkpoint: CheckpointID
  public var level: Level
  public var text: ByteString
  public var stamp: Stamp

  public init(id: CheckpointID, checkpoint: CheckpointID, level: Level, text: ByteString, stamp: Stamp) {
    self.id = id
    self.checkpoint = checkpoint
    self.level = level
    self.text = text
    self.stamp = stamp
  }

  init(json bytes: [UInt8]) throws(CheckpointError) {
    var reader = try MemberReader(bytes, what: "annotation")
    guard let id = CheckpointID(try reader.required("id", try reader.text("id"))) else {
      throw reader.wrong("id", "is no UUID")
    }
    guard let checkpoint = CheckpointID(try reader.required("checkpoint", try reader.text("checkpoint"))) else {
      throw reader.wrong("checkpoint", "is no UUID")
    }
    guard let level = Level(rawValue: try reader.text("level")?.description ?? "info") else {
      throw reader.wrong("level", "is none of " + Level.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.id = id
    self.checkpoint = checkpoint
    self.level = level
    text = try reader.text("text") ?? ""
    let instant = try reader.required("created", try reader.instant("created"))
    stamp = Stamp(instant: instant, host: try reader.required("host", try reader.text("host")))
  }

  var json: [UInt8] {
    var object = CanonicalObject()
    object.set("id", id.bytes)
    object.set("checkpoint", checkpoint.bytes)
    object.set("level", level.rawValue)
    object.set("text", text)
    object.set("created", stamp.instant)
    object.set("host", stamp.host)
    return object.bytes
  }
}
