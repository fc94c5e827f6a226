import CRDT
import Durability
import Memory

/// A whole state, packed: gzip of its canonical form, and what describes it.
public struct Backup: Hashable, Sendable {
  public var metadata: BackupMetadata
  /// The gzip stream. Same state, same bytes.
  public var bytes: [UInt8]

  /// The most a backup may unpack to: a bound against bombs.
  static let maximumBytes = 1 << 34

  /// Packs a state.
  public init(
    _ snapshot: Snapshot, project: ByteString, created: Instant, host: String, session: String, deltaCount: UInt64,
    position: JournalPosition, isComplete: Bool, lostRecords: UInt64 = 0
  ) throws(CRSError) {
    let payload = Self.payload(of: snapshot.state)
    do throws(Gzip.Damage) {
      bytes = try Gzip.compress(payload)
    } catch {
      throw CRSError(.storage, "the state cannot be packed: \(error.rawValue)")
    }
    metadata = BackupMetadata(
      project: project, created: created, host: host, session: session, generation: snapshot.generation,
      deltaCount: deltaCount, isComplete: isComplete, lostRecords: lostRecords, sizeBytes: payload.count,
      compressedBytes: bytes.count,
      digest: EntryIdentity.hexDigest(of: bytes), position: position)
  }

  /// Takes bytes only when they are what `metadata` describes.
  /// - Throws: `corrupted`.
  public init(_ bytes: [UInt8], metadata: BackupMetadata) throws(CRSError) {
    guard bytes.count == metadata.compressedBytes, EntryIdentity.hexDigest(of: bytes) == metadata.digest else {
      throw CRSError(.corrupted, "the backup fails its checksum")
    }
    self.bytes = bytes
    self.metadata = metadata
  }

  /// Unpacks the state. Its checksum was verified before.
  /// - Throws: `corrupted`.
  public func state() throws(CRSError) -> ReasoningState {
    let payload: [UInt8]
    do throws(Gzip.Damage) {
      payload = try Gzip.decompress(bytes, limitBytes: min(metadata.sizeBytes, Self.maximumBytes))
    } catch {
      throw CRSError(.corrupted, "the backup cannot be unpacked: \(error.rawValue)")
    }
    guard payload.count == metadata.sizeBytes else { throw CRSError(.corrupted, "the backup has another size") }
    do throws(CRSError) {
      return try Self.state(of: payload)
    } catch {
      throw CRSError(.corrupted, "the backup holds no state: \(error.message)")
    }
  }

  /// Whether this one says nothing that `other` does not say: same state, as complete, and as far in the journal.
  func isRepetition(of other: Backup) -> Bool {
    bytes == other.bytes && metadata.position == other.metadata.position
      && metadata.isComplete == other.metadata.isComplete && metadata.lostRecords == other.metadata.lostRecords
      && metadata.project == other.metadata.project && metadata.host == other.metadata.host
  }

  private static let prefix = Array(#"{"kind":"crs-backup","format_version":1,"state":"#.utf8)

  private static func payload(of state: ReasoningState) -> [UInt8] { prefix + state.canonicalBytes + [0x7D, 0x0A] }

  private static func state(of payload: [UInt8]) throws(CRSError) -> ReasoningState {
    guard payload.starts(with: prefix), payload.suffix(2).elementsEqual([0x7D, 0x0A]) else {
      throw CRSError(.badData, "its frame is missing")
    }
    return try ReasoningState(canonical: Array(payload[prefix.count..<(payload.count - 2)]))
  }
}
