import CRDT
import TestKit
import Testing

/// The laws of a join semilattice, for every type that claims to be one.
struct LatticeLawsTests {
  private func checkLaws<State: Semilattice>(_ name: String, _ state: Gen<State>) {
    checkProperty("\(name) is a semilattice", zip(state, state, state)) { a, b, c in
      try Self.demandLaws(a, b, c)
    }
  }

  private func checkLaws<State: BoundedSemilattice & SendableMetatype>(
    bounded name: String, _ state: Gen<State>
  ) {
    checkProperty("\(name) is a bounded semilattice", zip(state, state, state)) { a, b, c in
      try Self.demandLaws(a, b, c)
      try demandEqual(State().joined(with: a), a, "joining into the empty state changes it")
      try demandEqual(a.joined(with: State()), a, "joining the empty state changes it")
      try demand(State().isAtMost(a), "the empty state is not the least")
    }
    checkProperty(
      "\(name): any order, any number of deliveries", cases: 1_000,
      Gen { choices in
        let states = try choices.draw(.array(of: state, count: 0...5))
        let twice = Array(states.indices) + states.indices
        return (states, try choices.draw(Gen<[Int]>.shuffled(twice)))
      }
    ) { states, deliveries in
      try demandEqual(State(joining: deliveries.map { states[$0] }), State(joining: states), "diverged")
    }
  }

  private static func demandLaws<State: Semilattice>(_ a: State, _ b: State, _ c: State) throws {
    let join = a.joined(with: b)
    try demandEqual(join, b.joined(with: a), "not commutative")
    let all = join.joined(with: c)
    try demandEqual(all, a.joined(with: b.joined(with: c)), "not associative")
    try demandEqual(a.joined(with: a), a, "not idempotent")
    try demandEqual(join.joined(with: b), join, "a second delivery changes the state")

    let isBelow = a.isAtMost(b)
    try demandEqual(isBelow, join == b, "isAtMost differs from its definition")
    try demandEqual(isBelow && b.isAtMost(a), a == b, "the order is not antisymmetric")
    try demand(!(isBelow && b.isAtMost(c)) || a.isAtMost(c), "the order is not transitive")
    try demand(a.isAtMost(join) && b.isAtMost(join), "join is no upper bound")
    try demand(!(a.isAtMost(c) && b.isAtMost(c)) || join.isAtMost(c), "join is not the least upper bound")
    try demand(a.joined(with: c).isAtMost(all), "join is not monotonic")
  }

  @Test func growOnlySet() { checkLaws(bounded: "GrowOnlySet", LatticeGenerators.growOnlySet) }

  @Test func maxRegister() { checkLaws("MaxRegister", LatticeGenerators.maxRegister) }

  @Test func versionVector() { checkLaws(bounded: "VersionVector", LatticeGenerators.versionVector) }

  @Test func growOnlyCounter() { checkLaws(bounded: "GrowOnlyCounter", LatticeGenerators.growOnlyCounter) }

  @Test func lastWriterWinsRegister() { checkLaws("LWWRegister", LatticeGenerators.register) }

  @Test func lastWriterWinsMap() { checkLaws(bounded: "LWWMap", LatticeGenerators.map) }

  @Test func dotContext() { checkLaws(bounded: "DotContext", LatticeGenerators.dotContext) }

  @Test func observedRemoveSet() {
    checkLaws(bounded: "ObservedRemoveSet", LatticeGenerators.observedRemoveSet)
  }

  @Test func optionalOfLattice() { checkLaws(bounded: "Optional", LatticeGenerators.register.optional()) }

  @Test func dictionaryOfLattices() {
    checkLaws(
      bounded: "Dictionary",
      .dictionary(of: LatticeGenerators.key, to: LatticeGenerators.growOnlyCounter, count: 0...3))
  }
}
