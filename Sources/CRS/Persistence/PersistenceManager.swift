import CRDT
import Durability
import Memory
import Tracing

/// Keeps the backups of one project on this host: the latest and the one before it.
///
/// A backup and its metadata become visible together: metadata names the digest of its backup, a backup is in place
/// before the metadata that names it, and the pair before stays until then. Whatever byte is damaged and wherever a
/// crash comes, what is loaded is a whole backup that passes its checksum, or nothing.
public final class PersistenceManager {
  public let folder: ProjectFolder
  private let context: CRSContext
  private var isClosed = false

  /// How often a call that may succeed later is tried.
  private static let attempts = 3

  public init(_ folder: ProjectFolder, context: CRSContext) {
    self.folder = folder
    self.context = context
  }

  /// Ends the use of this value; every later call throws `closed`.
  public func close() { isClosed = true }

  /// Replaces the latest backup; the one that was the latest, if it is good, becomes the previous one. Where the latest
  /// says the same already, nothing is written.
  /// - Returns: what is the latest now.
  /// - Throws: `lockFailed`, `closed`, `full`, `storage`, `permission`. The backup that was there is still there then.
  /// - Complexity: reads what was there once, and what was written once.
  @discardableResult
  public func save(_ backup: Backup) throws(CRSError) -> Backup {
    try traced("crs.Persistence.SaveBackup") { span throws(CRSError) in
      span.attributes["crs.backup.size_bytes"] = backup.metadata.compressedBytes
      span.attributes["crs.generation"] = Int(clamping: backup.metadata.generation)
      return try locked { () throws(CRSError) in try replaced(by: backup) }
    }
  }

  private func replaced(by backup: Backup) throws(CRSError) -> Backup {
    let metadata = try read(folder.metadata, limitBytes: 1 << 26)
    let bytes = try read(folder.latestBackup, limitBytes: .max - 1)
    var there: Backup?
    if let metadata, let bytes { there = try? Backup(bytes, metadata: try BackupMetadata(metadata)) }
    if let there, backup.isRepetition(of: there) { return there }
    if there == nil {
      // Copies of a damaged pair: somebody may mend it.
      if let bytes { try keepDamaged(bytes, ".backup.gz") }
      if let metadata { try keepDamaged(metadata, ".metadata.json") }
    } else if let metadata, let bytes {
      try write(folder.previousBackup, bytes)
      try write(folder.previousMetadata, metadata)
    }
    if bytes != backup.bytes { try write(folder.latestBackup, backup.bytes) }
    try write(folder.metadata, backup.metadata.bytes)
    // What is on the disk is what will be loaded.
    return try read(folder.latestBackup, folder.metadata)
  }

  private func keepDamaged(_ bytes: [UInt8], _ end: String) throws(CRSError) {
    try write(folder.backups + "/damaged-" + EntryIdentity.hexDigest(of: bytes).prefix(16) + end, bytes)
  }

  /// What the metadata files say that can be read, and whether the latest one is among them.
  func described() throws(CRSError) -> (metadata: [BackupMetadata], isLatestThere: Bool) {
    let latest = try read(folder.metadata, limitBytes: 1 << 26).flatMap { try? BackupMetadata($0) }
    let previous = try read(folder.previousMetadata, limitBytes: 1 << 26).flatMap { try? BackupMetadata($0) }
    return ([latest, previous].compactMap(\.self), latest != nil)
  }

  /// What a load found.
  public struct Loaded: Sendable {
    public var backup: Backup
    public var state: ReasoningState
    /// Why an earlier backup than the latest was used; `nil` when it is the latest.
    public var fallback: CRSError?
  }

  /// The newest backup that passes every check; verified as a whole before anything of it is used.
  /// - Throws: `notFound` when none was ever saved; `corrupted` or `versionMismatch` when none is good.
  public func load() throws(CRSError) -> Loaded {
    try traced("crs.Persistence.LoadBackup") { span throws(CRSError) in
      let (backup, state, fallback) = try newestGood { backup throws(CRSError) in try backup.state() }
      span.attributes["crs.backup.size_bytes"] = backup.metadata.compressedBytes
      span.attributes["crs.backup.is_fallback"] = fallback != nil
      return Loaded(backup: backup, state: state, fallback: fallback)
    }
  }

  /// What the newest backup that passes its checksum says of itself, and why the latest is not it; not unpacked.
  /// - Throws: as ``load()``.
  public func newestMetadata() throws(CRSError) -> (metadata: BackupMetadata, fallback: CRSError?) {
    let (backup, _, fallback) = try newestGood { _ throws(CRSError) in }
    return (backup.metadata, fallback)
  }

  /// - Parameter use: takes a backup that passes its checksum, or throws.
  private func newestGood<Value>(_ use: (Backup) throws(CRSError) -> Value) throws(CRSError)
    -> (backup: Backup, value: Value, fallback: CRSError?)
  {
    var attempt = 1
    while true {
      do throws(CRSError) {
        let (backup, value, fallback, isQuiet) = try searched(use)
        // Between two of a writer's steps an older pair is found, or none.
        if fallback == nil || isQuiet || attempt == Self.attempts { return (backup, value, fallback) }
      } catch {
        guard error.code == .corrupted, attempt < Self.attempts else { throw error }
      }
      context.sleepMilliseconds(20 << attempt)
      attempt += 1
    }
  }

  private func searched<Value>(_ use: (Backup) throws(CRSError) -> Value) throws(CRSError)
    -> (backup: Backup, value: Value, fallback: CRSError?, isQuiet: Bool)
  {
    try reading { isQuiet throws(CRSError) in
      var first: CRSError?
      // A crash between two of the files' replacements leaves a pair in files of different names.
      for metadata in [folder.metadata, folder.previousMetadata] {
        for bytes in [folder.latestBackup, folder.previousBackup] {
          do throws(CRSError) {
            let backup = try read(bytes, metadata)
            return (backup, try use(backup), first, isQuiet)
          } catch {
            if first == nil || first?.code == .notFound, error.code != .notFound { first = error }
            if error.code == .permission || error.code == .storage { throw error }
          }
        }
      }
      throw first
        ?? CRSError(
          .notFound, "no backup in \(folder.path)", remedy: "Make one with `crdt-agent crs save`")
    }
  }

  private func read(_ path: String, _ metadataPath: String) throws(CRSError) -> Backup {
    guard let metadata = try read(metadataPath, limitBytes: 1 << 26), let bytes = try read(path, limitBytes: .max - 1)
    else { throw CRSError(.notFound, "\(metadataPath) or \(path) is missing") }
    func named<Value>(_ file: String, _ body: () throws(CRSError) -> Value) throws(CRSError) -> Value {
      do throws(CRSError) { return try body() } catch {
        throw CRSError(error.code, "\(file): \(error.message)", remedy: error.remedy)
      }
    }
    let read = try named(metadataPath) { () throws(CRSError) in try BackupMetadata(metadata) }
    return try named(path) { () throws(CRSError) in try Backup(bytes, metadata: read) }
  }

  private func read(_ path: String, limitBytes: Int) throws(CRSError) -> [UInt8]? {
    try retrying { () throws(StorageError) in try context.fileSystem.read(path, limitBytes: limitBytes) }
  }

  private func write(_ path: String, _ bytes: [UInt8]) throws(CRSError) {
    try retrying { () throws(StorageError) in
      try context.fileSystem.replace(path, with: bytes, mode: .exact(0o600))
    }
  }

  private func retrying<Value>(_ body: () throws(StorageError) -> Value) throws(CRSError) -> Value {
    var attempt = 1
    while true {
      do throws(StorageError) {
        return try body()
      } catch {
        guard error.isRetryable, attempt < Self.attempts else { throw CRSError(error) }
        context.sleepMilliseconds(20 << attempt)
        attempt += 1
      }
    }
  }

  /// Reads without waiting for anybody: what a writer replaces is whole before and after.
  /// - Parameter body: gets to know whether no writer is at work.
  private func reading<Value>(_ body: (_ isQuiet: Bool) throws(CRSError) -> Value) throws(CRSError) -> Value {
    guard !isClosed else { throw CRSError(.closed, "the backups of \(folder.path) were closed") }
    if let lock = lockIfFree() {
      defer { extendLifetime(lock) }
      return try body(true)
    }
    return try body(false)
  }

  /// `nil` also where the folder is not there, or may only be read.
  private func lockIfFree() -> FileLock? {
    do throws(StorageError) {
      return try FileLock.tryAcquire(folder.backupLock)
    } catch {
      return nil
    }
  }

  private func locked<Value>(_ body: () throws(CRSError) -> Value) throws(CRSError) -> Value {
    guard !isClosed else { throw CRSError(.closed, "the backups of \(folder.path) were closed") }
    try storing { () throws(StorageError) in try context.fileSystem.createFolder(folder.backups) }
    let lock = try storing { () throws(StorageError) in
      try FileLock.acquire(folder.backupLock, waitSeconds: context.lockWaitSeconds)
    }
    // The lock's value has to live through the body: one that nothing uses any more may be released.
    defer { extendLifetime(lock) }
    return try body()
  }
}
