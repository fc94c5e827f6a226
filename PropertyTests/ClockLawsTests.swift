import CRDT
import TestKit
import Testing

/// The clock under jumps, restarts and peers with broken clocks.
struct ClockLawsTests {
  enum Event: Sendable {
    case tick
    case edit(of: Instant)
    case witness(Instant)
    /// The process ends; the next one knows only the mark that was made durable.
    case restart
    case wall(Instant)
  }

  private static let instant: Gen<Instant> = Gen { choices in
    let seconds = try choices.draw(
      Gen<Int64>.frequency(
        (6, .int(in: 1_767_225_600...1_767_225_603)), (2, .int(in: 1_767_225_000...1_767_226_200)),
        (1, .int(in: -62_167_219_200...253_402_300_799))))
    let nanoseconds = try choices.draw(
      Gen<Int64>.frequency(
        (3, .element(of: [0, 1, 999_999, 1_000_000, 999_999_998, 999_999_999])), (1, .int(in: 0...999_999_999))))
    return Instant(unixSeconds: seconds, nanoseconds: nanoseconds)
  }

  private static let event: Gen<Event> = .frequency(
    (5, .constant(.tick)), (3, instant.map { .edit(of: $0) }), (2, instant.map { .witness($0) }),
    (2, .constant(.restart)), (3, instant.map { .wall($0) }))

  @Test func `stamps grow and never repeat`() {
    let runs = zip(ClockLawsTests.instant, ClockLawsTests.event.array(count: 0...24))
    checkProperty("clock under jumps", runs) { start, events in
      var clock = HybridLogicalClock()
      var wall = start
      var greatest: Instant?
      for event in events {
        let before = clock
        switch event {
        case .wall(let instant): wall = instant
        case .restart:
          var restarted = HybridLogicalClock()
          restarted.restore(highWater: clock.highWater)
          clock = restarted
        case .witness(let foreign):
          let isNear = foreign <= wall.advanced(bySeconds: 300)
          try demandEqual(clock.witness(foreign, wall: wall), isNear, "the bound is not where it should be")
          try demandEqual(
            clock.highWater, isNear ? max(before.highWater, foreign) : before.highWater, "the mark is wrong")
        case .tick:
          let stamp = clock.tick(wall: wall)
          try demandFresh(stamp, before: before, wall: wall, greatest: greatest)
          try demandEqual(clock.highWater, stamp, "the mark is not the stamp")
          greatest = stamp
        case .edit(let replaced):
          let stamp = clock.tick(wall: wall, replacing: replaced)
          try demand(stamp > replaced || stamp == .latest, "not greater than what it replaces")
          if clock.isWithinDrift(replaced, wall: wall) || stamp <= clock.highWater {
            try demandFresh(stamp, before: before, wall: wall, greatest: greatest)
            greatest = stamp
          } else {
            // A broken clock's entry goes above itself and leaves our time alone.
            try demandEqual(clock.highWater, before.highWater, "a stamp far ahead moved the mark")
          }
        }
        try demand(clock.highWater >= before.highWater, "the mark moved back")
      }
    }
  }

  private func demandFresh(_ stamp: Instant, before: HybridLogicalClock, wall: Instant, greatest: Instant?) throws {
    if stamp == .latest { return }
    try demand(stamp > before.highWater, "not greater than the mark")
    try demand(stamp > wall.wholeMilliseconds, "not greater than the wall clock's millisecond")
    try demand(greatest.map { stamp > $0 } ?? true, "a stamp was repeated or went back")
  }

  @Test func `the written form is read back, and its byte order is the order of time`() {
    checkProperty("instants in writing", zip(ClockLawsTests.instant, ClockLawsTests.instant)) { left, right in
      try demandEqual(left.written.count, Instant.writtenCount, "another length")
      try demandEqual(Instant(rfc3339: left.written), left, "read back as another")
      try demandEqual(
        left.written.lexicographicallyPrecedes(right.written), left < right, "bytes and time are ordered differently")
    }
  }

  @Test func `an offset names the same instant`() {
    let cases = zip(ClockLawsTests.instant, Gen<Int64>.int(in: -1_439...1_439))
    checkProperty("instants with offsets", cases) { instant, minutes in
      let (seconds, limit) = (instant.seconds + minutes * 60, Instant.latest.seconds)
      try assume(seconds >= Instant.earliest.seconds && seconds <= limit)
      let local = Instant(seconds: seconds, attoseconds: instant.attoseconds).description.dropLast()
      func two(_ value: Int64) -> String { (value < 10 ? "0" : "") + String(value) }
      let offset = (minutes < 0 ? "-" : "+") + two(abs(minutes) / 60) + ":" + two(abs(minutes) % 60)
      try demandEqual(Instant(rfc3339: local + offset), instant, "another instant")
    }
  }
}
