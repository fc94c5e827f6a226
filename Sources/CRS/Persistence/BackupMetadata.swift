import CRDT
import Memory

/// What is known of a backup without unpacking it.
public struct BackupMetadata: Hashable, Sendable {
  /// Of the backup's form.
  public static let formatVersion = 1

  public var project: ByteString
  public var created: Instant
  public var host: String
  public var session: String
  public var generation: UInt64
  /// Records of the journal that the state holds.
  public var deltaCount: UInt64
  /// False when some of what was applied may not be in it.
  public var isComplete: Bool
  /// Records of the journal that could not be read and are not in the state.
  public var lostRecords: UInt64
  public var sizeBytes: Int
  public var compressedBytes: Int
  /// Of the compressed bytes, lower-case hex.
  public var digest: String
  /// How far each session of the journal is in the state.
  public var position: JournalPosition

  /// Compressed size by size.
  public var ratio: Double { sizeBytes == 0 ? 1 : Double(compressedBytes) / Double(sizeBytes) }

  private static let hashMember = #","metadata_sha256":""#

  /// The file: one JSON object whose last member is the SHA-256 of the object without it.
  public var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("kind", "crs-backup-metadata")
      writer.member("format_version", Self.formatVersion)
      writer.member("project", project)
      writer.member("created", created.description)
      writer.member("host", host)
      writer.member("session", session)
      writer.unsigned("generation", generation)
      writer.unsigned("delta_count", deltaCount)
      writer.member("complete", isComplete)
      writer.unsigned("lost_records", lostRecords)
      writer.member("size_bytes", sizeBytes)
      writer.member("compressed_bytes", compressedBytes)
      writer.raw("ratio", Array(ratio.description.utf8))
      writer.member("sha256", digest)
      writer.object("position") { writer in
        for (session, sequence) in position.sorted(by: { ByteString($0.key) < ByteString($1.key) }) {
          writer.unsigned(session, sequence)
        }
      }
    }
    let hash = EntryIdentity.hexDigest(of: writer.bytes)
    return writer.bytes.dropLast() + Array((Self.hashMember + hash + "\"}\n").utf8)
  }

  /// Reads the file; every byte counts.
  /// - Throws: `corrupted`, or `versionMismatch` for an undamaged one of another version.
  public init(_ bytes: [UInt8]) throws(CRSError) {
    let tail = Self.hashMember.utf8.count + 64 + 3
    guard bytes.count > tail else { throw CRSError(.corrupted, "the metadata is cut off") }
    let object = bytes.dropLast(tail) + [0x7D]
    let expected = Array((Self.hashMember + EntryIdentity.hexDigest(of: Array(object)) + "\"}\n").utf8)
    guard bytes.suffix(tail).elementsEqual(expected) else {
      throw CRSError(.corrupted, "the metadata fails its checksum")
    }
    do throws(CRSError) {
      self = try Self.read(Array(object))
    } catch {
      throw error.code == .versionMismatch ? error : CRSError(.corrupted, "the metadata: \(error.message)")
    }
  }

  private init(project: ByteString) {
    self.project = project
    created = .epoch
    host = ""
    session = ""
    generation = 0
    deltaCount = 0
    isComplete = false
    lostRecords = 0
    sizeBytes = 0
    compressedBytes = 0
    digest = ""
    position = [:]
  }

  public init(
    project: ByteString, created: Instant, host: String, session: String, generation: UInt64, deltaCount: UInt64,
    isComplete: Bool, lostRecords: UInt64, sizeBytes: Int, compressedBytes: Int, digest: String,
    position: JournalPosition
  ) {
    self.project = project
    self.created = created
    self.host = host
    self.session = session
    self.generation = generation
    self.deltaCount = deltaCount
    self.isComplete = isComplete
    self.lostRecords = lostRecords
    self.sizeBytes = sizeBytes
    self.compressedBytes = compressedBytes
    self.digest = digest
    self.position = position
  }

  private static func read(_ object: [UInt8]) throws(CRSError) -> BackupMetadata {
    var version: UInt64?
    var result = BackupMetadata(project: "")
    var seen: Set<String> = []
    var cursor = JSONCursor(object)
    try cursor.object { name, cursor throws(CRSError) in
      seen.insert(name)
      switch name {
      case "kind":
        guard try cursor.string() == "crs-backup-metadata" else { throw cursor.failure("not metadata of a backup") }
      case "format_version": version = try cursor.saturatingUnsigned()
      case "project": result.project = try cursor.string()
      case "created": result.created = try cursor.instant()
      case "host": result.host = try cursor.string().description
      case "session": result.session = try cursor.string().description
      case "generation": result.generation = try cursor.saturatingUnsigned()
      case "delta_count": result.deltaCount = try cursor.saturatingUnsigned()
      case "complete": result.isComplete = try cursor.bool()
      case "lost_records": result.lostRecords = try cursor.saturatingUnsigned()
      case "size_bytes": result.sizeBytes = Int(clamping: try cursor.saturatingUnsigned())
      case "compressed_bytes": result.compressedBytes = Int(clamping: try cursor.saturatingUnsigned())
      case "ratio": _ = try cursor.number()
      case "sha256": result.digest = try cursor.string().description
      case "position":
        var position: JournalPosition = [:]
        try cursor.members { name, cursor throws(CRSError) in
          position[name.description] = try cursor.saturatingUnsigned()
        }
        result.position = position
      default: try cursor.skipValue()
      }
    }
    guard version == UInt64(formatVersion) else {
      throw CRSError(
        .versionMismatch, "a backup of format version \(version.map(String.init) ?? "none"), not \(formatVersion)",
        remedy: "Use the version of crdt-agent that wrote it")
    }
    guard seen.count >= 15 else { throw CRSError(.corrupted, "members are missing") }
    return result
  }
}
