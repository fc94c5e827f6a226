import CRDT
import Memory

/// A checkpoint as it lies in the store: its header, and where its state is.
public struct StoredCheckpoint: Hashable, Sendable {
  /// Where the state is.
  public enum Payload: Hashable, Sendable {
    /// In the entry, as canonical JSON.
    case inline([UInt8])
    /// A blob of the store, by its SHA-256.
    case blob(digest: String, count: Int)
  }

  public let header: CheckpointHeader
  public let payload: Payload
  /// As written; `nil` in files of a time before checksums, and where it was taken away.
  public let checksum: String?
  /// Of a time before checksums. A record that names its form was written with a checksum: it is never taken for one.
  public let isLegacy: Bool
  /// As read: what the checksum is taken of is in here.
  private let content: [UInt8]

  /// What is known of a checkpoint by its checksum.
  public enum Verdict: String, Hashable, Sendable {
    /// The checksum is that of these bytes.
    case valid
    /// It is not, or was taken away, or the state is missing or is no state.
    case invalid
    /// Of a time before checksums: there is none, and none was taken away.
    case legacy
  }

  /// How many bytes the state has.
  public var stateCount: Int {
    switch payload {
    case .inline(let bytes): bytes.count
    case .blob(_, let count): count
    }
  }

  /// Reads an entry's content or a line of an export. Throws `.badData` or `.tooLarge`.
  public init(json bytes: [UInt8]) throws(CheckpointError) {
    var reader = try MemberReader(bytes, what: "checkpoint")
    // A null in their place is a trace of them, too.
    isLegacy = ["form", "checksum"].allSatisfy { reader.rest.members[$0] == nil }
    checksum = try reader.text("checksum")?.description
    header = try CheckpointHeader(&reader)
    if let state = reader.take("state") {
      guard state.first == 0x7B else { throw reader.wrong("state", "is no object") }
      payload = .inline(state)
    } else if let reference = try reader.object("stateBlob") {
      var inner = MemberReader(reference, what: "checkpoint \(header.id), stateBlob")
      let digest = try inner.required("sha256", try inner.text("sha256")).description
      let count = try inner.required("bytes", try inner.integer("bytes"))
      guard (0...CheckpointLimits.stateBytes).contains(count) else { throw inner.wrong("bytes", "is out of range") }
      payload = .blob(digest: digest, count: count)
    } else {
      throw reader.wrong("state", "is missing")
    }
    content = bytes
  }

  /// All members as they lie there but checksum and state.
  private var fields: CanonicalObject {
    // It was read before.
    var object = (try? CanonicalObject(content, what: "checkpoint")) ?? CanonicalObject()
    for name: ByteString in ["checksum", "state", "stateBlob"] { object.members[name] = nil }
    return object
  }

  /// Members unknown here.
  private var rest: CanonicalObject {
    var reader = MemberReader(fields, what: "checkpoint")
    _ = try? CheckpointHeader(&reader)
    return reader.rest
  }

  /// The form in which a new checkpoint enters the store.
  /// - Returns: the entry's content, and the payload that goes beside it where the state is large.
  static func written(_ checkpoint: Checkpoint) throws(CheckpointError) -> (content: [UInt8], blob: [UInt8]?) {
    try checkpoint.header.checkLimits()
    let state = checkpoint.state.json
    guard state.count <= CheckpointLimits.stateBytes else { throw CheckpointState.tooLarge(state.count) }
    return try StoredCheckpoint(json: checkpoint.json).entry(state: state)
  }

  /// The form in which this checkpoint enters a store: as it stands, but for where its state is.
  func entry(state: [UInt8]) -> (content: [UInt8], blob: [UInt8]?) {
    guard state.count > CheckpointLimits.inlineStateBytes else { return (json(state: state), nil) }
    var reference = CanonicalObject()
    reference.set("sha256", EntryIdentity.hexDigest(of: state))
    reference.set("bytes", state.count)
    var object = fields
    if let checksum { object.set("checksum", checksum) }
    object.set("stateBlob", reference)
    return (object.bytes, state)
  }

  /// The whole checkpoint as one JSON object, checksum and state included.
  public func json(state: [UInt8]) -> [UInt8] {
    var object = fields
    if let checksum { object.set("checksum", checksum) }
    object.members["state"] = state
    return object.bytes
  }

  /// The verdict on this checkpoint with its state's bytes, and why.
  public func verdict(state: [UInt8]?) -> (verdict: Verdict, reason: String) {
    guard let state else { return (.invalid, "its state is not in the store") }
    do throws(CheckpointError) { _ = try CheckpointState(json: state) } catch {
      return (.invalid, error.message)
    }
    guard let checksum else {
      return isLegacy ? (.legacy, "it has no checksum") : (.invalid, "its checksum is missing")
    }
    var object = fields
    object.members["state"] = state
    guard EntryIdentity.hexDigest(of: object.bytes) == checksum else {
      return (.invalid, "its bytes are not those the checksum was taken of")
    }
    return (.valid, "")
  }

  /// Known to be damaged without a look at any blob.
  var isDamaged: Bool { inlineVerdict == .invalid }

  /// Known to be valid without a look at any blob.
  var isSound: Bool { inlineVerdict == .valid }

  private var inlineVerdict: Verdict? {
    guard case .inline(let state) = payload else { return nil }
    return verdict(state: state).verdict
  }

  /// The checkpoint with its state, once the checksum was found right.
  ///
  /// Throws `.payloadMissing` or `.checksumMismatch`; `.unverified` for a legacy one.
  /// - Parameter acceptsLegacy: take a legacy one as it is.
  public func checkpoint(state: [UInt8]?, acceptsLegacy: Bool = false) throws(CheckpointError) -> Checkpoint {
    guard let state else {
      throw CheckpointError(
        .payloadMissing, "checkpoint \(header.id): its state is not in the store",
        remedy: "Run crdt-backup, which brings what other hosts have")
    }
    let (verdict, reason) = verdict(state: state)
    guard verdict != .invalid else {
      throw CheckpointError(
        .checksumMismatch, "checkpoint \(header.id) is damaged: \(reason)",
        remedy: "Nothing was restored. `crdt-agent checkpoint validate` names what is good")
    }
    guard verdict != .legacy || acceptsLegacy else {
      throw CheckpointError(
        .unverified, "checkpoint \(header.id) is legacy: \(reason) that could be verified",
        remedy: "Nothing was restored. Look at it, and take it as it is with --accept-legacy")
    }
    var checkpoint = Checkpoint(header: header, state: try CheckpointState(json: state))
    checkpoint.rest = rest
    return checkpoint
  }
}
