import Glibc
import Processes

/// A two-way byte stream with a deadline: over a socket to a server, or over a socket pair to a child.
///
/// Never raises SIGPIPE and never waits past the deadline.
class Connection {
  let operation: String
  let deadline: Deadline
  private let number: Int32
  private let errorNumber: Int32
  private var errorIsOpen: Bool
  private(set) var errorLines = RecentLines()
  /// Bytes that came so far.
  private(set) var receivedBytes = 0

  /// Over non-blocking descriptors that the subclass owns; `errors` is a pipe with text for people, or -1.
  init(number: Int32, errors: Int32, operation: String, deadline: Deadline) {
    self.number = number
    errorNumber = errors
    errorIsOpen = errors >= 0
    self.operation = operation
    self.deadline = deadline
  }

  /// Ends it: `isClean` when both sides have said all.
  func finish(isClean: Bool) {}

  /// Reads what is there, at least one byte; 0 at the end of the stream.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(GitError) -> Int {
    while true {
      try wait(for: Int16(POLLIN))
      let got = recv(number, buffer.baseAddress, buffer.count, 0)
      if got > 0 {
        receivedBytes += got
        return got
      }
      // A child that died with unread input makes a reset of what is an end for us.
      if got == 0 || errno == ECONNRESET {
        collectLastWords()
        return 0
      }
      if errno != EINTR && errno != EAGAIN { throw broken(errno) }
    }
  }

  /// Writes all of it.
  func write(_ buffer: UnsafeRawBufferPointer) throws(GitError) {
    var sent = 0
    while sent < buffer.count {
      let put = send(number, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
      if put >= 0 {
        sent += put
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: try wait(for: Int16(POLLOUT))
      default:
        let failure = errno
        collectLastWords()
        throw broken(failure)
      }
    }
  }

  private func wait(for events: Int16) throws(GitError) {
    while true {
      guard !deadline.hasPassed else { throw Self.timedOut(operation) }
      var polls = [
        pollfd(fd: number, events: events, revents: 0),
        pollfd(fd: errorIsOpen ? errorNumber : -1, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&polls, 2, deadline.remainingMilliseconds)
      if ready < 0 && errno != EINTR { throw broken(errno) }
      if ready <= 0 { continue }
      if polls[1].revents != 0 { takeErrors() }
      if polls[0].revents != 0 { return }
    }
  }

  private func takeErrors() {
    var failure: Int32 = 0
    let chunk = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      let got = Glibc.read(errorNumber, buffer.baseAddress!, buffer.count)
      count = max(0, got)
      if got < 0 { failure = errno }
    }
    errorLines.append(chunk)
    if chunk.isEmpty && failure != EAGAIN && failure != EINTR { errorIsOpen = false }
  }

  /// The stream has ended: what the child still says on its way out tells why. Waits for it only briefly, as
  /// something in the background may keep the pipe open.
  private func collectLastWords() {
    let end = deadline.atMost(seconds: 0.5)
    while errorIsOpen && !end.hasPassed {
      var polled = pollfd(fd: errorNumber, events: Int16(POLLIN), revents: 0)
      let ready = poll(&polled, 1, end.remainingMilliseconds)
      if ready > 0 { takeErrors() }
      if ready == 0 { return }
    }
  }

  /// Says that we send no more, and reads until the other side has ended, so that its last work (hooks, clean-up)
  /// is not cut off. Bounded by bytes and by `end`.
  func drain(until end: Deadline, limitBytes: Int = 1 << 20) -> Bool {
    _ = shutdown(number, Int32(SHUT_WR))
    var left = limitBytes
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    defer { scratch.deallocate() }
    while left > 0 {
      var polls = [
        pollfd(fd: number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: errorIsOpen ? errorNumber : -1, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&polls, 2, end.remainingMilliseconds)
      if ready == 0 || (ready < 0 && errno != EINTR) { return false }
      if ready < 0 { continue }
      if polls[1].revents != 0 { takeErrors() }
      if polls[0].revents == 0 { continue }
      let got = recv(number, scratch.baseAddress, scratch.count, 0)
      if got == 0 { return true }
      if got < 0 && errno != EINTR && errno != EAGAIN { return true }
      left -= max(0, got)
    }
    return false
  }

  static func timedOut(_ operation: String) -> GitError {
    GitError(.timedOut, operation: operation, message: "no answer before the deadline", isRetryable: true)
  }

  private func broken(_ number: Int32) -> GitError {
    RemoteFailure.classify(errorLines.lines, operation: operation)
      ?? GitError(
        .unreachable, operation: operation, message: "the connection broke: \(errorText(number))",
        isRetryable: true)
  }
}

/// To a child that speaks the git protocol on its standard streams.
final class ChildConnection: Connection {
  private var child: ChildProcess
  private let isPush: Bool

  init(_ command: Command, isPush: Bool, operation: String, deadline: Deadline) throws(GitError) {
    let started: ChildProcess
    do throws(ProcessError) {
      started = try ChildProcess(command)
    } catch {
      let message =
        error.code == .notFound
        ? "\(command.program) is needed for this remote and was not found in PATH" : error.description
      throw GitError(
        error.code == .permission ? .permission : .other, operation: operation, message: message,
        isRetryable: error.isRetryable)
    }
    let number = started.connection.number
    let errors = started.errors.number
    child = started
    self.isPush = isPush
    super.init(number: number, errors: errors, operation: operation, deadline: deadline)
  }

  override func finish(isClean: Bool) {
    // The other side may be in its post-receive hook: git push waits for that too.
    let patience = isClean && isPush ? deadline : deadline.atMost(seconds: isClean ? 2 : 0.5)
    if drain(until: patience), child.wait(until: .after(seconds: 1)) != nil { return }
    child.terminate()
  }
}

/// To a server over TCP.
final class SocketConnection: Connection {
  private let socket: FileDescriptor

  init(_ socket: consuming FileDescriptor, operation: String, deadline: Deadline) {
    let number = socket.number
    self.socket = socket
    super.init(number: number, errors: -1, operation: operation, deadline: deadline)
  }

  override func finish(isClean: Bool) {
    if isClean { _ = drain(until: deadline.atMost(seconds: 2)) }
  }
}
