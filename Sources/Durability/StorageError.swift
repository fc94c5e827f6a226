import CSystem
import Glibc

/// A file-system call that failed: which one, on what, and why.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// Nothing of that name, or a folder on the way to it is missing.
    case notFound
    /// The operating system refuses access.
    case permission
    /// The disk or the quota is full.
    case noSpace
    /// The device failed.
    case io
    /// Somebody else holds the lock, also after the wait.
    case locked
    /// The file system is mounted read-only.
    case readOnly
    /// A folder where a file was expected.
    case isDirectory
    /// More bytes than the caller allows.
    case tooLarge
    /// The file belongs to another user.
    case notOwned
    /// The file is no longer what the caller had read.
    case changed
    /// Any other errno.
    case other
  }

  public var code: Code
  /// What was being done, as a verb: "read", "replace", "lock".
  public var operation: String
  public var path: String
  /// The errno of the failed call, 0 when no call failed.
  public var errno: Int32
  /// Further cause, such as the holder of a lock; empty when errno says it all.
  public var detail: String

  public init(_ code: Code, operation: String, path: String, errno: Int32 = 0, detail: String = "") {
    self.code = code
    self.operation = operation
    self.path = path
    self.errno = errno
    self.detail = detail
  }

  /// Decides the code by errno.
  public init(errno: Int32, operation: String, path: String) {
    self.init(Self.code(of: errno), operation: operation, path: path, errno: errno)
  }

  /// True when the same call may succeed later without anybody repairing anything.
  public var isRetryable: Bool {
    switch code {
    case .locked, .changed: true
    case .other: errno == EMFILE || errno == ENFILE || errno == EBUSY || errno == EAGAIN || errno == ESTALE
    default: false
    }
  }

  /// One line: "cannot replace /a/b: No space left on device".
  public var description: String {
    let cause = errno == 0 ? "" : errorText(errno)
    let parts = [cause, detail].filter { !$0.isEmpty }
    return "cannot \(operation) \(path): \(parts.isEmpty ? code.rawValue : parts.joined(separator: ", "))"
  }

  private static func code(of number: Int32) -> Code {
    switch number {
    case ENOENT, ENOTDIR: .notFound
    case EACCES, EPERM: .permission
    case ENOSPC, EDQUOT: .noSpace
    case EIO: .io
    case EROFS: .readOnly
    case EISDIR: .isDirectory
    case EFBIG: .tooLarge
    case EWOULDBLOCK: .locked
    default: .other
    }
  }
}

/// The text of an errno, without the static buffer of `strerror`.
func errorText(_ number: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let start = buffer.baseAddress else { return "error \(number)" }
    system_error_text(number, start, buffer.count)
    return String(cString: start)
  }
}
