import CRDT
import Testing

struct SemilatticeTests {
  @Test func orderFollowsFromJoin() {
    let small = GrowOnlySet([1])
    let large = GrowOnlySet([1, 2])
    #expect(small.isAtMost(large))
    #expect(!large.isAtMost(small))
    #expect(!small.isConcurrent(with: large))
    #expect(GrowOnlySet([1]).isConcurrent(with: GrowOnlySet([2])))
  }

  @Test func optionalAddsALeastState() {
    var state: MaxRegister<Int>?
    state.join(nil)
    #expect(state == nil)
    state.join(MaxRegister(3))
    state.join(MaxRegister(2))
    #expect(state?.value == 3)
    state.join(nil)
    #expect(state?.value == 3)
  }

  @Test func dictionaryJoinsKeyByKey() {
    var counts = ["a": GrowOnlySet([1])]
    counts.join(["a": GrowOnlySet([2]), "b": GrowOnlySet([3])])
    #expect(counts == ["a": GrowOnlySet([1, 2]), "b": GrowOnlySet([3])])
    #expect(!counts.isAtMost(["a": GrowOnlySet([1, 2]), "c": GrowOnlySet([3])]))
  }

  @Test func joiningNothingGivesTheLeastState() {
    #expect(GrowOnlySet<Int>(joining: []).isEmpty)
  }
}

struct GrowOnlySetTests {
  @Test func insertingTwiceGivesAnEmptyDelta() {
    var set = GrowOnlySet<Int>()
    #expect(set.insert(1) == GrowOnlySet([1]))
    #expect(set.insert(1).isEmpty)
    #expect(set.count == 1 && set.contains(1))
  }

  @Test func canonicallyEquivalentByteStringsAreTwoElements() {
    let set = GrowOnlySet<ByteString>([ByteString("\u{E9}"), ByteString("e\u{301}")])
    #expect(set.count == 2)
  }
}

struct MaxRegisterTests {
  @Test func neverGoesBack() {
    var mark = MaxRegister(5)
    mark.raise(to: 3)
    #expect(mark.value == 5)
    mark.raise(to: 8)
    #expect(mark.value == 8)
  }
}

struct LWWRegisterTests {
  @Test func laterStampWinsWhateverTheValue() {
    var register = LWWRegister("z", at: 1)
    register.set("a", at: 2)
    #expect(register.value == "a")
    register.set("y", at: 1)
    #expect(register.value == "a")
  }

  @Test func equalStampsAreDecidedByTheValueOnBothSides() {
    let first = LWWRegister("a", at: 7)
    let second = LWWRegister("b", at: 7)
    #expect(first.joined(with: second).value == "b")
    #expect(second.joined(with: first).value == "b")
  }
}

struct LWWMapTests {
  @Test func tombstoneStopsAnOlderValueThatArrivesLate() {
    var map = LWWMap<String, Int, Int>()
    map.remove("a", at: 5)
    map.set(1, for: "a", at: 4)
    #expect(map["a"] == nil)
    #expect(map.isRemoved("a"))
    #expect(map.stamp(of: "a") == 5)
    #expect(map.live.isEmpty)
  }

  @Test func writingAfterRemovalBringsTheKeyBack() {
    var map = LWWMap<String, Int, Int>()
    map.set(1, for: "a", at: 1)
    map.remove("a", at: 2)
    map.set(3, for: "a", at: 3)
    #expect(map.live == ["a": 3])
    #expect(!map.isRemoved("a"))
  }

  @Test func valueWinsOverRemovalWithTheSameStamp() {
    var removal = LWWMap<String, Int, Int>()
    removal.remove("a", at: 1)
    var value = LWWMap<String, Int, Int>()
    value.set(0, for: "a", at: 1)
    #expect(removal.joined(with: value)["a"] == 0)
    #expect(value.joined(with: removal)["a"] == 0)
  }

  @Test func unknownKeyHasNeitherValueNorStamp() {
    let map = LWWMap<String, Int, Int>()
    #expect(map["a"] == nil && map.stamp(of: "a") == nil && !map.isRemoved("a"))
  }
}

struct VersionVectorTests {
  @Test func tellsSeenFromConcurrent() {
    let first = VersionVector(["a": 2, "b": 1])
    let second = VersionVector(["a": 1, "b": 2])
    #expect(first.isConcurrent(with: second))
    #expect(first.joined(with: second) == VersionVector(["a": 2, "b": 2]))
    #expect(first.contains(Dot("a", 2)) && !first.contains(Dot("a", 3)))
  }

  @Test func zeroIsTheSameAsAbsent() {
    #expect(VersionVector(["a": 0]) == VersionVector())
    var vector = VersionVector<String>()
    vector.raise("a", to: 0)
    #expect(vector.isEmpty)
  }

  @Test func incrementNamesTheNextEvent() {
    var vector = VersionVector(["a": 2])
    #expect(vector.increment("a") == Dot("a", 3))
    #expect(vector.increment("b") == Dot("b", 1))
  }

  @Test func dotsSortByReplicaThenNumber() {
    #expect([Dot("b", 1), Dot("a", 2), Dot("a", 1)].sorted() == [Dot("a", 1), Dot("a", 2), Dot("b", 1)])
  }
}

struct DotContextTests {
  @Test func closingAGapMakesIsolatedEventsContiguous() {
    var context = DotContext<String>()
    context.insert(Dot("a", 3))
    context.insert(Dot("a", 2))
    context.insert(Dot("a", 5))
    #expect(context.isolated.count == 3)
    context.insert(Dot("a", 1))
    #expect(context == DotContext(VersionVector(["a": 3]), isolated: [Dot("a", 5)]))
    #expect(!context.contains(Dot("a", 4)) && context.contains(Dot("a", 5)))
  }

  @Test func nextEventIsBeyondIsolatedOnes() {
    var context = DotContext(VersionVector(["a": 1]), isolated: [Dot("a", 9)])
    #expect(context.next(of: "a") == Dot("a", 10))
  }

  @Test func lastNumberThereIsDoesNotOverflow() {
    var context = DotContext<String>(VersionVector(["a": .max - 1]), isolated: [])
    context.insert(Dot("a", .max))
    #expect(context.contiguous["a"] == .max && context.isolated.isEmpty)
  }

  @Test func zeroNamesNoEvent() {
    #expect(DotContext(VersionVector(), isolated: [Dot("a", 0)]) == DotContext<String>())
  }
}

struct GrowOnlyCounterTests {
  @Test func repeatedDeliveryCountsOnce() {
    var first = GrowOnlyCounter<String>()
    let delta = first.increment(by: 2, as: "a")
    var second = GrowOnlyCounter<String>()
    second.increment(as: "b")
    for _ in 0..<3 { second.join(delta) }
    second.join(first)
    #expect(second.value == 3)
  }

  @Test func sumStopsAtTheLargestNumber() {
    var counter = GrowOnlyCounter<String>()
    counter.increment(by: .max, as: "a")
    counter.increment(as: "a")
    counter.increment(as: "b")
    #expect(counter.value == .max)
  }
}

struct ObservedRemoveSetTests {
  private typealias Names = ObservedRemoveSet<String, String>

  @Test func removalTakesAwayOnlyWhatItSaw() {
    var laptop = Names()
    laptop.insert("note", as: "laptop")
    var desktop = laptop
    desktop.remove("note")
    laptop.insert("note", as: "laptop")
    #expect(laptop.joined(with: desktop).contains("note"))
    #expect(desktop.joined(with: laptop).contains("note"))
  }

  @Test func removalReachesAReplicaThatHasTheElement() {
    var laptop = Names()
    laptop.insert("note", as: "laptop")
    let old = laptop
    laptop.remove("note")
    #expect(old.joined(with: laptop).isEmpty)
    #expect(laptop.joined(with: old).isEmpty)
  }

  @Test func elementComesBackAfterRemoval() {
    var set = Names()
    set.insert("note", as: "a")
    set.remove("note")
    set.insert("note", as: "a")
    #expect(set.count == 1)
    #expect(set.additions == ["note": [Dot("a", 2)]])
  }

  @Test func removedElementsLeaveNothingBehindButACount() {
    var set = Names()
    for number in 0..<100 {
      set.insert(String(number), as: "a")
      set.remove(String(number))
    }
    #expect(set.isEmpty)
    #expect(set.context == DotContext(VersionVector(["a": 100]), isolated: []))
  }

  @Test func removingWhatIsNotThereIsNoChange() {
    var set = Names()
    #expect(set.remove("note") == Names())
    #expect(set == Names())
  }

  @Test func deltasMayArriveInAnyOrderAndMoreThanOnce() {
    var set = Names()
    let deltas = [
      set.insert("a", as: "r"), set.insert("b", as: "r"), set.remove("a"), set.insert("a", as: "r"),
    ]
    var other = Names()
    for delta in deltas.reversed() + deltas { other.join(delta) }
    #expect(other == set)
  }

  @Test func partsFromOutsideAreMadeConsistent() {
    let set = Names(additions: ["a": [Dot("r", 2)], "b": [], "c": [Dot("r", 0)]], context: DotContext())
    #expect(Array(set.elements) == ["a"])
    #expect(set.context.contains(Dot("r", 2)))
  }
}
