import CRDT

/// The smallest piece of state that changes: one element of one index. Joining the same changes in any order, any
/// number of times, gives the same state; so a journal of changes needs no order to be replayed.
public enum Change: Hashable, Sendable {
  case proof(ByteString, LWWRegister<Proof, Stamp>)
  case constraint(ByteString, ConstraintIndex.Register)
  case similarity(NodePair, LWWRegister<Distance, Stamp>)
  /// Events that now support an edge, and events that no longer do.
  case edge(Edge, added: Set<Dot<SessionID>>, removed: Set<Dot<SessionID>>)
  /// Events that are known besides those of the edges; comes after the edges.
  case events(DotContext<SessionID>)
  case history(HistoryEntry)
  case streaming(ByteString, GrowOnlyCounter<SessionID>)
  case clause(Clause, ClauseRecord)
}

extension ReasoningState {
  /// The changes that bring `self` up to its join with `other`, in canonical order.
  /// - Complexity: O(*n* log *n*) in what is new.
  public func changes(joining other: ReasoningState) -> [Change] {
    var changes: [Change] = []
    func fresh<Key: Comparable & Hashable, Value: Semilattice>(_ theirs: [Key: Value], _ ours: [Key: Value]) -> [Key] {
      theirs.keys.filter { key in !Optional(theirs[key]).isAtMost(.some(ours[key])) }.sorted()
    }
    for key in fresh(other.proofs, proofs) {
      if let register = other.proofs[key] { changes.append(.proof(key, register)) }
    }
    for key in fresh(other.constraints.registers, constraints.registers) {
      if let register = other.constraints.registers[key] { changes.append(.constraint(key, register)) }
    }
    for key in fresh(other.similarities, similarities) {
      if let register = other.similarities[key] { changes.append(.similarity(key, register)) }
    }
    changes += edgeChanges(joining: other.dependencies)
    changes += other.history.delta(since: history).elements.sorted().map { .history($0) }
    for key in fresh(other.streaming, streaming) {
      if let counter = other.streaming[key] { changes.append(.streaming(key, counter)) }
    }
    for key in fresh(other.clauses, clauses) {
      if let record = other.clauses[key] { changes.append(.clause(key, record)) }
    }
    return changes
  }

  private func edgeChanges(joining other: DependencyIndex) -> [Change] {
    let joined = dependencies.edges.joined(with: other.edges)
    var changes: [Change] = []
    for edge in Set(dependencies.edges.elements).union(joined.elements).sorted() {
      let before = dependencies.edges.additions[edge] ?? []
      let after = joined.additions[edge] ?? []
      if before != after {
        changes.append(.edge(edge, added: after.subtracting(before), removed: before.subtracting(after)))
      }
    }
    if joined.context != dependencies.edges.context { changes.append(.events(joined.context)) }
    return changes
  }
}
