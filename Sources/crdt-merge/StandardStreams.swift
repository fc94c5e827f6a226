import CommandText
import Glibc

/// The three streams a process is born with.
enum StandardStreams {
  /// Opens /dev/null where a stream is closed, so that no file opened later gets its number and is written by mistake.
  /// Standard output becomes unwritable instead: a result that goes nowhere must fail.
  static func fillGaps() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
      let opened = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
      if opened >= 0, opened != descriptor { close(opened) }
    }
  }

  /// Writes one line or several; what is data in them cannot become more than text.
  static func writeError(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { TerminalText.shown(String($0)) }
    let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
    // Nothing is left to do when even this fails.
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  static func writeOutput(_ text: String) throws(CommandFailure) {
    let bytes = Array(text.utf8)
    let failure = bytes.withUnsafeBytes { FileDescriptor.writeAll(STDOUT_FILENO, $0) }
    if failure != 0 { throw CommandFailure(writing: "standard output", errno: failure) }
  }
}

/// An open file that is closed once, when its owner goes away.
struct FileDescriptor: ~Copyable {
  let number: Int32

  /// Opens a file; throws the system's error number.
  init(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) {
    var number: Int32
    repeat { number = Glibc.open(path, flags | O_CLOEXEC, mode) } while number < 0 && errno == EINTR
    if number < 0 { throw SystemError(errno) }
    self.number = number
  }

  deinit { Glibc.close(number) }

  /// Closes it and returns 0, or the error number: data may be refused as late as here.
  consuming func close() -> Int32 {
    let result = Glibc.close(number) == 0 ? 0 : errno
    discard self
    return result
  }

  /// Writes all bytes; returns 0 or the error number.
  static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    var offset = 0
    while offset < bytes.count {
      let written = write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
      if written < 0 {
        if errno == EINTR { continue }
        return errno
      }
      offset += written
    }
    return 0
  }
}

/// An error number of the system.
struct SystemError: Error {
  var number: Int32
  init(_ number: Int32) { self.number = number }
}
