import CRDT
import CRS
import TestKit

/// Reasoning states over few names and few stamps, so that ties, equal stamps and conflicts are common.
enum CRSGenerators {
  static let names: [ByteString] = ["a", "b", "c", "\u{E9}", "e\u{301}"]
  static let name = Gen<ByteString>.element(of: names)
  static let replica = Gen<ByteString>.element(of: ["r1", "r2", "r3"])
  static let text = Gen<ByteString>.element(of: ["", "x", "y\u{0}\"\\\n", "\u{1F600}"])
  static let source = Gen<Source>.element(of: Source.allCases)

  static let stamp = Gen { choices in
    Stamp(
      instant: Instant(unixSeconds: 1_700_000_000, nanoseconds: try choices.draw(.int(in: 0...2))),
      host: try choices.draw(.element(of: ["hosta", "hostb"])))
  }

  static let proof = Gen { choices in
    Proof(
      proof: try choices.draw(Gen<UInt64>.int()), disproof: try choices.draw(Gen<UInt64>.int(in: 0...2)),
      status: try choices.draw(.element(of: Proof.Status.allCases)), source: try choices.draw(source))
  }

  static let constraint = Gen { choices in
    Constraint(
      kind: try choices.draw(.element(of: Constraint.Kind.allCases)),
      nodes: try choices.draw(.array(of: name, count: 0...2)), expression: try choices.draw(text),
      isActive: try choices.draw(.bool), source: try choices.draw(source), created: try choices.draw(stamp))
  }

  static let slot = constraint.optional().map { $0.map { ConstraintIndex.Slot.present($0) } ?? .removed }

  static let distance = Gen<Double>.element(of: [0, 0.1, 1e-300, 12_345.678]).map { Distance($0) }

  static let dot = Gen { choices in
    Dot(try choices.draw(replica), try choices.draw(Gen<UInt64>.int(in: 1...6)))
  }

  static let edges = [Edge("a", "b"), Edge("b", "c"), Edge("c", "a"), Edge("a", "c")]

  /// Every event is an addition of one edge, as in any history.
  static func edge(of dot: Dot<SessionID>) -> Edge {
    edges[(Int(dot.counter) + Int(dot.replica.bytes.last ?? 0)) % edges.count]
  }

  static let edgeChange = Gen { choices in
    let dots = try choices.draw(Gen<[Dot<SessionID>]>.array(of: dot, count: 1...3))
    let edge = edge(of: dots[0])
    let own = Set(dots.filter { Self.edge(of: $0) == edge })
    return try choices.draw(.bool)
      ? Change.edge(edge, added: [], removed: own)
      : Change.edge(edge, added: [dots[0]], removed: own.subtracting([dots[0]]))
  }

  static let history = Gen { choices in
    HistoryEntry(
      id: try choices.draw(name), node: try choices.draw(name), action: try choices.draw(text), result: "",
      source: try choices.draw(source), time: try choices.draw(stamp),
      metadata: try choices.draw(.dictionary(of: name, to: text, count: 0...2)))
  }

  static let counter = Gen<[ByteString: UInt64]>.dictionary(of: replica, to: Gen<UInt64>.int(), count: 0...2).map {
    GrowOnlyCounter(VersionVector($0))
  }

  static let literal = Gen { choices in
    Literal("t", try choices.draw(name), isNegated: try choices.draw(.bool))
  }

  static let clause = Gen<[Literal]>.array(of: literal, count: 1...2).map { Clause($0) }

  static let clauseRecord = Gen { choices in
    let origin = ClauseOrigin(
      source: try choices.draw(source), failure: try choices.draw(text), session: try choices.draw(replica))
    return ClauseRecord(
      origin: LWWRegister(origin, at: try choices.draw(stamp)), uses: try choices.draw(counter),
      lastUsed: try choices.draw(stamp.optional()).map { MaxRegister($0) })
  }

  /// Any change but of the events known besides those of edges.
  static let change = Gen<Change>.oneOf(
    Gen { choices in
      .proof(try choices.draw(name), LWWRegister(try choices.draw(proof), at: try choices.draw(stamp)))
    },
    Gen { choices in
      .constraint(try choices.draw(name), LWWRegister(try choices.draw(slot), at: try choices.draw(stamp)))
    },
    Gen { choices in
      guard let distance = try choices.draw(distance) else { throw Discard() }
      let pair = NodePair(try choices.draw(name), try choices.draw(name))
      return .similarity(pair, LWWRegister(distance, at: try choices.draw(stamp)))
    },
    edgeChange,
    history.map { .history($0) },
    Gen { choices in .streaming(try choices.draw(name), try choices.draw(counter)) },
    Gen { choices in .clause(try choices.draw(clause), try choices.draw(clauseRecord)) })

  static let events = zip(Gen<[Dot<SessionID>]>.array(of: dot, count: 0...3), replica).map { dots, replica in
    Change.events(DotContext(VersionVector([replica: 1]), isolated: dots))
  }

  static let state = zip(Gen<[Change]>.array(of: change, count: 0...8), events.optional()).map { changes, events in
    var state = ReasoningState()
    for change in changes { state.apply(change) }
    if let events { state.apply(events) }
    return state
  }
}
