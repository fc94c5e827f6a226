import CRDT
import TestKit
import Testing

private typealias Key = LatticeGenerators.Key
private typealias Replica = LatticeGenerators.Replica

/// What each lattice promises beyond the laws, against the plainest model of it.
struct LatticeMeaningTests {
  @Test func growOnlySetIsTheUnionOfAllInsertions() {
    checkProperty(
      "GrowOnlySet is union", zip(.array(of: LatticeGenerators.key), .array(of: LatticeGenerators.key))
    ) { first, second in
      var (left, right) = (GrowOnlySet<Key>(), GrowOnlySet<Key>())
      for key in first { left.insert(key) }
      let before = right
      let deltas = GrowOnlySet(joining: second.map { right.insert($0) })
      try demandEqual(before.joined(with: deltas), right, "deltas lose an insertion")
      try demandEqual(left.joined(with: right).elements, Set(first).union(second))
      try demandEqual(left.joined(with: right.delta(since: left)), left.joined(with: right))
    }
  }

  @Test func registersKeepTheGreatest() {
    checkProperty(
      "LWWRegister keeps the greatest stamp, then value",
      .array(of: zip(LatticeGenerators.value, LatticeGenerators.stamp), count: 1...8)
    ) { writes in
      var register = LWWRegister(writes[0].0, at: writes[0].1)
      for write in writes.dropFirst() { register.set(write.0, at: write.1) }
      let greatest = try #require(writes.max { ($0.1, $0.0) < ($1.1, $1.0) })
      try demandEqual(register, LWWRegister(greatest.0, at: greatest.1))
    }
    checkProperty("MaxRegister keeps the greatest", .array(of: Gen<Int>.int(), count: 1...8)) { values in
      var register = MaxRegister(values[0])
      for value in values { register.raise(to: value) }
      try demandEqual(register.value, values.max())
    }
  }

  @Test func mapShowsTheLastWriteOfEachKeyInAnyOrder() {
    checkProperty(
      "LWWMap shows the last write",
      Gen { choices in
        let writes = try choices.draw(.array(of: LatticeGenerators.mapWrite, count: 0...10))
        return (writes, try choices.draw(Gen<[Int]>.shuffled(Array(writes.indices) + writes.indices)))
      }
    ) { writes, deliveries in
      // Of equal stamps a value wins over a removal, and the greater value over the lesser.
      func rank(_ write: MapWrite) -> (Int, Int) { (write.stamp, write.value ?? -1) }
      var expected: [Key: Int] = [:]
      for (key, writes) in Dictionary(grouping: writes, by: \.key) {
        expected[key] = writes.max { rank($0) < rank($1) }?.value
      }
      var map = LWWMap<Key, Int, Int>()
      let deltas = writes.map { $0.apply(to: &map) }
      try demandEqual(map.live, expected)
      try demandEqual(LWWMap(joining: deliveries.map { deltas[$0] }), map, "deltas diverge")
    }
  }

  @Test func counterCountsEveryIncrementOnceInAnyOrder() {
    let increment = zip(LatticeGenerators.replica, Gen<UInt64>.int(in: 0...1_000))
    checkProperty(
      "GrowOnlyCounter counts once",
      Gen { choices in
        let increments = try choices.draw(.array(of: increment, count: 0...10))
        return (
          increments, try choices.draw(Gen<[Int]>.shuffled(Array(increments.indices) + increments.indices))
        )
      }
    ) { increments, deliveries in
      var replicas: [Replica: GrowOnlyCounter<Replica>] = [:]
      let deltas = increments.map { replica, amount in
        replicas[replica, default: GrowOnlyCounter()].increment(by: amount, as: replica)
      }
      let sum = increments.reduce(0) { $0 + $1.1 }
      try demandEqual(GrowOnlyCounter(joining: replicas.values).value, sum)
      try demandEqual(GrowOnlyCounter(joining: deliveries.map { deltas[$0] }).value, sum, "by deltas")
    }
    checkProperty(
      "GrowOnlyCounter stops at its end", .array(of: zip(LatticeGenerators.replica, Gen<UInt64>.int()))
    ) { increments in
      var counter = GrowOnlyCounter<Key>()
      var previous: UInt64 = 0
      for (replica, amount) in increments {
        counter.increment(by: amount, as: replica)
        try demand(counter.value >= max(previous, amount), "went back")
        previous = counter.value
      }
    }
  }

  @Test func versionVectorKnowsWhatEitherKnows() {
    checkProperty(
      "VersionVector is a set of events",
      zip(LatticeGenerators.versionVector, LatticeGenerators.versionVector, LatticeGenerators.dot)
    ) { left, right, dot in
      let joined = left.joined(with: right)
      try demandEqual(joined.contains(dot), left.contains(dot) || right.contains(dot))
      var next = joined
      let event = next.raise(dot.replica, to: 7).counters
      try demandEqual(event, [dot.replica: 7])
    }
  }

  @Test func dotContextIsASetOfEvents() {
    let dots = Gen.array(of: LatticeGenerators.dot, count: 0...12)
    checkProperty("DotContext is a set", zip(dots, dots, LatticeGenerators.replica)) {
      first, second, replica in
      var (left, right) = (DotContext<Key>(), DotContext<Key>())
      for dot in first { left.insert(dot) }
      for dot in second { right.insert(dot) }
      var joined = left.joined(with: right)
      let expected = Set(first).union(second)
      for name in 0...2 as ClosedRange<Replica> {
        for counter in 1...7 as ClosedRange<UInt64> {
          let dot = Dot(name, counter)
          try demandEqual(joined.contains(dot), expected.contains(dot), "\(dot)")
        }
      }
      try demandEqual(joined, DotContext(VersionVector(), isolated: expected), "two forms of one set")
      try demand(!expected.contains(joined.next(of: replica)), "an event was named twice")
    }
  }

  @Test func observedRemoveSetAgreesWithTheSetOfTags() {
    checkProperty("ObservedRemoveSet is OR-Set", .array(of: SetHistory.step, count: 0...24)) { steps in
      var history = SetHistory()
      for step in steps { try history.run(step) }
      try history.checkConvergence()
    }
  }

  @Test func additionWinsOverConcurrentRemoval() {
    checkProperty(
      "add wins",
      zip(LatticeGenerators.observedRemoveSetWithUniqueDots, LatticeGenerators.key, LatticeGenerators.key)
    ) { start, added, removed in
      var (adding, removing) = (start, start)
      let addition = adding.insert(added, as: 9)
      let removal = removing.remove(removed)
      let joined = adding.joined(with: removing)
      try demand(joined.contains(added), "the addition is lost")
      try demand(added == removed || !joined.contains(removed), "the removal is lost")
      try demandEqual(start.joined(with: removal).joined(with: addition), joined, "deltas differ from states")
      var cleared = joined
      let clearing = cleared.removeAll()
      try demand(cleared.isEmpty && joined.joined(with: clearing) == cleared, "removeAll leaves something")
    }
  }
}

/// Three replicas of a set beside the textbook model: unique tags and tombstones for ever (Shapiro et al. 2011).
private struct SetHistory {
  enum Step {
    case insert(Key, replica: Int)
    case remove(Key, replica: Int)
    case merge(from: Int, into: Int)
    case deliver(delta: Int, to: Int)
  }

  struct Model: Hashable {
    var tags: [Int: Key] = [:]
    var removed: Set<Int> = []

    var live: [Int: Key] { tags.filter { !removed.contains($0.key) } }

    var elements: Set<Key> { Set(live.values) }

    mutating func join(_ other: Model) {
      tags.merge(other.tags) { first, _ in first }
      removed.formUnion(other.removed)
    }
  }

  static let step: Gen<Step> = {
    let index = Gen.int(in: 0...2)
    let key = LatticeGenerators.key
    return .frequency(
      (3, zip(key, index).map { .insert($0.0, replica: $0.1) }),
      (2, zip(key, index).map { .remove($0.0, replica: $0.1) }),
      (2, zip(index, index).map { .merge(from: $0.0, into: $0.1) }),
      (2, zip(Gen.int(in: 0...50), index).map { .deliver(delta: $0.0, to: $0.1) }))
  }()

  private static let names: [Replica] = [0, 1, 2]
  private var sets = Array(repeating: ObservedRemoveSet<Key, Replica>(), count: 3)
  private var models = Array(repeating: Model(), count: 3)
  private var deltas: [(set: ObservedRemoveSet<Key, Replica>, model: Model)] = []

  mutating func run(_ step: Step) throws {
    switch step {
    case .insert(let element, let replica):
      let delta = sets[replica].insert(element, as: Self.names[replica])
      // Like the set's, the model's addition replaces those it sees.
      let seen = models[replica].live.filter { $0.value == element }
      let change = Model(
        tags: seen.merging([deltas.count: element]) { first, _ in first }, removed: Set(seen.keys))
      models[replica].join(change)
      deltas.append((delta, change))
    case .remove(let element, let replica):
      let delta = sets[replica].remove(element)
      let seen = models[replica].live.filter { $0.value == element }
      let change = Model(tags: seen, removed: Set(seen.keys))
      models[replica].join(change)
      deltas.append((delta, change))
    case .merge(let from, let into):
      sets[into].join(sets[from])
      models[into].join(models[from])
    case .deliver(let delta, let replica):
      guard !deltas.isEmpty else { return }
      sets[replica].join(deltas[delta % deltas.count].set)
      models[replica].join(deltas[delta % deltas.count].model)
    }
    for (set, model) in zip(sets, models) {
      try demandEqual(Set(set.elements), model.elements, "differs from the model after \(step)")
    }
  }

  func checkConvergence() throws {
    let forwards = ObservedRemoveSet(joining: sets)
    try demandEqual(forwards, ObservedRemoveSet(joining: sets.reversed()), "diverged")
    try demandEqual(forwards, ObservedRemoveSet(joining: deltas.map(\.set)), "deltas alone diverged")
    var model = Model()
    for other in models { model.join(other) }
    try demandEqual(Set(forwards.elements), model.elements, "the whole differs from the model")
  }
}
