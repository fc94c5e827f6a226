import CSystem
import Glibc

/// A child process that could not be started or spoken to. How a started one ended is ``Termination``, no error.
public struct ProcessError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// No such program.
    case notFound
    /// The program or the folder may not be used.
    case permission
    /// Out of processes, memory or file descriptors.
    case resources
    /// A NUL byte in an argument, a variable or a path.
    case invalid
    /// Anything else.
    case other
  }

  public var code: Code
  /// The program, as given.
  public var program: String
  public var operation: String
  public var errno: Int32

  public init(_ code: Code, program: String, operation: String, errno: Int32 = 0) {
    self.code = code
    self.program = program
    self.operation = operation
    self.errno = errno
  }

  init(errno: Int32, program: String, operation: String) {
    let code: Code =
      switch errno {
      case ENOENT, ENOTDIR: .notFound
      case EACCES, EPERM, ENOEXEC: .permission
      case EAGAIN, ENOMEM, EMFILE, ENFILE: .resources
      case EINVAL: .invalid
      default: .other
      }
    self.init(code, program: program, operation: operation, errno: errno)
  }

  public var isRetryable: Bool { code == .resources }

  /// Why, without what and whom.
  public var cause: String { errno == 0 ? code.rawValue : errorText(errno) }

  public var description: String { "cannot \(operation) \(program): \(cause)" }
}

/// How a child process ended.
public enum Termination: Hashable, Sendable {
  case exited(Int32)
  case signaled(Int32)
  /// The deadline passed; the child and its process group were killed.
  case timedOut

  /// True for exit code 0.
  public var isSuccess: Bool { self == .exited(0) }
}

/// The text of an errno, without the static buffer of `strerror`.
func errorText(_ number: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let start = buffer.baseAddress else { return "error \(number)" }
    system_error_text(number, start, buffer.count)
    return String(cString: start)
  }
}
