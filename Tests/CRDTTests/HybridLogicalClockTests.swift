import Testing

@testable import CRDT

/// The clock, step by step. Its laws under random jumps are in PropertyTests.
struct HybridLogicalClockTests {
  private func wall(_ seconds: Int64, _ nanoseconds: Int64 = 0) -> Instant {
    Instant(unixSeconds: seconds, nanoseconds: nanoseconds)
  }

  @Test func `a fresh tick is the wall clock's millisecond with counter one`() {
    var clock = HybridLogicalClock()
    let first = clock.tick(wall: wall(5, 678_999_999))
    #expect(first == wall(5, 678_000_001))
    let second = clock.tick(wall: wall(5, 678_999_999))
    #expect(second == wall(5, 678_000_002))
    let third = clock.tick(wall: wall(5, 679_000_000))
    #expect(third == wall(5, 679_000_001))
  }

  @Test func `a clock set back goes on above the mark`() {
    var clock = HybridLogicalClock(highWater: wall(1_000_000))
    let first = clock.tick(wall: wall(0))
    #expect(first == wall(1_000_000, 1))
    let second = clock.tick(wall: .earliest)
    #expect(second == wall(1_000_000, 2))
  }

  @Test func `the counter carries into the millisecond`() {
    var clock = HybridLogicalClock(highWater: wall(5, 678_999_999))
    let first = clock.tick(wall: wall(5, 678_000_000))
    #expect(first == wall(5, 679_000_000))
    clock = HybridLogicalClock(highWater: wall(5, 999_999_999))
    let second = clock.tick(wall: wall(5))
    #expect(second == wall(6))
  }

  @Test func `an edit is greater than what it replaces`() {
    var clock = HybridLogicalClock(maxDriftSeconds: 300)
    let first = clock.tick(wall: wall(100), replacing: wall(200))
    #expect(first == wall(200, 1))
    #expect(clock.highWater == wall(200, 1))
    let second = clock.tick(wall: wall(100))
    #expect(second == wall(200, 2))
  }

  @Test func `what is far ahead is edited above itself and moves nothing else`() {
    var clock = HybridLogicalClock(maxDriftSeconds: 300)
    let ahead = wall(100 + 3_000 * 86_400)
    let first = clock.witness(ahead, wall: wall(100))
    #expect(first == false)
    let second = clock.tick(wall: wall(100), replacing: ahead)
    #expect(second == ahead.nextTick)
    let third = clock.tick(wall: wall(100))
    #expect(third == wall(100, 1))
    let fourth = clock.witness(wall(400), wall: wall(100))
    #expect(fourth)
    let fifth = clock.tick(wall: wall(100))
    #expect(fifth == wall(400, 1))
  }

  @Test func `the end of time does not crash`() {
    var clock = HybridLogicalClock(highWater: .latest)
    let first = clock.tick(wall: wall(0))
    #expect(first == .latest)
    let second = clock.tick(wall: wall(0), replacing: .latest)
    #expect(second == .latest)
    let third = clock.tick(wall: Instant(seconds: .max, attoseconds: 0))
    #expect(third == .latest)
  }

  @Test func `a mark never moves back`() {
    var clock = HybridLogicalClock(highWater: wall(10))
    clock.restore(highWater: wall(5))
    #expect(clock.highWater == wall(10))
    clock.restore(highWater: wall(15))
    let first = clock.tick(wall: wall(0))
    #expect(first == wall(15, 1))
  }
}

/// Names of hosts.
struct HostNameTests {
  private func digest(_ bytes: [UInt8]) -> String {
    // FNV-1a: any hash will do here.
    let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  @Test(arguments: ["a", "0", "host", "host-a.b", "a-", "a.", String(repeating: "a", count: 63)])
  func `takes`(name: String) {
    #expect(HostName(name)?.text == name)
    #expect(HostName(folding: name, digest: digest).text == name)
  }

  @Test(arguments: ["", "-a", ".a", "A", "a_b", "a b", "a/b", "é", "a\n", String(repeating: "a", count: 64)])
  func `folds what it does not take`(name: String) throws {
    #expect(HostName(name) == nil)
    let folded = HostName(folding: name, digest: digest)
    #expect(HostName(folded.text) != nil)
    #expect(folded.text.hasSuffix("-" + digest(Array(name.utf8)).prefix(8)))
    #expect(HostName(folding: name, digest: digest) == folded)
  }

  @Test func `names that fold alike stay apart`() {
    let names = ["Ada's Mac", "Ada_s Mac", "ada_s mac", "ADA'S MAC", "e\u{301}", "é"]
    #expect(Set(names.map { HostName(folding: $0, digest: digest).text }).count == names.count)
  }

  @Test func `a suffix always fits`() {
    #expect(HostName("host")?.suffixed("2")?.text == "host-2")
    let long = HostName(String(repeating: "a", count: 63))
    #expect(long?.suffixed("0f0f")?.text == String(repeating: "a", count: 58) + "-0f0f")
    #expect(HostName(String(repeating: "a", count: 57) + "-.aaaa")?.suffixed("0f0f")?.text.hasSuffix("a-0f0f") == true)
    #expect(long?.suffixed(String(repeating: "b", count: 70)) == nil)
  }
}
