import CRDT
import CRS
import TestKit
import Testing

/// The laws of the join of reasoning states: of each index alone and of the whole.
struct CRSLawsTests {
  private func checkIndex<Index: BoundedSemilattice & SendableMetatype>(
    _ name: String, _ path: @escaping @Sendable (ReasoningState) -> Index
  ) {
    checkProperty("\(name) is a semilattice", zip(CRSGenerators.state, CRSGenerators.state, CRSGenerators.state)) {
      try demandLaws(path($0), path($1), path($2))
    }
  }

  private func demandLaws<State: BoundedSemilattice>(_ a: State, _ b: State, _ c: State) throws {
    let join = a.joined(with: b)
    try demandEqual(join, b.joined(with: a), "not commutative")
    try demandEqual(join.joined(with: c), a.joined(with: b.joined(with: c)), "not associative")
    try demandEqual(a.joined(with: a), a, "not idempotent")
    try demandEqual(join.joined(with: b), join, "a second delivery changes the state")
    try demandEqual(State().joined(with: a), a, "the empty state is not neutral")
    try demandEqual(a.isAtMost(b), join == b, "isAtMost differs from its definition")
    try demand(a.isAtMost(join) && b.isAtMost(join), "join is no upper bound")
  }

  @Test func proofsAreALattice() { checkIndex("ProofIndex") { $0.proofs } }
  @Test func constraintsAreALattice() { checkIndex("ConstraintIndex") { $0.constraints } }
  @Test func similaritiesAreALattice() { checkIndex("SimilarityIndex") { $0.similarities } }
  @Test func dependenciesAreALattice() { checkIndex("DependencyIndex") { $0.dependencies } }
  @Test func historyIsALattice() { checkIndex("HistoryIndex") { $0.history } }
  @Test func streamingIsALattice() { checkIndex("StreamingIndex") { $0.streaming } }
  @Test func clausesAreALattice() { checkIndex("ClauseIndex") { $0.clauses } }
  @Test func theWholeStateIsALattice() { checkIndex("ReasoningState") { $0 } }

  @Test func equalStatesHaveEqualBytesAndReadBack() {
    checkProperty("canonical bytes decide a state", zip(CRSGenerators.state, CRSGenerators.state)) { a, b in
      let (ab, ba) = (a.joined(with: b), b.joined(with: a))
      try demandEqual(ab.canonicalBytes, ba.canonicalBytes, "one state, two spellings")
      try demandEqual(try ReasoningState(canonical: ab.canonicalBytes), ab, "reading back")
      try demandEqual(a == b, a.canonicalBytes == b.canonicalBytes, "two states, one spelling")
    }
  }

  @Test func changesBringAStateUpToTheJoin() {
    checkProperty("changes(joining:) is the join", zip(CRSGenerators.state, CRSGenerators.state)) { a, b in
      var replayed = a
      for change in a.changes(joining: b) {
        for change in try ChangeRecord(ChangeRecord([change]).bytes).changes { replayed.apply(change) }
      }
      try demandEqual(replayed, a.joined(with: b), "diverged")
    }
  }

  @Test func changesCommuteAndRepeat() {
    checkProperty(
      "changes in any order, any number of times",
      Gen { choices in
        let changes = try choices.draw(Gen<[Change]>.array(of: CRSGenerators.change, count: 0...6))
        return (changes, try choices.draw(Gen<[Change]>.shuffled(changes + changes)))
      }
    ) { changes, deliveries in
      var one = ReasoningState()
      var other = ReasoningState()
      for change in changes { one.apply(change) }
      for change in deliveries { other.apply(change) }
      try demandEqual(one, other, "diverged")
    }
  }

  @Test func damagedBytesAreRefusedOrAreAnotherWholeState() {
    checkProperty(
      "damaged bytes of a state", cases: 3_000,
      zip(CRSGenerators.state, Gen<[Int]>.array(of: Gen<Int>.int(in: 0...4_000), count: 1...3), Gen<UInt8>.int())
    ) { state, places, byte in
      var bytes = state.canonicalBytes
      for place in places { bytes[place % bytes.count] = byte }
      if places.count == 3 { bytes.removeLast(places[0] % bytes.count) }
      guard let read = try? ReasoningState(canonical: bytes) else { return }
      try demandEqual(try ReasoningState(canonical: read.canonicalBytes), read, "no whole state")
    }
  }

  @Test func damagedChangesAndDeltasAreRefusedOrWhole() {
    let samples = [
      #"{"type":"proof","source":"hard","updates":[{"node":"n","proof":3,"disproof":"infinite","status":"proven"}]}"#,
      #"{"type":"composite","source":"hard","deltas":[{"type":"dependency","add":[{"from":"a","to":"b"}]}]}"#,
      #"{"type":"clause","source":"hard","learn":[{"literals":["!t:a",{"type":"t","value":"b"}]}]}"#,
      #"{"type":"history","source":"hard","time":"2026-01-01T00:00:00Z","entries":[{"id":"h","metadata":{"k":"v"}}]}"#,
    ]
    checkProperty(
      "damaged bytes of deltas and changes", cases: 3_000,
      zip(
        zip(Gen<String>.element(of: samples), CRSGenerators.change), Gen<Int>.int(in: 0...400), Gen<UInt8>.int())
    ) { sample, place, byte in
      var delta = Array(sample.0.utf8)
      delta[place % delta.count] = byte
      if let delta = try? Delta(json: delta), let host = HostName("h") {
        var engine = ReasoningEngine(session: "s", host: host)
        _ = try? engine.apply(delta, wall: Instant(unixSeconds: 1_767_323_045))
      }
      var record = ChangeRecord([sample.1]).bytes
      record[place % record.count] = byte
      guard let read = try? ChangeRecord(record) else { return }
      var state = ReasoningState()
      for change in read.changes { state.apply(change) }
      try demandEqual(try ReasoningState(canonical: state.canonicalBytes), state, "no whole state")
    }
  }

  @Test func theViewOfDependenciesHasNoCycleAndHidesNoMoreThanNeeded() {
    let node = Gen<Int>.int(in: 0...5, .uniform)
    checkProperty("cycles are broken", Gen<[(Int, Int)]>.array(of: zip(node, node), count: 0...12)) { pairs in
      var set = ObservedRemoveSet<Edge, SessionID>()
      for (from, to) in pairs { set.insert(Edge(ByteString("n\(from)"), ByteString("n\(to)")), as: "r") }
      let view = DependencyView(DependencyIndex(set))
      let visible = view.edges
      try demandEqual(Set(visible).union(view.hidden), Set(set.elements), "edges got lost")
      let order = view.topologicalOrder
      let position = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
      for edge in visible {
        try demand((position[edge.to] ?? -1) < (position[edge.from] ?? -1), "a cycle is left at \(edge)")
      }
      for edge in view.hidden {
        try demand(edge.from == edge.to || reaches(view, from: edge.to, to: edge.from), "\(edge) closes no cycle")
      }
    }
  }

  private func reaches(_ view: DependencyView, from start: ByteString, to goal: ByteString) -> Bool {
    var seen: Set<ByteString> = [start]
    var pending = [start]
    while let node = pending.popLast() {
      if node == goal { return true }
      for next in view.dependencies[node] ?? [] where seen.insert(next).inserted { pending.append(next) }
    }
    return false
  }
}

extension DependencyView {
  /// All nodes after everything that they depend on; ties in byte order of the search.
  fileprivate var topologicalOrder: [ByteString] {
    var order: [ByteString] = []
    var seen: Set<ByteString> = []
    for root in dependencies.keys.sorted() where !seen.contains(root) {
      var path: [(node: ByteString, next: Int)] = [(root, 0)]
      seen.insert(root)
      while let (node, next) = path.last {
        let targets = dependencies[node] ?? []
        guard next < targets.count else {
          order.append(node)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        if seen.insert(targets[next]).inserted { path.append((targets[next], 0)) }
      }
    }
    return order
  }
}
