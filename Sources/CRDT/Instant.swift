/// A moment of UTC, to the attosecond, years 0000 to 9999.
///
/// What stamps are compared by: two spellings of one moment (`Z`, an offset, more digits) are equal. Fractions are
/// exact to 18 digits; further digits are ignored.
public struct Instant: Hashable, Comparable, Sendable {
  /// Seconds since 1970-01-01T00:00:00Z, negative before.
  public let seconds: Int64
  /// The fraction of the second, 0 ..< 10^18.
  public let attoseconds: UInt64

  public static let attosecondsPerSecond: UInt64 = 1_000_000_000_000_000_000
  private static let attosecondsPerNanosecond: UInt64 = 1_000_000_000

  /// 1970-01-01T00:00:00Z.
  public static let epoch = Instant(seconds: 0, attoseconds: 0)
  /// 9999-12-31T23:59:59.999999999Z, the last moment the written form can hold.
  public static let latest = Instant(seconds: 253_402_300_799, attoseconds: 999_999_999_000_000_000)
  /// 0000-01-01T00:00:00Z.
  public static let earliest = Instant(seconds: -62_167_219_200, attoseconds: 0)

  public init(seconds: Int64, attoseconds: UInt64) {
    precondition(attoseconds < Instant.attosecondsPerSecond, "fraction of a second out of range")
    self.seconds = seconds
    self.attoseconds = attoseconds
  }

  /// Seconds and nanoseconds since the epoch, as `clock_gettime` gives them.
  public init(unixSeconds: Int64, nanoseconds: Int64 = 0) {
    self.init(
      seconds: unixSeconds,
      attoseconds: UInt64(nanoseconds) * Instant.attosecondsPerNanosecond)
  }

  public static func < (left: Instant, right: Instant) -> Bool {
    left.seconds != right.seconds
      ? left.seconds < right.seconds : left.attoseconds < right.attoseconds
  }

  /// Cut down to whole milliseconds: the physical part of a hybrid logical stamp.
  public var wholeMilliseconds: Instant {
    Instant(seconds: seconds, attoseconds: attoseconds - attoseconds % 1_000_000_000_000_000)
  }

  /// The next nanosecond after this instant: the logical counter plus one, carried into the millisecond when it
  /// overflows. Stays at ``latest`` once there.
  public var nextTick: Instant {
    if self >= .latest { return .latest }
    let nanoseconds = attoseconds / Instant.attosecondsPerNanosecond + 1
    return nanoseconds == 1_000_000_000
      ? Instant(seconds: seconds + 1, attoseconds: 0)
      : Instant(seconds: seconds, attoseconds: nanoseconds * Instant.attosecondsPerNanosecond)
  }

  /// The earliest whole nanosecond that is not before this instant.
  public var roundedUpToNanoseconds: Instant {
    attoseconds % Instant.attosecondsPerNanosecond == 0 ? self : nextTick
  }

  /// This instant moved by whole seconds, kept within what can be written.
  public func advanced(bySeconds delta: Int64) -> Instant {
    let (moved, overflow) = seconds.addingReportingOverflow(delta)
    if overflow { return delta < 0 ? .earliest : .latest }
    return min(.latest, max(.earliest, Instant(seconds: moved, attoseconds: attoseconds)))
  }

  /// Seconds from `other` to this instant, rounded down, saturating.
  public func seconds(since other: Instant) -> Int64 {
    let (difference, overflow) = seconds.subtractingReportingOverflow(other.seconds)
    if overflow { return seconds < other.seconds ? .min : .max }
    return attoseconds < other.attoseconds ? difference - 1 : difference
  }
}
