/// A moment of the monotonic clock by which something has to be over.
public struct Deadline: Sendable {
  /// The moment itself.
  public let instant: ContinuousClock.Instant

  public init(_ instant: ContinuousClock.Instant) { self.instant = instant }

  /// From now on, that many seconds.
  public static func after(seconds: Double) -> Deadline {
    Deadline(ContinuousClock.now + .seconds(seconds))
  }

  /// Milliseconds left, never negative, rounded up; fits a `poll` timeout.
  public var remainingMilliseconds: Int32 {
    let left = ContinuousClock.now.duration(to: instant)
    let (seconds, attoseconds) = left.components
    if seconds < 0 || attoseconds < 0 { return 0 }
    if seconds >= 2_000_000 { return 2_000_000_000 }
    return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }

  /// True when nothing is left.
  public var hasPassed: Bool { ContinuousClock.now >= instant }

  /// The earlier of this deadline and that many seconds from now.
  public func atMost(seconds: Double) -> Deadline {
    Deadline(min(instant, ContinuousClock.now + .seconds(seconds)))
  }
}
