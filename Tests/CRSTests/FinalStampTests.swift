import CRDT
import CRS
import Testing

/// Elements written at the last time there is, as by a damaged or forged state: no later stamp can be made.
struct FinalStampTests {
  private static let final = Stamp(instant: .latest, host: "a")
  private static let clause = Clause([Literal("t", "a")])

  private func state(_ stamp: Stamp = final) -> ReasoningState {
    var state = ReasoningState()
    let constraint = Constraint(kind: .resource, nodes: ["a"], source: .hard, created: stamp)
    let origin = ClauseOrigin(source: .hard, failure: "f", session: "s0")
    state.apply(.proof("n", LWWRegister(Proof(proof: 9, source: .soft), at: stamp)))
    state.apply(.constraint("c", LWWRegister(.present(constraint), at: stamp)))
    state.apply(.constraint("gone", LWWRegister(.removed, at: stamp)))
    if let distance = Distance(0.5) { state.apply(.similarity(NodePair("x", "y"), LWWRegister(distance, at: stamp))) }
    state.apply(.clause(Self.clause, ClauseRecord(origin: LWWRegister(origin, at: stamp))))
    return state
  }

  private func engine(_ stamp: Stamp = final) -> ReasoningEngine {
    ReasoningEngine(state: state(stamp), session: "s1", host: Fixture.host("zz"), wall: Fixture.wall)
  }

  static let writes = [
    #"{"type":"proof","source":"hard","updates":[{"node":"m"},{"node":"n","proof":5}]}"#,
    #"{"type":"proof","source":"hard","time":"2020-01-01T00:00:00Z","updates":[{"node":"n","proof":5}]}"#,
    #"{"type":"constraint","source":"hard","update":[{"id":"c","active":false}]}"#,
    #"{"type":"constraint","source":"hard","remove":["c"]}"#,
    #"{"type":"constraint","source":"hard","add":[{"id":"gone","type":"ordering","nodes":["a"]}]}"#,
    #"{"type":"similarity","source":"soft","pairs":[{"a":"y","b":"x","distance":0.25}]}"#,
    #"{"type":"clause","source":"hard","learn":[{"literals":["t:a"],"failure":"g"}]}"#,
    #"{"type":"composite","source":"hard","deltas":[{"type":"proof","source":"hard","updates":[{"node":"m"}]},{"type":"proof","source":"hard","updates":[{"node":"n","proof":5}]}]}"#,
  ]

  @Test(arguments: writes)
  func whatCannotTakeEffectIsRefused(json: String) {
    var engine = engine()
    let before = engine.snapshot
    let error = #expect(throws: CRSError.self) { try engine.apply(json) }
    #expect(error?.code == .invalidDelta)
    #expect(error?.message.hasSuffix("the last time there is: nothing can be written over it") == true)
    #expect(engine.snapshot == before)
  }

  @Test func whateverWritesOverNothingTakesEffect() throws {
    var engine = engine()
    try engine.apply(#"{"type":"proof","source":"hard","updates":[{"node":"m","proof":5}]}"#)
    try engine.apply(#"{"type":"clause","source":"hard","use":[["t:a"]]}"#)
    #expect(engine.state.proofs["m"]?.value.proof == 5)
    #expect(engine.state.clauses[Self.clause]?.uses.value == 1)
  }

  @Test(arguments: writes)
  func aTimeFarAheadIsWrittenOver(json: String) throws {
    guard !json.contains("2020") else { return }
    var engine = engine(Stamp(instant: .latest.advanced(bySeconds: -2), host: "zzz"))
    for _ in 0..<2 where !json.contains("constraint") { try engine.apply(json) }
    try engine.apply(json)
    #expect(engine.state.proofs["n"]?.value.proof == (json.contains(#""node":"n""#) ? 5 : 9))
    #expect(engine.state.similarities[NodePair("x", "y")]?.value.value == (json.contains("0.25") ? 0.25 : 0.5))
    let isActive = json.contains("remove") ? nil : !json.contains("false")
    #expect(engine.state.constraints["c"]?.isActive == isActive)
    #expect((engine.state.constraints["gone"] != nil) == json.contains("gone"))
  }

  @Test func elementsOfTheFutureAreTold() {
    #expect(FutureElements([state(Stamp(instant: Fixture.wall, host: "a"))], wall: Fixture.wall).warning == nil)
    let ahead = Stamp(instant: Fixture.wall.advanced(bySeconds: 301), host: "a")
    let some = FutureElements([ReasoningState(), state(ahead)], wall: Fixture.wall)
    #expect(some.count == 5 && some.finalCount == 0)
    #expect(some.warning?.hasSuffix("lies in the future, and 4 more do") == true)
    let all = FutureElements([state()], wall: Fixture.wall)
    #expect(all.count == 5 && all.finalCount == 5)
    #expect(all.warning?.hasSuffix("; nothing can be written over them") == true)
  }
}
