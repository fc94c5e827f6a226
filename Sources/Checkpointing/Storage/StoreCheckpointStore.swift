import CRDT
import Durability
import Memory
import Replication
import Synchronization

/// Checkpoints as entries and blobs of crdt-backup's store, which carries them to the other hosts.
///
/// Opens the store for each operation, so that it sees at once what other processes and crdt-backup have done.
public final class StoreCheckpointStore: CheckpointStore {
  private let open: @Sendable () throws(ReplicationError) -> Store
  private let openIfThere: @Sendable () throws(ReplicationError) -> Store?
  private let defaultHost: HostName
  /// The last snapshot: the same commit holds the same records.
  private let last = Mutex<CheckpointSnapshot?>(nil)

  /// - Parameters:
  ///   - defaultHost: the name to write under where the store has none yet.
  ///   - openIfThere: opens the store; `nil` where there is none yet. What is refused makes none.
  ///   - open: opens the store, or makes it.
  public init(
    defaultHost: HostName, openIfThere: @escaping @Sendable () throws(ReplicationError) -> Store?,
    open: @escaping @Sendable () throws(ReplicationError) -> Store
  ) {
    self.defaultHost = defaultHost
    self.openIfThere = openIfThere
    self.open = open
  }

  public func snapshot() throws(CheckpointError) -> CheckpointSnapshot {
    try checkpointing { () throws(ReplicationError) in try read(try open()) }
  }

  public func blob(_ digest: String) throws(CheckpointError) -> [UInt8]? {
    try checkpointing { () throws(ReplicationError) in try open().blob(digest) }
  }

  public func secretScanner(allowing rules: Set<ByteString>) throws(CheckpointError) -> SecretScanner {
    try checkpointing { () throws(ReplicationError) in
      try openIfThere()?.secretScanner(allowing: rules) ?? SecretScanner(allowed: rules)
    }
  }

  public func deleted(among ids: Set<CheckpointID>) throws(CheckpointError) -> Set<CheckpointID> {
    guard !ids.isEmpty else { return [] }
    let deleted = try checkpointing { () throws(ReplicationError) in
      try open().deletedRecords(among: Set(ids.map(\.bytes)), kind: CheckpointKind.checkpoint)
    }
    return ids.filter { deleted.contains($0.bytes) }
  }

  public func update<Result>(
    _ body: (_ snapshot: CheckpointSnapshot, _ host: HostName) throws(CheckpointError) -> (CheckpointChange, Result)
  ) throws(CheckpointError) -> Result {
    let store = try checkpointing { () throws(ReplicationError) in try open() }
    let lock = try lock(store)
    defer { extendLifetime(lock) }
    let defaultHost = store.settings.requestedHost ?? defaultHost
    // Writing nothing settles the name this installation writes under.
    let host = try checkpointing { () throws(ReplicationError) -> HostName in
      _ = try store.write([], message: "agent state", defaultHost: defaultHost)
      return store.settings.host ?? defaultHost
    }
    let snapshot = try checkpointing { () throws(ReplicationError) in try read(store) }
    let (change, result) = try body(snapshot, host)
    guard !change.isEmpty else { return result }
    _ = try checkpointing { () throws(ReplicationError) in
      try store.write(
        change.records, deleting: change.deleting, blobs: change.blobs, message: change.message,
        defaultHost: defaultHost)
    }
    record(change.notices, store)
    return result
  }

  public func news(since place: CheckpointNoticePlace?) throws(CheckpointError) -> CheckpointNews {
    let store = try checkpointing { () throws(ReplicationError) in try open() }
    // Where the lock cannot be had, as by one who may only read, a change may be seen before its notice: it is told all
    // the same, by what it did to the store.
    let lock = lockWithin(seconds: CheckpointNews.lockWaitSeconds, store)
    defer { extendLifetime(lock) }
    let snapshot = try checkpointing { () throws(ReplicationError) in try read(store) }
    guard let record = notices(store) else {
      return CheckpointNews(snapshot: snapshot, notices: [], place: place ?? CheckpointNoticePlace.none)
    }
    return CheckpointNews(
      snapshot: snapshot, notices: place.map { record.notices(since: $0) } ?? [], place: record.end)
  }

  public func tell(_ notices: [CheckpointNotice]) {
    guard let store = try? open(), let lock = lockWithin(seconds: CheckpointNews.lockWaitSeconds, store) else { return }
    defer { extendLifetime(lock) }
    record(notices, store)
  }

  /// The last notices of this installation's processes. Private, bounded, and lost without loss.
  private static func noticesPath(_ store: Store) -> String { store.paths.privateFolder + "/checkpoint-events" }

  private func notices(_ store: Store) -> NoticeRecord? {
    let bytes = try? store.effects.fileSystem.read(Self.noticesPath(store), limitBytes: CheckpointLimits.noticesBytes)
    return bytes.flatMap(\.self).flatMap { NoticeRecord($0) }
  }

  /// Under the lock. Telling must not fail what was done.
  private func record(_ notices: [CheckpointNotice], _ store: Store) {
    guard !notices.isEmpty else { return }
    var record = self.notices(store) ?? NoticeRecord(id: CheckpointID(random: store.effects.randomBytes(16)))
    record.append(notices)
    try? store.effects.fileSystem.replace(Self.noticesPath(store), with: record.bytes)
  }

  private func read(_ store: Store) throws(ReplicationError) -> CheckpointSnapshot {
    let revision = try store.tip().map { "\($0)" } ?? ""
    if let last = last.withLock({ $0 }), last.revision == revision { return last }
    let records = try store.records { entry in
      let kind = entry.metadata.kind ?? ""
      return CheckpointKind.all.contains(kind) || CheckpointKind.meant(by: entry.content, of: kind) != nil
    }.reversed().map { record in
      let metadata = record.entry.metadata
      return CheckpointRecord(
        uniqueID: metadata.uniqueID, kind: metadata.kind ?? "", stamp: metadata.stamp, content: record.entry.content)
    }
    let snapshot = CheckpointSnapshot(revision: revision, records: records)
    last.withLock { $0 = snapshot }
    return snapshot
  }

  private static func lockPath(_ store: Store) -> String { store.paths.privateFolder + "/checkpoints.lock" }

  /// The same lock, where it can be had soon.
  private func lockWithin(seconds: Double, _ store: Store) -> FileLock? {
    do throws(StorageError) {
      return try store.effects.acquireLock(Self.lockPath(store), min(seconds, store.settings.lockWaitSeconds))
    } catch {
      return nil
    }
  }

  /// The lock that keeps reading and writing of one operation together; the store's own is taken within.
  private func lock(_ store: Store) throws(CheckpointError) -> FileLock? {
    let path = Self.lockPath(store)
    do throws(StorageError) {
      try store.effects.fileSystem.createFolder(store.paths.privateFolder)
      return try store.effects.acquireLock(path, store.settings.lockWaitSeconds)
    } catch {
      guard error.code == .locked else {
        let cause = ReplicationError(error)
        throw CheckpointError(
          .store, cause.message, remedy: cause.remedy, underlyingExitCode: error.code == .notFound ? 74 : cause.exitCode
        )
      }
      throw CheckpointError(
        .store, "another process is writing checkpoints: \(error.detail)",
        remedy: "Nothing was changed; run again when it has ended", underlyingExitCode: 75)
    }
  }
}

/// Runs work of the store and turns its error into this layer's.
private func checkpointing<Value>(_ body: () throws(ReplicationError) -> Value) throws(CheckpointError) -> Value {
  do { return try body() } catch {
    throw CheckpointError(.store, error.message, remedy: error.remedy, underlyingExitCode: error.exitCode)
  }
}
