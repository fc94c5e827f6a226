import CRDT
import Durability
import Git
import Memory

/// An opened store: its repository, settings, private state and the one wall-clock reading of this operation.
///
/// Operations that write hold the store's lock. Not safe for use from two threads at once.
public final class Store {
  public let paths: StorePaths
  public let repository: any Repository
  public let effects: Effects
  public internal(set) var settings: StoreSettings
  /// The wall clock when the store was opened.
  public let wall: Instant
  let privateState: PrivateState
  /// The formats of the memories that this operation read, for the host's record; see ``HostRecord/formats``.
  var memoryFormats: [ByteString: ByteString] = [:]

  /// Wraps a repository that is, or is about to become, a store.
  public init(repository: any Repository, paths: StorePaths, effects: Effects) throws(ReplicationError) {
    self.repository = repository
    self.paths = paths
    self.effects = effects
    self.settings = try StoreSettings.read(from: repository)
    self.wall = effects.wallClock()
    self.privateState = PrivateState(paths: paths, fileSystem: effects.fileSystem)
  }

  /// The branch all of the store is on.
  var branchReference: String { "refs/heads/\(settings.branch)" }
  /// Where the remote's branch was when it was last read.
  var trackingReference: String { "refs/remotes/origin/\(settings.branch)" }

  /// The store's newest commit; `nil` for a new store.
  public func tip() throws(ReplicationError) -> ObjectID? {
    try replicating { () throws(GitError) in try repository.reference(branchReference) }
  }

  /// The remote's newest commit as of the last contact.
  public func trackedTip() throws(ReplicationError) -> ObjectID? {
    try replicating { () throws(GitError) in try repository.reference(trackingReference) }
  }

  /// What the store's newest commit holds.
  func tree(of commit: ObjectID?) throws(ReplicationError) -> StoreTree {
    guard let commit else { return StoreTree() }
    return try replicating { () throws(GitError) in try StoreTree.read(commit: commit, from: repository) }
  }

  /// Whether a commit is a store's, or of a repository that can become one.
  func isStoreOrFresh(_ commit: ObjectID) throws(ReplicationError) -> Bool {
    let tree = try tree(of: commit)
    return try replicating { () throws(GitError) in try tree.isStoreOrFresh(in: repository) }
  }

  /// Waits for the store's lock. Released when the result goes out of scope, or the process ends in any way.
  /// - Parameter waitSeconds: `nil` waits as `crdt.lockWait` says.
  func lock(waitSeconds: Double? = nil) throws(ReplicationError) -> FileLock? {
    try storing { () throws(StorageError) in try effects.fileSystem.createFolder(paths.privateFolder) }
    return try Store.acquireLock(paths, waitSeconds ?? settings.lockWaitSeconds, effects: effects)
  }

  /// The same where no store is yet; the lock's folder has to be there.
  static func acquireLock(_ paths: StorePaths, _ waitSeconds: Double, effects: Effects) throws(ReplicationError)
    -> FileLock?
  {
    do {
      return try effects.acquireLock(paths.lock, waitSeconds)
    } catch {
      guard error.code == .locked else { throw ReplicationError(error) }
      let holder = FileLock.holder(paths.lock).map { " (process \($0))" } ?? ""
      throw ReplicationError(
        .notOnRemote, "another run holds the store \(paths.folder)\(holder)",
        remedy: "What it accepted is safe; run again when it has ended", isRetryable: true)
    }
  }

  /// Runs work that writes while holding the store's lock; a dry run takes none.
  func locked<Value>(unless isDryRun: Bool = false, _ body: () throws(ReplicationError) -> Value)
    throws(ReplicationError) -> Value
  {
    if isDryRun { return try body() }
    let lock = try lock()
    // The lock's value has to live through the body: one that nothing uses any more may be released.
    defer { extendLifetime(lock) }
    // Only who holds the lock can tell: a process id says nothing where the holder is in another namespace.
    let isAfterDeath =
      switch lock {
      case .some(let lock): lock.isAfterDeath
      case .none: false
      }
    _ = try replicating { () throws(GitError) in
      try repository.clearAbandonedLocks(minimumAgeSeconds: isAfterDeath ? 0 : Store.abandonedLockSeconds)
    }
    if isAfterDeath { removeLeftovers() }
    return try body()
  }

  // MARK: Clock

  /// The clock as of the durable mark; rebuilt from what this host has written where there is none.
  func loadClock() throws(ReplicationError) -> HybridLogicalClock {
    var clock = HybridLogicalClock(maxDriftSeconds: settings.maxDriftSeconds)
    if let mark = try privateState.readClock() {
      clock.restore(highWater: mark)
      return clock
    }
    guard let host = settings.host else { return clock }
    // Every commit of ours names the mark of its time in our record.
    for tip in [try tip(), try trackedTip()].compactMap(\.self) {
      guard let id = try tree(of: tip).hostRecords[StoreTree.hostRecordName(of: host.text)] else { continue }
      let bytes = try replicating { () throws(GitError) in try repository.readBlob(id) }
      if let mark = HostRecord(bytes)?.seen[host.bytes], HybridLogicalClock.canGoOn(from: mark) {
        clock.restore(highWater: mark)
      }
    }
    return clock
  }

  /// Makes the mark durable; only afterwards may the stamps taken from `clock` be used.
  func save(_ clock: HybridLogicalClock) throws(ReplicationError) { try privateState.writeClock(clock.highWater) }

  /// Who signs this store's commits: the user's git identity, else the host's.
  func signature(host: HostName) throws(ReplicationError) -> Signature {
    let (name, email) = try replicating { () throws(GitError) in
      (try repository.setting("user.name"), try repository.setting("user.email"))
    }
    func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
    return Signature(
      name: given(name) ?? "crdt-backup", email: given(email) ?? "crdt-backup@\(host.text)",
      timeSeconds: wall.seconds)
  }
}
