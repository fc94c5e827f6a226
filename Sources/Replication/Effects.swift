import CRDT
import Durability

/// The outside world as replication sees it. Commands hand in the real one, simulations another.
public struct Effects: Sendable {
  public var fileSystem: any FileSystem
  /// The wall clock. Read once an operation, so that one run has one time.
  public var wallClock: @Sendable () -> Instant
  /// Cryptographically random bytes, for replica identities and jitter.
  public var randomBytes: @Sendable (_ count: Int) -> [UInt8]
  /// Waits between attempts to push.
  public var sleepMilliseconds: @Sendable (_ milliseconds: Int) -> Void
  /// What tells this machine from its clones (`/etc/machine-id`); `nil` where there is no such thing.
  public var machineIdentity: @Sendable () -> [UInt8]?
  /// Takes the lock at a path, waiting that many seconds at most. A simulation of one thread needs none.
  public var acquireLock: @Sendable (_ path: String, _ waitSeconds: Double) throws(StorageError) -> FileLock?

  public init(
    fileSystem: any FileSystem, wallClock: @escaping @Sendable () -> Instant,
    randomBytes: @escaping @Sendable (_ count: Int) -> [UInt8],
    sleepMilliseconds: @escaping @Sendable (_ milliseconds: Int) -> Void,
    machineIdentity: @escaping @Sendable () -> [UInt8]?,
    acquireLock: @escaping @Sendable (_ path: String, _ waitSeconds: Double) throws(StorageError) -> FileLock? = {
      path, waitSeconds throws(StorageError) in try FileLock.acquire(path, waitSeconds: waitSeconds)
    }
  ) {
    self.fileSystem = fileSystem
    self.wallClock = wallClock
    self.randomBytes = randomBytes
    self.sleepMilliseconds = sleepMilliseconds
    self.machineIdentity = machineIdentity
    self.acquireLock = acquireLock
  }
}
