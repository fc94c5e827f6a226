import Testing

@testable import CRDT

/// The clock, step by step. Its laws under random jumps are in PropertyTests.
struct HybridLogicalClockTests {
  private func wall(_ seconds: Int64, _ nanoseconds: Int64 = 0) -> Instant {
    Instant(unixSeconds: seconds, nanoseconds: nanoseconds)
  }

  @Test func `a fresh tick is the wall clock's millisecond with counter one`() {
    var clock = HybridLogicalClock()
    let result1 = clock.tick(wall: wall(5, 678_999_999))
    #expect(result1 == wall(5, 678_000_001))
    let result2 = clock.tick(wall: wall(5, 678_999_999))
    #expect(result2 == wall(5, 678_000_002))
    let result3 = clock.tick(wall: wall(5, 679_000_000))
    #expect(result3 == wall(5, 679_000_001))
  }

  @Test func `a clock set back goes on above the mark`() {
    var clock = HybridLogicalClock(highWater: wall(1_000_000))
    let result4 = clock.tick(wall: wall(0))
    #expect(result4 == wall(1_000_000, 1))
    let result5 = clock.tick(wall: .earliest)
    #expect(result5 == wall(1_000_000, 2))
  }

  @Test func `the counter carries into the millisecond`() {
    var clock = HybridLogicalClock(highWater: wall(5, 678_999_999))
    let result6 = clock.tick(wall: wall(5, 678_000_000))
    #expect(result6 == wall(5, 679_000_000))
    clock = HybridLogicalClock(highWater: wall(5, 999_999_999))
    let result7 = clock.tick(wall: wall(5))
    #expect(result7 == wall(6))
  }

  @Test func `an edit is greater than what it replaces`() {
    var clock = HybridLogicalClock(maxDriftSeconds: 300)
    let result8 = clock.tick(wall: wall(100), replacing: wall(200))
    #expect(result8 == wall(200, 1))
    #expect(clock.highWater == wall(200, 1))
    let result9 = clock.tick(wall: wall(100))
    #expect(result9 == wall(200, 2))
  }

  @Test func `what is far ahead is edited above itself and moves nothing else`() {
    var clock = HybridLogicalClock(maxDriftSeconds: 300)
    let ahead = wall(100 + 3_000 * 86_400)
    let result10 = clock.witness(ahead, wall: wall(100))
    #expect(result10 == false)
    let result11 = clock.tick(wall: wall(100), replacing: ahead)
    #expect(result11 == ahead.nextTick)
    let result12 = clock.tick(wall: wall(100))
    #expect(result12 == wall(100, 1))
    let result13 = clock.witness(wall(400), wall: wall(100))
    #expect(result13)
    let result14 = clock.tick(wall: wall(100))
    #expect(result14 == wall(400, 1))
  }

  @Test func `the end of time does not crash`() {
    var clock = HybridLogicalClock(highWater: .latest)
    let result15 = clock.tick(wall: wall(0))
    #expect(result15 == .latest)
    let result16 = clock.tick(wall: wall(0), replacing: .latest)
    #expect(result16 == .latest)
    let result17 = clock.tick(wall: Instant(seconds: .max, attoseconds: 0))
    #expect(result17 == .latest)
  }

  @Test func `a mark never moves back`() {
    var clock = HybridLogicalClock(highWater: wall(10))
    clock.restore(highWater: wall(5))
    #expect(clock.highWater == wall(10))
    clock.restore(highWater: wall(15))
    let result18 = clock.tick(wall: wall(0))
    #expect(result18 == wall(15, 1))
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
