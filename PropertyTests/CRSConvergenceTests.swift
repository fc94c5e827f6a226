import CRDT
import CRS
import TestKit
import Testing

/// Several hosts that reason, exchange states, and lose what they had not kept.
struct CRSConvergenceTests {
  enum Step: Hashable, Sendable {
    /// One increment and one history entry, in one composite.
    case count(host: Int, item: ByteString)
    case addEdge(host: Int, Edge)
    case removeEdge(host: Int, Edge)
    case prove(host: Int, node: ByteString, number: UInt64)
    /// What the host has now is what it comes back with after a loss.
    case save(host: Int)
    /// The host falls back to what it saved, in a new session.
    case lose(host: Int)
    case join(host: Int, from: Int)
  }

  private static let host = Gen<Int>.int(in: 0...2, .uniform)
  private static let node = Gen<ByteString>.element(of: ["a", "b", "c", "d"])

  private static let edge = zip(node, node).map { Edge($0.0, $0.1) }

  private static let step = Gen<Step>.frequency(
    (4, zip(host, node).map { Step.count(host: $0.0, item: $0.1) }),
    (4, zip(host, edge).map { Step.addEdge(host: $0.0, $0.1) }),
    (2, zip(host, edge).map { Step.removeEdge(host: $0.0, $0.1) }),
    (2, zip(host, node, Gen<UInt64>.int(in: 0...9)).map { Step.prove(host: $0.0, node: $0.1, number: $0.2) }),
    (2, host.map { Step.save(host: $0) }), (1, host.map { Step.lose(host: $0) }),
    (3, zip(host, host).map { Step.join(host: $0.0, from: $0.1) }))

  /// A host: its engine, the journal of its session, and what it saved.
  private struct Replica {
    var engine: ReasoningEngine
    var saved: Snapshot
    /// What the journal has behind `start`.
    var records: [[UInt8]] = []
    var start: ReasoningState

    init(_ name: HostName, session: ByteString, from snapshot: Snapshot) {
      engine = ReasoningEngine(
        state: snapshot.state, generation: snapshot.generation, session: session, host: name)
      saved = snapshot
      start = snapshot.state
    }
  }

  @Test func hostsConvergeAndNothingCountsTwiceOrIsHalfThere() {
    checkProperty("hosts converge", cases: 3_000, Gen<[Step]>.array(of: Self.step, count: 0...40)) { steps in
      let names = ["hosta", "hostb", "hostc"].compactMap { HostName($0) }
      let empty = ReasoningEngine(session: "", host: names[0]).snapshot
      var replicas = names.map { Replica($0, session: $0.bytes, from: empty) }
      var wall = Instant(unixSeconds: 1_767_323_045)
      for (number, step) in steps.enumerated() {
        wall = wall.advanced(bySeconds: 1)
        try perform(step, number, wall, names, &replicas)
      }
      for replica in replicas {
        var replayed = replica.start
        for record in replica.records {
          for change in try ChangeRecord(record).changes { replayed.apply(change) }
        }
        try demandEqual(replayed, replica.engine.state, "the journal leads elsewhere")
      }
      let states = replicas.map(\.engine.state)
      for index in replicas.indices {
        // Each in an order of its own.
        let order = Array(states[index...] + states[..<index])
        for state in index % 2 == 0 ? order : order.reversed() { _ = replicas[index].engine.join(state, wall: wall) }
      }
      let final = replicas[0].engine.state
      for replica in replicas {
        try demandEqual(replica.engine.state.canonicalBytes, final.canonicalBytes, "the hosts differ")
      }
      for item in Self.items {
        let entries = final.history.elements.count { $0.node == item }
        try demandEqual(final.streaming[item]?.value ?? 0, UInt64(entries), "half a composite, or one twice")
      }
      try demandEqual(
        Set(DependencyView(final.dependencies).edges).count + DependencyView(final.dependencies).hidden.count,
        final.dependencies.edges.count, "edges got lost")
    }
  }

  @Test func aHostAloneRefusesExactlyTheEdgesThatCloseACycle() {
    let edit = zip(Gen<Bool>.bool, Self.edge)
    checkProperty(
      "one host has no cycle", Gen<[[(Bool, Edge)]]>.array(of: Gen.array(of: edit, count: 1...4), count: 0...10)
    ) { deltas in
      guard let host = HostName("hosta") else { return }
      var engine = ReasoningEngine(session: "s", host: host)
      var model: Set<Edge> = []
      for edits in deltas {
        let parts = edits.map { isAdded, edge in
          Delta(isAdded ? .dependency(add: [edge], remove: []) : .dependency(add: [], remove: [edge]), source: .hard)
        }
        // A naive model: edit a copy, look for a cycle after each step.
        var edited: Set<Edge>? = model
        for (isAdded, edge) in edits {
          guard var edges = edited else { break }
          let isKnown = edges.contains(edge)
          if isAdded { edges.insert(edge) } else { edges.remove(edge) }
          edited = (isAdded ? !Self.hasCycle(edges) : isKnown) ? edges : nil
        }
        let isAccepted = (try? engine.apply(Delta(.composite(parts), source: .hard), wall: .epoch)) != nil
        try demandEqual(isAccepted, edited != nil, "\(edits) on \(model)")
        model = edited ?? model
        try demandEqual(Set(engine.state.dependencies.edges.elements), model)
      }
      try demand(DependencyView(engine.state.dependencies).hidden.isEmpty, "a cycle")
    }
  }

  /// Takes away nodes on which nothing depends until none is left.
  private static func hasCycle(_ edges: Set<Edge>) -> Bool {
    var rest = edges
    while true {
      let targets = Set(rest.map(\.to))
      let kept = rest.filter { targets.contains($0.from) }
      if kept.isEmpty { return false }
      if kept.count == rest.count { return true }
      rest = kept
    }
  }

  private static let items: [ByteString] = ["a", "b", "c", "d"]

  private func perform(
    _ step: Step, _ number: Int, _ wall: Instant, _ names: [HostName], _ replicas: inout [Replica]
  ) throws {
    func apply(_ host: Int, _ delta: Delta) {
      // A refused delta changes nothing: a cycle, or an edge that is not there.
      guard let changes = try? replicas[host].engine.apply(delta, wall: wall) else { return }
      replicas[host].records.append(ChangeRecord(changes).bytes)
    }
    switch step {
    case .count(let host, let item):
      let entry = HistoryDraft(ByteString("h\(number)"), node: item)
      apply(
        host,
        Delta(
          .composite([
            Delta(.streaming([StreamingIncrement(item)]), source: .soft), Delta(.history([entry]), source: .soft),
          ]), source: .soft))
    case .addEdge(let host, let edge): apply(host, Delta(.dependency(add: [edge], remove: []), source: .hard))
    case .removeEdge(let host, let edge): apply(host, Delta(.dependency(add: [], remove: [edge]), source: .hard))
    case .prove(let host, let node, let proof):
      apply(host, Delta(.proof([ProofUpdate(node, proof: proof)]), source: .hard))
    case .save(let host): replicas[host].saved = replicas[host].engine.snapshot
    case .lose(let host):
      replicas[host] = Replica(names[host], session: ByteString("s\(number)"), from: replicas[host].saved)
    case .join(let host, let other):
      let changes = replicas[host].engine.join(replicas[other].engine.state, wall: wall)
      replicas[host].records.append(ChangeRecord(changes).bytes)
    }
  }
}
