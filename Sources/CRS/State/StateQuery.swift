import CRDT
import Memory

/// Elements of a state as JSON objects, in the order and form of the canonical state.
public struct StateQuery: Sendable {
  private let state: ReasoningState
  private let keys: Set<ByteString>
  private let limits: Limits
  private let now: Instant

  /// - Parameter keys: the nodes, ids or items wanted; empty: all.
  public init(state: ReasoningState, keys: Set<ByteString> = [], limits: Limits = Limits(), now: Instant) {
    self.state = state
    self.keys = keys
    self.limits = limits
    self.now = now
  }

  private func wants(_ keys: ByteString...) -> Bool { self.keys.isEmpty || keys.contains { self.keys.contains($0) } }

  private func written(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    body(&writer)
    return writer.bytes
  }

  public var proofs: [[UInt8]] {
    state.proofs.filter { wants($0.key) }.sorted { $0.key < $1.key }.map { node, register in
      written { $0.proof(node, register) }
    }
  }

  /// Without those that were removed.
  public var constraints: [[UInt8]] {
    state.constraints.registers.filter { wants($0.key) && $0.value.value != .removed }.sorted { $0.key < $1.key }
      .map { id, register in written { $0.constraint(id, register) } }
  }

  /// Within the limits.
  public var similarities: [[UInt8]] {
    state.visiblePairs(limits, now: now).filter { wants($0.first, $0.second) }.compactMap { pair in
      state.similarities[pair].map { register in written { $0.similarity(pair, register) } }
    }
  }

  /// Visible edges from the nodes.
  public var dependencies: [[UInt8]] { edges { wants($0.from) } }

  /// Visible edges to the nodes.
  public var dependents: [[UInt8]] { edges { wants($0.to) } }

  /// The edges hidden to break cycles.
  public var cycles: [[UInt8]] {
    DependencyView(state.dependencies).hidden.filter { wants($0.from, $0.to) }.map(Self.edge)
  }

  private func edges(_ isWanted: (Edge) -> Bool) -> [[UInt8]] {
    DependencyView(state.dependencies).edges.filter(isWanted).map(Self.edge)
  }

  private static func edge(_ edge: Edge) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("from", edge.from)
      writer.member("to", edge.to)
    }
    return writer.bytes
  }

  /// By node or id, oldest first.
  public var history: [[UInt8]] {
    state.history.elements.filter { wants($0.node, $0.id) }.sorted().map { entry in written { $0.history(entry) } }
  }

  /// Each item with the sum of its counts; the number of items is the distinct count.
  public var streaming: [[UInt8]] {
    state.streaming.filter { wants($0.key) }.sorted { $0.key < $1.key }.map { item, counter in
      written { writer in
        writer.object { writer in
          writer.member("item", item)
          writer.unsigned("count", counter.value)
        }
      }
    }
  }

  /// Within the limits; by the value of a literal.
  public var clauses: [[UInt8]] {
    state.visibleClauses(limits, now: now)
      .filter { clause in keys.isEmpty || clause.literals.contains { keys.contains($0.value) } }
      .compactMap { clause in state.clauses[clause].map { record in written { $0.clause(clause, record) } } }
  }

  /// What follows from the assumptions over the clauses within the limits: one object.
  public func propagation(_ assumptions: [Literal]) -> [[UInt8]] {
    let result = UnitPropagation(state.visibleClauses(limits, now: now), assuming: assumptions)
    return [
      written { writer in
        writer.object { writer in
          writer.member("conflict", result.hasConflict)
          writer.array("holds") { writer in
            for step in result.steps {
              writer.object { writer in
                writer.member("literal", step.literal.text)
                if let reason = step.reason { writer.texts("reason", reason) }
              }
            }
          }
          if let clause = result.conflict { writer.texts("conflictClause", clause) }
          if let literal = result.contradiction { writer.member("contradiction", literal.text) }
        }
      }
    ]
  }
}

extension Literal {
  /// The short form, as bytes.
  fileprivate var text: ByteString { ByteString((isNegated ? [0x21] : []) + kind.bytes + [0x3A] + value.bytes) }
}

extension JSONWriter {
  fileprivate mutating func texts(_ name: String, _ clause: Clause) {
    array(name) { writer in
      for literal in clause.literals { writer.element(literal.text) }
    }
  }
}
