import CRDT
import CRS
import Testing

struct ViewTests {
  @Test func aCycleThatOnlyTheJoinCreatesIsBrokenAlikeEverywhere() throws {
    var one = Fixture.engine("s1", host: "hosta")
    var other = Fixture.engine("s2", host: "hostb")
    try one.apply(#"{"type":"dependency","source":"hard","add":[{"from":"a","to":"b"}]}"#)
    try other.apply(#"{"type":"dependency","source":"hard","add":[{"from":"b","to":"a"}]}"#)
    let before = other.state
    _ = other.join(one.state, wall: Fixture.wall)
    _ = one.join(before, wall: Fixture.wall)
    #expect(one.state == other.state)
    let view = DependencyView(one.state.dependencies)
    #expect(view.hidden == DependencyView(other.state.dependencies).hidden)
    #expect(view.hidden == [Edge("b", "a")])
    #expect(one.state.dependencies.edges.count == 2, "breaking a cycle took an edge out of the state")
    // Removing one of the two ends the cycle.
    try one.apply(#"{"type":"dependency","source":"hard","remove":[{"from":"a","to":"b"}]}"#)
    #expect(DependencyView(one.state.dependencies).hidden.isEmpty)
  }

  @Test func anAdditionOutlivesAConcurrentRemoval() throws {
    var one = Fixture.engine("s1", host: "hosta")
    try one.apply(#"{"type":"dependency","source":"hard","add":[{"from":"a","to":"b"}]}"#)
    var other = ReasoningEngine(state: one.state, session: "s2", host: Fixture.engine(host: "hostb").host)
    try one.apply(#"{"type":"dependency","source":"hard","remove":[{"from":"a","to":"b"}]}"#)
    #expect(!one.state.joined(with: other.state).dependencies.contains(Edge("a", "b")))
    try other.apply(#"{"type":"dependency","source":"hard","add":[{"from":"a","to":"b"}]}"#)
    #expect(one.state.joined(with: other.state).dependencies.contains(Edge("a", "b")))
  }

  @Test func unitPropagationFindsWhatFollows() {
    func literal(_ name: ByteString, not isNegated: Bool = false) -> Literal {
      Literal("x", name, isNegated: isNegated)
    }
    let clauses = [
      Clause([literal("a", not: true), literal("b")]), Clause([literal("b", not: true), literal("c")]),
      Clause([literal("c", not: true), literal("d"), literal("e")]),
    ]
    let result = UnitPropagation(clauses, assuming: [literal("a"), literal("e", not: true)])
    #expect(!result.hasConflict)
    #expect(
      Set(result.steps.map(\.literal)) == [
        literal("a"), literal("b"), literal("c"), literal("d"), literal("e", not: true),
      ])
    #expect(result.steps.first { $0.literal == literal("c") }?.reason == clauses[1])
  }

  @Test func aContradictionIsFound() {
    let (a, b) = (Literal("x", "a"), Literal("x", "b"))
    let clauses = [Clause([a.negation, b]), Clause([a.negation, b.negation])]
    #expect(UnitPropagation(clauses, assuming: [a]).conflict != nil)
    #expect(UnitPropagation([], assuming: [a, a.negation]).contradiction == a.negation)
    #expect(!UnitPropagation(clauses, assuming: []).hasConflict)
    #expect(UnitPropagation([Clause([a]), Clause([a.negation])], assuming: []).hasConflict)
  }

  @Test func limitsBoundTheViewAndNotTheState() throws {
    var engine = Fixture.engine()
    for index in 0..<20 {
      try engine.apply(
        #"{"type":"similarity","source":"soft","pairs":[{"a":"a","b":"n\#(index)","distance":1}]}"#,
        wall: Fixture.wall.advanced(bySeconds: Int64(index)))
      try engine.apply(
        #"{"type":"clause","source":"hard","learn":[{"literals":["t:\#(index)"]}]}"#,
        wall: Fixture.wall.advanced(bySeconds: Int64(index)))
    }
    let now = Fixture.wall.advanced(bySeconds: 20)
    try engine.apply(#"{"type":"clause","source":"hard","use":[["t:0"]]}"#, wall: now)
    let limits = Limits(pairs: 5, clauses: 3, ageSeconds: 3600)
    #expect(engine.state.visiblePairs(limits, now: now).count == 5)
    let clauses = engine.state.visibleClauses(limits, now: now)
    #expect(clauses.count == 3)
    #expect(clauses.contains(Clause([Literal("t", "0")])), "the last used one is hidden")
    #expect(engine.state.visibleClauses(limits, now: now.advanced(bySeconds: 7200)).isEmpty)
    #expect(engine.state.visibleClauses(.none, now: now.advanced(bySeconds: 7200)).count == 20)
    #expect(engine.state.clauses.count == 20)
    #expect(engine.state.similarities.count == 20)
  }
}
