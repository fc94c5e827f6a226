import CRDT
import Memory

/// A whole state in one portable JSON object: what an import joins, on any host, with any project.
public struct StateExport: Hashable, Sendable {
  public static let schema = 1

  public var project: ByteString
  public var created: Instant
  public var host: String
  public var generation: UInt64
  public var state: ReasoningState

  public init(project: ByteString, created: Instant, host: String, generation: UInt64, state: ReasoningState) {
    self.project = project
    self.created = created
    self.host = host
    self.generation = generation
    self.state = state
  }

  /// The object, with a newline at its end.
  public var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("schema", Self.schema)
      writer.member("kind", "crs-export")
      writer.member("project", project)
      writer.member("created", created.description)
      writer.member("host", host)
      writer.unsigned("generation", generation)
      writer.member("state_sha256", EntryIdentity.hexDigest(of: state.canonicalBytes))
      writer.raw("state", state.canonicalBytes)
    }
    return writer.bytes + [0x0A]
  }

  /// Reads an export, as this version writes it or re-indented by another program.
  /// - Parameter acceptsLegacy: takes an export without a checksum as it is.
  /// - Throws: `badData`; `versionMismatch`; `corrupted` when the state is not the one that was exported, or nothing
  ///   says that it is.
  public init(_ bytes: [UInt8], acceptsLegacy: Bool = false) throws(CRSError) {
    var cursor = JSONCursor(bytes)
    var schema: UInt64?
    var kind: ByteString?
    var result = StateExport(project: "", created: .epoch, host: "", generation: 0, state: ReasoningState())
    var digest: String?
    var hasState = false
    try cursor.object { name, cursor throws(CRSError) in
      switch name {
      case "schema": schema = try cursor.saturatingUnsigned()
      case "kind": kind = try cursor.string()
      case "project": result.project = try cursor.string()
      case "created": result.created = try cursor.instant()
      case "host": result.host = try cursor.string().description
      case "generation": result.generation = try cursor.saturatingUnsigned()
      case "state_sha256": digest = try cursor.string().description
      case "state":
        if let schema, schema != UInt64(Self.schema) {
          throw CRSError(.versionMismatch, "an export of schema \(schema), not \(Self.schema)")
        }
        result.state = try cursor.state()
        hasState = true
      default: try cursor.skipValue()
      }
    }
    try cursor.end()
    guard kind == "crs-export", hasState else { throw CRSError(.badData, "no export of a reasoning state") }
    guard schema == UInt64(Self.schema) else { throw CRSError(.versionMismatch, "an export of another schema") }
    if let digest {
      guard digest == EntryIdentity.hexDigest(of: result.state.canonicalBytes) else {
        throw CRSError(.corrupted, "the exported state fails its checksum")
      }
    } else if !acceptsLegacy {
      throw CRSError(
        .corrupted, "the export has no checksum: nothing says that its state is what was exported",
        remedy: "Take it as it is with --accept-legacy")
    }
    self = result
  }
}
