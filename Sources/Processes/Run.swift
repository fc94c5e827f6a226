import Glibc

/// What a finished child left.
public struct ProcessResult: Hashable, Sendable {
  public var termination: Termination
  public var output: [UInt8]
  public var errorOutput: [UInt8]
  /// True when more came than the limit; the rest was read and dropped.
  public var isTruncated: Bool

  /// Standard output as text without the last newline; damaged UTF-8 is replaced.
  public var outputText: String { Self.text(output) }
  /// Standard error likewise.
  public var errorText: String { Self.text(errorOutput) }

  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.last == 0x0A ? bytes.dropLast() : bytes[...], as: UTF8.self)
  }
}

extension Command {
  /// Runs to the end: feeds `input`, collects at most `limitBytes` of each output, and at the deadline kills the
  /// whole process group. Returns once the child itself is gone and what it wrote was read; something it left
  /// running in the background does not hold the call up. Never raises SIGPIPE.
  public func run(input: [UInt8] = [], deadline: Deadline, limitBytes: Int = 8 << 20) throws(ProcessError)
    -> ProcessResult
  {
    let inputPair = try DescriptorPair.socket()
    let outputPair = try DescriptorPair.pipe()
    let errorPair = try DescriptorPair.pipe()
    let process = try spawn(
      self,
      streams: StandardStreams(
        input: inputPair.theirs.number, output: outputPair.theirs.number, error: errorPair.theirs.number))
    // Ours only from here: the child must see the end of its input, and we the end of its output.
    let inputs = inputPair.takeOurs()
    let outputs = outputPair.takeOurs()
    let errors = errorPair.takeOurs()
    for number in [inputs.number, outputs.number, errors.number] {
      _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    }
    var exchange = Exchange(
      input: input, inputNumber: inputs.number, outputNumber: outputs.number, errorNumber: errors.number,
      limitBytes: limitBytes)
    var termination: Termination?
    while termination == nil && !deadline.hasPassed {
      // A grandchild may keep the pipes open after the child ended: look at both.
      exchange.step(timeoutMilliseconds: min(deadline.remainingMilliseconds, 20))
      let wait = exchange.isFinished ? deadline.atMost(seconds: 0.02) : .after(seconds: 0)
      termination = reap(process, until: wait)
    }
    if let termination {
      exchange.drain()
      return exchange.result(termination)
    }
    signalGroup(process, group != .ours, SIGTERM)
    if reap(process, until: .after(seconds: 0.3)) == nil {
      signalGroup(process, group != .ours, SIGKILL)
      _ = reap(process, until: .after(seconds: 5))
    }
    exchange.drain()
    return exchange.result(.timedOut)
  }

  /// Starts a job that outlives us: its own session, no input, output appended to `log` (created with mode 0600) or
  /// dropped. Returns its process id at once.
  @discardableResult
  public func spawnDetached(log: String? = nil) throws(ProcessError) -> pid_t {
    var command = self
    command.group = .session
    let nothing = try FileDescriptor.open("/dev/null", O_RDWR)
    guard let log else {
      return try spawn(
        command,
        streams: StandardStreams(input: nothing.number, output: nothing.number, error: nothing.number))
    }
    let file = try FileDescriptor.open(log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, mode: 0o600)
    return try spawn(
      command, streams: StandardStreams(input: nothing.number, output: file.number, error: file.number))
  }
}

extension DescriptorPair {
  consuming func takeOurs() -> FileDescriptor { ours }
}

/// Feeds and reads a child through three non-blocking descriptors that somebody else owns.
private struct Exchange {
  let input: [UInt8]
  let inputNumber: Int32
  let outputNumber: Int32
  let errorNumber: Int32
  let limitBytes: Int
  var sentBytes = 0
  var inputIsOpen = true
  var outputIsOpen = true
  var errorIsOpen = true
  var output: [UInt8] = []
  var errorOutput: [UInt8] = []
  var isTruncated = false

  init(input: [UInt8], inputNumber: Int32, outputNumber: Int32, errorNumber: Int32, limitBytes: Int) {
    self.input = input
    self.inputNumber = inputNumber
    self.outputNumber = outputNumber
    self.errorNumber = errorNumber
    self.limitBytes = limitBytes
    if input.isEmpty { closeInput() }
  }

  var isFinished: Bool { !outputIsOpen && !errorIsOpen }

  mutating func step(timeoutMilliseconds: Int32) {
    // poll ignores negative descriptors.
    var polls = [
      pollfd(fd: inputIsOpen ? inputNumber : -1, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: outputIsOpen ? outputNumber : -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: errorIsOpen ? errorNumber : -1, events: Int16(POLLIN), revents: 0),
    ]
    guard inputIsOpen || outputIsOpen || errorIsOpen else { return }
    guard poll(&polls, 3, timeoutMilliseconds) > 0 else { return }
    if polls[0].revents != 0 { feed() }
    if polls[1].revents != 0 { outputIsOpen = take(outputNumber, \.output) }
    if polls[2].revents != 0 { errorIsOpen = take(errorNumber, \.errorOutput) }
  }

  /// Reads what is there now.
  mutating func drain() {
    if outputIsOpen { outputIsOpen = take(outputNumber, \.output) }
    if errorIsOpen { errorIsOpen = take(errorNumber, \.errorOutput) }
  }

  private mutating func closeInput() {
    _ = shutdown(inputNumber, Int32(SHUT_WR))
    inputIsOpen = false
  }

  private mutating func feed() {
    let sent = input.withUnsafeBytes {
      send(inputNumber, $0.baseAddress! + sentBytes, $0.count - sentBytes, Int32(MSG_NOSIGNAL))
    }
    if sent > 0 { sentBytes += sent }
    let hasFailed = sent < 0 && errno != EAGAIN && errno != EINTR
    if sentBytes == input.count || hasFailed { closeInput() }
  }

  /// Reads until the pipe is empty. Returns whether it is still open.
  private mutating func take(_ number: Int32, _ path: WritableKeyPath<Exchange, [UInt8]>) -> Bool {
    while true {
      var failure: Int32 = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
        let got = read(number, buffer.baseAddress!, buffer.count)
        count = max(0, got)
        if got < 0 { failure = errno }
      }
      if failure == EINTR { continue }
      if failure == EAGAIN { return true }
      if chunk.isEmpty { return false }
      let room = max(0, limitBytes - self[keyPath: path].count)
      if chunk.count > room { isTruncated = true }
      self[keyPath: path] += chunk.prefix(room)
    }
  }

  func result(_ termination: Termination) -> ProcessResult {
    ProcessResult(
      termination: termination, output: output, errorOutput: errorOutput, isTruncated: isTruncated)
  }
}
