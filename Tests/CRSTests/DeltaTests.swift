import CRDT
import CRS
import Testing

struct DeltaTests {
  @Test(
    arguments: [
      #"{"type":"proof","source":"hard","source":"soft","updates":[{"node":"n"}]}"#,
      #"{"type":"proof","source":"hard","updates":[{"node":"n","proof":1,"proof":2}]}"#,
      #"{"type":"history","source":"hard","entries":[{"id":"h","metadata":{"k":"1","k":"2"}}]}"#,
    ])
  func membersThereTwiceAreRefused(json: String) {
    #expect((#expect(throws: CRSError.self) { try Fixture.delta(json) })?.code == .badData)
  }

  @Test func aSoftCompositeHoldsNoHardPart() throws {
    var engine = Fixture.engine()
    let part = #"{"type":"proof","source":"hard","updates":[{"node":"n","status":"disproven"}]}"#
    let error = #expect(throws: CRSError.self) {
      try engine.apply(#"{"type":"composite","source":"soft","deltas":[\#(part)]}"#)
    }
    #expect(error?.code == .invalidDelta)
    try engine.apply(#"{"type":"composite","deltas":[\#(part)]}"#)
  }

  private func refused(_ engine: ReasoningEngine, _ json: String, _ code: CRSError.Code = .invalidDelta) {
    var engine = engine
    let before = engine.snapshot
    let error = #expect(throws: CRSError.self) { try engine.apply(json) }
    #expect(error?.code == code, "\(json): \(error.map { "\($0)" } ?? "accepted")")
    #expect(engine.snapshot == before, "a refused delta changed something: \(json)")
  }

  @Test func everyIndexTakesItsDelta() throws {
    var engine = Fixture.engine()
    try engine.apply(
      #"{"type":"proof","source":"hard","updates":[{"node":"n","proof":3,"disproof":"infinite","status":"proven"}]}"#)
    try engine.apply(
      #"{"type":"constraint","source":"soft","add":[{"id":"c","type":"mutual-exclusion","nodes":["a","b"]}]}"#)
    try engine.apply(#"{"type":"similarity","source":"soft","pairs":[{"a":"y","b":"x","distance":0.25}]}"#)
    try engine.apply(#"{"type":"dependency","source":"hard","add":[{"from":"a","to":"b"}]}"#)
    try engine.apply(#"{"type":"history","source":"hard","entries":[{"id":"h","node":"n","metadata":{"k":"v"}}]}"#)
    try engine.apply(#"{"type":"streaming","source":"soft","items":[{"item":"i","count":3},{"item":"i"}]}"#)
    try engine.apply(
      #"{"type":"clause","source":"hard","learn":[{"literals":["!t:a","t:b"],"failure":"test"}],"use":[["t:b","!t:a"]]}"#
    )
    let state = engine.state
    #expect(engine.generation == 7)
    #expect(state.proofs["n"]?.value == Proof(proof: 3, disproof: .max, status: .proven, source: .hard))
    #expect(state.constraints["c"]?.nodes == ["a", "b"])
    #expect(state.similarities[NodePair("x", "y")]?.value == Distance(0.25))
    #expect(state.dependencies.dependencies(of: "a") == ["b"])
    #expect(state.dependencies.dependents(of: "b") == ["a"])
    #expect(state.history.elements.map(\.metadata) == [["k": "v"]])
    #expect(state.streaming["i"]?.value == 4)
    let record = state.clauses[Clause([Literal("t", "b"), Literal("t", "a", isNegated: true)])]
    #expect(record?.uses.value == 1)
    #expect(try ReasoningState(canonical: state.canonicalBytes) == state)
  }

  @Test func rulesAreKept() throws {
    var engine = Fixture.engine()
    try engine.apply(#"{"type":"constraint","source":"hard","add":[{"id":"c","type":"ordering","nodes":["a"]}]}"#)
    try engine.apply(#"{"type":"dependency","source":"hard","add":[{"from":"a","to":"b"},{"from":"b","to":"c"}]}"#)
    refused(engine, #"{"type":"proof","source":"soft","updates":[{"node":"n","status":"disproven"}]}"#)
    refused(engine, #"{"type":"proof","source":"soft","updates":[{"node":"n","proof":"infinite"}]}"#)
    refused(engine, #"{"type":"constraint","source":"hard","add":[{"id":"c","type":"ordering","nodes":["a"]}]}"#)
    refused(engine, #"{"type":"constraint","source":"hard","update":[{"id":"d","active":false}]}"#)
    refused(engine, #"{"type":"constraint","source":"hard","remove":["d"]}"#)
    refused(engine, #"{"type":"dependency","source":"hard","add":[{"from":"a","to":"a"}]}"#)
    refused(engine, #"{"type":"dependency","source":"hard","add":[{"from":"c","to":"a"}]}"#)
    refused(engine, #"{"type":"dependency","source":"hard","remove":[{"from":"a","to":"c"}]}"#)
    refused(engine, #"{"type":"history","source":"hard","entries":[{"id":""}]}"#)
    refused(engine, #"{"type":"history","source":"hard","entries":[{"id":"h","metadata":{"":"v"}}]}"#)
    let long = String(repeating: "x", count: 4_097)
    refused(engine, #"{"type":"history","source":"hard","entries":[{"id":"h","metadata":{"k":"\#(long)"}}]}"#)
    refused(engine, #"{"type":"clause","source":"soft","learn":[{"literals":["t:a"]}]}"#)
    refused(engine, #"{"type":"clause","source":"hard","learn":[{"literals":[]}]}"#)
    refused(engine, #"{"type":"clause","source":"hard","use":[["t:a"]]}"#)
    refused(engine, #"{"type":"proof","source":"hard","time":"2099-01-01T00:00:00Z","updates":[{"node":"n"}]}"#)
  }

  @Test func aCompositeIsAllOrNothingAndItsPartsSeeEachOther() throws {
    var engine = Fixture.engine()
    try engine.apply(
      #"""
      {"type":"composite","source":"hard","deltas":[
        {"type":"constraint","add":[{"id":"c","type":"resource","nodes":["a"]}]},
        {"type":"constraint","update":[{"id":"c","active":false}]},
        {"type":"dependency","add":[{"from":"a","to":"b"}]}]}
      """#)
    #expect(engine.state.constraints["c"]?.isActive == false)
    #expect(engine.generation == 1)
    refused(
      engine,
      #"""
      {"type":"composite","source":"hard","deltas":[
        {"type":"proof","updates":[{"node":"n"}]},
        {"type":"dependency","add":[{"from":"b","to":"a"}]}]}
      """#)
    refused(
      engine,
      #"""
      {"type":"composite","source":"hard","deltas":[
        {"type":"dependency","add":[{"from":"x","to":"y"}]},{"type":"dependency","add":[{"from":"y","to":"x"}]}]}
      """#)
  }

  @Test func whatIsNoDeltaIsRefused() throws {
    let engine = Fixture.engine()
    for json in [
      "", "[]", "{}", #"{"type":"proof"}"#, #"{"type":"x","source":"hard"}"#,
      #"{"type":"proof","source":"maybe","updates":[]}"#, #"{"type":"proof","source":"hard","updates":[{"node":1}]}"#,
      #"{"type":"proof","source":"hard","updates":[{"node":"n","extra":1}]}"#,
      #"{"type":"proof","source":"hard","updates":[{"node":"n"}],"extra":1}"#,
      #"{"type":"similarity","source":"soft","pairs":[{"a":"a","b":"b","distance":-1}]}"#,
      #"{"type":"similarity","source":"soft","pairs":[{"a":"a","b":"b","distance":1e999}]}"#,
      #"{"type":"proof","source":"hard","updates":[]} x"#, #"{"type":"proof","source":"hard","updates":[{"node":"n"}"#,
    ] { refused(engine, json, .badData) }
    let deep = String(repeating: #"{"type":"composite","source":"hard","deltas":["#, count: 100)
    refused(engine, deep, .badData)
  }

  @Test func numbersSaturate() throws {
    var engine = Fixture.engine()
    try engine.apply(
      #"{"type":"proof","source":"hard","updates":[{"node":"n","proof":99999999999999999999999,"disproof":5,"addDisproof":18446744073709551615}]}"#
    )
    #expect(engine.state.proofs["n"]?.value.proof == Proof.infinite)
    #expect(engine.state.proofs["n"]?.value.disproof == Proof.infinite)
  }

  @Test func aSnapshotNeverChanges() throws {
    var engine = Fixture.engine()
    try engine.apply(#"{"type":"streaming","source":"soft","items":[{"item":"i"}]}"#)
    let snapshot = engine.snapshot
    try engine.apply(#"{"type":"streaming","source":"soft","items":[{"item":"i"}]}"#)
    #expect(snapshot.state.streaming["i"]?.value == 1)
    #expect(snapshot.generation == 1)
  }

  @Test func aLaterDeltaWinsAlsoWhenTheClockWentBack() throws {
    var engine = Fixture.engine()
    try engine.apply(#"{"type":"proof","source":"hard","updates":[{"node":"n","proof":1}]}"#)
    try engine.apply(
      #"{"type":"proof","source":"hard","updates":[{"node":"n","proof":2}]}"#,
      wall: Fixture.wall.advanced(bySeconds: -3600))
    #expect(engine.state.proofs["n"]?.value.proof == 2)
  }

  @Test func idsOfAnyBytesSurvive() throws {
    var engine = Fixture.engine()
    let ids = ["é", "e\u{301}", "\u{0}", "\\ud800", String(repeating: "x", count: 100_000), "../../etc", "👩‍👩‍👧‍👦"]
    for id in ids {
      let quoted = id == "\\ud800" ? #""\ud800""# : id == "\u{0}" ? #""\u0000""# : "\"\(id)\""
      try engine.apply(#"{"type":"proof","source":"hard","updates":[{"node":\#(quoted)}]}"#)
    }
    #expect(engine.state.proofs.count == ids.count)
    #expect(try ReasoningState(canonical: engine.state.canonicalBytes) == engine.state)
  }
}
