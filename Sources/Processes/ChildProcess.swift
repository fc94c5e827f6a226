import Glibc

/// A running child whose standard input and output are one socket, `connection`, and whose standard error is a
/// pipe, `errors`.
///
/// Owned: when the value goes, the child's group is killed and the child reaped, so no zombie and no stray stays.
public struct ChildProcess: ~Copyable, Sendable {
  public let processID: pid_t
  /// Our end of its input and output. Non-blocking.
  public let connection: FileDescriptor
  /// Our end of its standard error. Non-blocking.
  public let errors: FileDescriptor
  private let ownsGroup: Bool
  private var termination: Termination?

  /// Starts `command`.
  public init(_ command: Command) throws(ProcessError) {
    let stream = try DescriptorPair.socket()
    let errorPipe = try DescriptorPair.pipe()
    stream.ours.setNonBlocking()
    errorPipe.ours.setNonBlocking()
    processID = try spawn(
      command,
      streams: StandardStreams(
        input: stream.theirs.number, output: stream.theirs.number, error: errorPipe.theirs.number))
    connection = stream.ours
    errors = errorPipe.ours
    ownsGroup = command.group != .ours
  }

  deinit {
    guard termination == nil else { return }
    signalGroup(processID, ownsGroup, SIGKILL)
    var status: Int32 = 0
    while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
  }

  /// Sends a signal to the child's process group (to the child alone when it is in ours).
  public func signal(_ number: Int32) {
    if termination == nil { signalGroup(processID, ownsGroup, number) }
  }

  /// How it ended, or `nil` when it still runs at the deadline.
  public mutating func wait(until deadline: Deadline) -> Termination? {
    if let termination { return termination }
    termination = reap(processID, until: deadline)
    return termination
  }

  /// Ends it: SIGTERM, and SIGKILL when that did not help within `graceSeconds`. git removes its lock files on
  /// SIGTERM, so the order matters.
  @discardableResult
  public mutating func terminate(graceSeconds: Double = 0.5) -> Termination {
    if let termination { return termination }
    signal(SIGTERM)
    if let ended = wait(until: .after(seconds: graceSeconds)) { return ended }
    signal(SIGKILL)
    var status: Int32 = 0
    while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
    termination = .signaled(SIGKILL)
    return .signaled(SIGKILL)
  }
}

func signalGroup(_ processID: pid_t, _ ownsGroup: Bool, _ number: Int32) {
  _ = kill(ownsGroup ? -processID : processID, number)
}

/// Waits for a child without blocking past the deadline; `nil` when it still runs then.
func reap(_ processID: pid_t, until deadline: Deadline) -> Termination? {
  var pauseMicroseconds: UInt32 = 200
  while true {
    var status: Int32 = 0
    let result = waitpid(processID, &status, WNOHANG)
    if result == processID { return Termination(waitStatus: status) }
    // Somebody else reaped it (SIGCHLD ignored): how it ended is not known, only that it did.
    if result < 0 && errno != EINTR { return .exited(-1) }
    if deadline.hasPassed { return nil }
    usleep(pauseMicroseconds)
    pauseMicroseconds = min(pauseMicroseconds * 2, 10_000)
  }
}

extension Termination {
  init(waitStatus status: Int32) {
    let signal = status & 0x7F
    self = signal == 0 ? .exited(status >> 8 & 0xFF) : .signaled(signal)
  }
}
