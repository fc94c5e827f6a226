import CRDT
import Memory

/// What is known of a checkpoint without its state.
public struct CheckpointHeader: Hashable, Sendable {
  public var id: CheckpointID
  /// Counts a host's checkpoints, and jumps above what it has seen of others.
  public var sequence: Int
  /// When, and on which host.
  public var stamp: Stamp
  public var session: CheckpointID
  public var message: ByteString
  /// Sorted, each once.
  public var tags: [ByteString]
  public var trigger: CheckpointTrigger

  public init(
    id: CheckpointID, sequence: Int, stamp: Stamp, session: CheckpointID, message: ByteString = "",
    tags: Set<ByteString> = [], trigger: CheckpointTrigger = .manual
  ) {
    self.id = id
    self.sequence = sequence
    self.stamp = stamp
    self.session = session
    self.message = message
    self.tags = tags.sorted()
    self.trigger = trigger
  }

  /// The total order of checkpoints: sequence, host; and id, for two installations that once had one name.
  public static func isBefore(_ left: CheckpointHeader, _ right: CheckpointHeader) -> Bool {
    if left.sequence != right.sequence { return left.sequence < right.sequence }
    if left.stamp.host != right.stamp.host { return left.stamp.host < right.stamp.host }
    return left.id < right.id
  }
}

/// A frozen state with its name and checksum.
public struct Checkpoint: Hashable, Sendable {
  public var header: CheckpointHeader
  public var state: CheckpointState
  /// Members unknown here, kept and part of the checksum.
  var rest = CanonicalObject()

  public init(header: CheckpointHeader, state: CheckpointState) {
    self.header = header
    self.state = state
  }

  /// SHA-256 of the canonical bytes of all fields but this one, in lower-case hex.
  public var checksum: String { EntryIdentity.hexDigest(of: fields.bytes) }

  /// All fields but the checksum, as canonical JSON.
  public var canonicalBytes: [UInt8] { fields.bytes }

  /// The whole checkpoint as one JSON object, checksum included.
  public var json: [UInt8] {
    var object = fields
    object.set("checksum", EntryIdentity.hexDigest(of: object.bytes))
    return object.bytes
  }

  private var fields: CanonicalObject {
    var object = header.canonical(over: rest)
    object.set("state", state.canonical)
    return object
  }
}

extension CheckpointHeader {
  /// The form of a checkpoint this version writes.
  static let form = 1

  func canonical(over rest: CanonicalObject) -> CanonicalObject {
    var object = rest
    object.set("form", CheckpointHeader.form)
    object.set("id", id.bytes)
    object.set("sequence", sequence)
    object.set("created", stamp.instant)
    object.set("host", stamp.host)
    object.set("session", session.bytes)
    object.set("message", message)
    if !tags.isEmpty { object.set("tags", tags) }
    object.set("trigger", trigger.description)
    return object
  }

  /// Takes a checkpoint's members out of an object; what is left in the reader is the state and what is unknown here.
  init(_ reader: inout MemberReader) throws(CheckpointError) {
    let id = try reader.required("id", try reader.text("id"))
    guard let id = CheckpointID(id) else { throw reader.wrong("id", "is no UUID") }
    self.id = id
    let form = try reader.integer("form") ?? CheckpointHeader.form
    guard form == CheckpointHeader.form else {
      throw CheckpointError(.badData, "checkpoint \(id) is of form \(form)", remedy: "A newer crdt-agent reads it")
    }
    sequence = try reader.required("sequence", try reader.integer("sequence"))
    guard (1...CheckpointLimits.greatestSequence).contains(sequence) else {
      throw reader.wrong("sequence", "is out of range")
    }
    let created = try reader.required("created", try reader.instant("created"))
    stamp = Stamp(instant: created, host: try reader.required("host", try reader.text("host")))
    guard HostName(stamp.host.description) != nil else { throw reader.wrong("host", "is no host name") }
    let session = try reader.required("session", try reader.text("session"))
    guard let session = CheckpointID(session) else { throw reader.wrong("session", "is no UUID") }
    self.session = session
    message = try reader.text("message") ?? ""
    tags = Set(try reader.texts("tags") ?? []).sorted()
    let trigger = try reader.text("trigger") ?? "manual"
    guard let trigger = CheckpointTrigger(trigger.description) else { throw reader.wrong("trigger", "is unknown") }
    self.trigger = trigger
    try checkLimits()
  }

  func checkLimits() throws(CheckpointError) {
    func check(_ what: String, _ count: Int, _ limit: Int) throws(CheckpointError) {
      guard count > limit else { return }
      throw CheckpointError(.tooLarge, "\(what) has \(count) bytes; \(limit) at most")
    }
    try check("the message", message.count, CheckpointLimits.messageBytes)
    for tag in tags { try check("a tag", tag.count, CheckpointLimits.tagBytes) }
    guard !tags.contains("") else { throw CheckpointError(.usage, "a tag is empty") }
    guard tags.count <= CheckpointLimits.tagCount else {
      throw CheckpointError(.tooLarge, "\(tags.count) tags; \(CheckpointLimits.tagCount) at most")
    }
  }
}
