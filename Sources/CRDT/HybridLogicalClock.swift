/// A hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks", 2014).
///
/// Time is one number of nanoseconds: whole milliseconds are the physical part, the six digits below them the logical
/// counter. So byte order of the written form is the order of the clock, and a counter that overflows carries into
/// the millisecond by itself.
///
/// A value, not a service: it reads no clock and keeps no file. The caller hands in the wall clock, and makes
/// ``highWater`` durable *before* it lets a stamp out, so that neither a restart nor a clock set back repeats one.
public struct HybridLogicalClock: Hashable, Sendable {
  /// The greatest instant handed out or accepted so far.
  public private(set) var highWater: Instant
  /// How far a foreign stamp may be ahead of the wall clock and still move this clock, in seconds.
  public var maxDriftSeconds: Int64

  public init(highWater: Instant = .epoch, maxDriftSeconds: Int64 = 300) {
    self.highWater = highWater
    self.maxDriftSeconds = maxDriftSeconds
  }

  /// A local event: an instant greater than the wall clock's millisecond, the high-water mark, and what it replaces.
  ///
  /// `replaced` above the drift bound lifts this one instant over it but leaves the mark alone: one entry from a
  /// broken clock is edited above itself, and everything else keeps the true time. At ``Instant/latest`` the result
  /// stays there: the one case in which it is not greater.
  /// - Complexity: O(1)
  public mutating func tick(wall: Instant, replacing replaced: Instant? = nil) -> Instant {
    let physical = min(max(wall, .earliest), .latest).wholeMilliseconds
    // Nothing may equal a value stamped elsewhere with the bare millisecond, so a fresh one starts its counter at 1.
    let fresh = physical > highWater ? physical : highWater
    let next = fresh.nextTick
    guard let replaced, replaced >= next else {
      highWater = next
      return next
    }
    let above = replaced.nextTick
    if isWithinDrift(replaced, wall: wall) { highWater = above }
    return above
  }

  /// A stamp came in from elsewhere: later local events will be greater than it, unless it is beyond the drift bound.
  /// - Returns: false when it was too far ahead and the clock ignored it.
  @discardableResult
  public mutating func witness(_ foreign: Instant, wall: Instant) -> Bool {
    guard isWithinDrift(foreign, wall: wall) else { return false }
    if foreign > highWater { highWater = foreign }
    return true
  }

  /// Whether an instant is at most ``maxDriftSeconds`` ahead of the wall clock.
  public func isWithinDrift(_ instant: Instant, wall: Instant) -> Bool {
    instant <= wall.advanced(bySeconds: maxDriftSeconds)
  }

  /// Whether a clock can go on from a mark: not in the last year that can be written. No clock of ours gets there but by
  /// damage or somebody's hand, and at its end every stamp would be the same.
  public static func canGoOn(from mark: Instant) -> Bool { mark < Instant.latest.advanced(bySeconds: -366 * 86_400) }

  /// Whether a later stamp than one at `instant` can be made: not in the last second that can be written, so that no run
  /// of writers gets to its end tick by tick.
  public static func canExceed(_ instant: Instant) -> Bool { instant < Instant.latest.advanced(bySeconds: -1) }

  /// Takes up a mark that was made durable earlier. Never moves backwards.
  public mutating func restore(highWater mark: Instant) {
    if mark > highWater { highWater = mark }
  }
}
