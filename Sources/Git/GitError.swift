/// What went wrong in git work, decided where it happened.
///
/// `message` is one line for people and never holds a credential. `isRetryable` says whether the same call may
/// succeed later without anybody changing anything (a lost race, a network that is away).
public struct GitError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// No repository, object or ref of that name.
    case notFound
    /// A ref was not what the caller expected (compare-and-swap lost).
    case refChanged
    /// An object or file of the repository is damaged.
    case corrupt
    /// A ref or file is locked by another process (or by one that died, see `clearAbandonedLocks`).
    case locked
    /// SHA-256, reftable, shallow, or another repository form that libgit2 cannot read or push from.
    case unsupportedRepository
    /// The repository belongs to another user.
    case notOwned
    /// The remote cannot be reached, or broke off.
    case unreachable
    /// The deadline passed.
    case timedOut
    /// The remote wants credentials we do not have, or refused ours.
    case authentication
    /// No permission, here or there.
    case permission
    /// The remote exists but is no git repository.
    case notARepository
    /// A disk is full or an I/O call failed here.
    case storage
    /// A URL or name that cannot be used.
    case invalid
    /// The host key or certificate of the remote is not trusted.
    case untrusted
    /// Anything else libgit2 reports.
    case other
  }

  public var code: Code
  /// What was being done, as "fetch from ssh://…" (no credentials).
  public var operation: String
  public var message: String
  public var isRetryable: Bool

  public init(_ code: Code, operation: String, message: String, isRetryable: Bool) {
    self.code = code
    self.operation = operation
    self.message = message
    self.isRetryable = isRetryable
  }

  public var description: String { "\(operation): \(message)" }
}
