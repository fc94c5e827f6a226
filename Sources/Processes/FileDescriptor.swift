import CSystem
import Glibc

/// Owns one open file descriptor: closed once, in `deinit` or through ``close()``. Close-on-exec, and never one of
/// 0…2, so that wiring it to a child's standard streams cannot collide.
public struct FileDescriptor: ~Copyable, Sendable {
  public let number: Int32

  /// Takes over an open descriptor.
  public init(adopting number: Int32) { self.number = number }

  deinit { _ = Glibc.close(number) }

  /// Closes now.
  public consuming func close() {}

  /// Takes over a descriptor, moved above the standard ones.
  static func safe(_ number: Int32) throws(ProcessError) -> FileDescriptor {
    if number > 2 { return FileDescriptor(adopting: number) }
    let moved = fcntl(number, F_DUPFD_CLOEXEC, 3)
    let failure = errno
    _ = Glibc.close(number)
    guard moved >= 0 else { throw ProcessError(errno: failure, program: "a descriptor", operation: "move") }
    return FileDescriptor(adopting: moved)
  }

  /// Opens a file.
  static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(ProcessError) -> FileDescriptor {
    let number = Glibc.open(path, flags | O_CLOEXEC, mode)
    guard number >= 0 else { throw ProcessError(errno: errno, program: path, operation: "open") }
    return try safe(number)
  }

  /// Makes reads and writes return at once with `EAGAIN` where they would wait.
  public func setNonBlocking() {
    _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
  }
}

/// Two connected descriptors.
public struct DescriptorPair: ~Copyable, Sendable {
  public var ours: FileDescriptor
  public var theirs: FileDescriptor

  /// A two-way stream socket pair. A socket, because only those can be written to without SIGPIPE.
  public static func socket() throws(ProcessError) -> DescriptorPair {
    var numbers: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &numbers) == 0
    else { throw ProcessError(errno: errno, program: "a socket pair", operation: "create") }
    return try adopt(numbers)
  }

  /// A pipe from them to us.
  public static func pipe() throws(ProcessError) -> DescriptorPair {
    var numbers: [Int32] = [-1, -1]
    let failure = system_pipe(&numbers)
    guard failure == 0 else {
      throw ProcessError(errno: failure, program: "a pipe", operation: "create")
    }
    return try adopt(numbers)
  }

  private static func adopt(_ numbers: [Int32]) throws(ProcessError) -> DescriptorPair {
    let ours = try FileDescriptor.safe(numbers[0])
    let theirs = try FileDescriptor.safe(numbers[1])
    return DescriptorPair(ours: ours, theirs: theirs)
  }
}
