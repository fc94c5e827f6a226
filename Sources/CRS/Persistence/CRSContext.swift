import CRDT
import Durability
import Memory

/// The outside world as this module sees it; commands hand in the real one.
public struct CRSContext: Sendable {
  public var fileSystem: any FileSystem
  public var wallClock: @Sendable () -> Instant
  /// Cryptographically random bytes, for session ids.
  public var randomBytes: @Sendable (_ count: Int) -> [UInt8]
  public var sleepMilliseconds: @Sendable (_ milliseconds: Int) -> Void
  /// Who writes.
  public var host: HostName
  /// What tells this installation from a copy of it.
  public var machine: String
  /// How long a lock is waited for.
  public var lockWaitSeconds: Double

  public init(
    fileSystem: any FileSystem, wallClock: @escaping @Sendable () -> Instant,
    randomBytes: @escaping @Sendable (_ count: Int) -> [UInt8],
    sleepMilliseconds: @escaping @Sendable (_ milliseconds: Int) -> Void, host: HostName, machine: String,
    lockWaitSeconds: Double = 10
  ) {
    self.fileSystem = fileSystem
    self.wallClock = wallClock
    self.randomBytes = randomBytes
    self.sleepMilliseconds = sleepMilliseconds
    self.host = host
    self.machine = machine
    self.lockWaitSeconds = lockWaitSeconds
  }

  /// A new session id: a random UUID (RFC 9562, version 4).
  func newSessionID() -> String { UUIDBits(random: randomBytes(16)).text.description }
}

extension CRSError {
  /// A failure of the file system.
  init(_ error: StorageError) {
    let code: Code =
      switch error.code {
      case .notFound where StorageError.creating.contains(error.operation): .cannotCreate
      case .notFound: .notFound
      case .permission, .notOwned, .readOnly: .permission
      case .noSpace: .full
      case .locked: .lockFailed
      default: .storage
      }
    let remedy: String =
      switch code {
      case .full: "What was saved before is safe. Make room, then run again"
      case .lockFailed: "What the other run accepts is safe; run again when it has ended"
      case .permission where error.code == .readOnly:
        "Nothing was changed. Make the file system writable, or give a folder elsewhere with --data"
      case .permission: "Nothing was changed. Run as the owner of the file, or change its mode"
      default: "What was saved before is safe"
      }
    self.init(code, error.description, remedy: remedy)
  }
}

extension StorageError {
  /// Operations that make what they name: where a folder on the way is missing, it is not something that is looked for.
  fileprivate static let creating: Set<String> = ["create folder", "lock", "rename", "replace", "write"]
}

/// Runs work on files and turns its error into this module's.
func storing<Value: ~Copyable>(_ body: () throws(StorageError) -> Value) throws(CRSError) -> Value {
  do { return try body() } catch { throw CRSError(error) }
}

extension CRSContext {
  /// A small record beside a journal; `nil` where there is none.
  func read(_ path: String) throws(CRSError) -> [UInt8]? {
    try storing { () throws(StorageError) in try fileSystem.read(path, limitBytes: 1 << 26) }
  }

  /// Puts a small record in place, for its owner only; nothing is written where it is there already.
  func replace(_ path: String, with bytes: [UInt8]) throws(CRSError) {
    _ = try storing { () throws(StorageError) in
      try fileSystem.replaceIfChanged(path, with: bytes, mode: .exact(0o600))
    }
  }
}
