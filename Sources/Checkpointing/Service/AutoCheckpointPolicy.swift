import CRDT

/// When a checkpoint makes itself: pure, the clock is handed in.
///
/// A throttle of ``minimumGapSeconds`` holds between any two that this policy asks for, so that a burst of errors or tool
/// calls makes one checkpoint; what was held back is made up for by the next signal after the gap.
public struct AutoCheckpointPolicy: Hashable, Sendable {
  /// What an agent tells.
  public enum Signal: Hashable, Sendable {
    /// Time went by.
    case tick
    case error
    case toolCall
    /// Anything else that is a cause.
    case cause(CheckpointTrigger.Cause)
  }

  /// A checkpoint is due after so long; `nil` for never.
  public var intervalSeconds: Int64?
  public var isOnError: Bool
  /// A checkpoint is due every so many tool calls; `nil` for never.
  public var toolCallCount: Int?
  public var minimumGapSeconds: Int64

  private var last: Instant?
  private var toolCalls = 0
  /// The cause that the throttle held back.
  private var pending: CheckpointTrigger?

  public init(
    intervalSeconds: Int64? = 600, isOnError: Bool = true, toolCallCount: Int? = 25, minimumGapSeconds: Int64 = 30
  ) {
    self.intervalSeconds = intervalSeconds
    self.isOnError = isOnError
    self.toolCallCount = toolCallCount
    self.minimumGapSeconds = minimumGapSeconds
  }

  /// Says whether a checkpoint is due now, and why. Says it once: the caller makes it.
  /// - Complexity: O(1)
  public mutating func decide(_ signal: Signal, now: Instant) -> CheckpointTrigger? {
    // A clock that was set back would hold everything off until it has caught up.
    if let last, now < last { self.last = now }
    if last == nil { last = intervalStart(now) }
    var due: CheckpointTrigger?
    switch signal {
    case .tick: break
    case .error: if isOnError { due = .automatic(.error) }
    case .toolCall:
      toolCalls += 1
      if let toolCallCount, toolCalls >= max(1, toolCallCount) { due = .automatic(.toolCall) }
    case .cause(let cause): due = .automatic(cause)
    }
    if due == nil { due = pending }
    if due == nil, let intervalSeconds, elapsed(now) >= intervalSeconds { due = .scheduled }
    guard let due else { return nil }
    guard elapsed(now) >= minimumGapSeconds else {
      pending = pending ?? due
      return nil
    }
    made(at: now)
    return due
  }

  /// A checkpoint was made in another way: the interval, the gap and the count begin anew.
  public mutating func made(at now: Instant) {
    last = now
    toolCalls = 0
    pending = nil
  }

  /// The first signal may make a checkpoint at once, but the interval counts from it.
  private func intervalStart(_ now: Instant) -> Instant { now.advanced(bySeconds: -max(0, minimumGapSeconds)) }

  private func elapsed(_ now: Instant) -> Int64 { last.map { now.seconds(since: $0) } ?? .max }
}
