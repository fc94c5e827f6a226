import CRDT

/// All that an agent's constraint reasoning knows: seven indexes, joined index by index.
///
/// A value: a copy is an immutable snapshot, made in O(1); the first change after it copies what is shared.
public struct ReasoningState: BoundedSemilattice, Hashable, Sendable {
  public internal(set) var proofs: ProofIndex = [:]
  public internal(set) var constraints = ConstraintIndex()
  public internal(set) var similarities: SimilarityIndex = [:]
  public internal(set) var dependencies = DependencyIndex()
  public internal(set) var history = HistoryIndex()
  public internal(set) var streaming: StreamingIndex = [:]
  public internal(set) var clauses: ClauseIndex = [:]

  public init() {}

  /// The least state that holds everything of both.
  /// - Complexity: O(*n* + *m*) on average in what both hold.
  public mutating func join(_ other: ReasoningState) {
    proofs.join(other.proofs)
    constraints.join(other.constraints)
    similarities.join(other.similarities)
    if !other.dependencies.edges.context.contiguous.isEmpty || !other.dependencies.edges.context.isolated.isEmpty {
      dependencies.join(other.dependencies)
    }
    history.join(other.history)
    streaming.join(other.streaming)
    clauses.join(other.clauses)
  }

  public func isAtMost(_ other: ReasoningState) -> Bool {
    proofs.isAtMost(other.proofs) && constraints.isAtMost(other.constraints)
      && similarities.isAtMost(other.similarities) && dependencies.isAtMost(other.dependencies)
      && history.isAtMost(other.history) && streaming.isAtMost(other.streaming) && clauses.isAtMost(other.clauses)
  }

  /// Joins one change. O(1) on average, but for ``Change/events(_:)``.
  public mutating func apply(_ change: Change) {
    switch change {
    case .proof(let node, let register): proofs[node].join(register)
    case .constraint(let id, let register): constraints.join(ConstraintIndex(registers: [id: register]))
    case .similarity(let pair, let register): similarities[pair].join(register)
    case .edge(let edge, let added, let removed): dependencies.join(edge: edge, added: added, removed: removed)
    case .events(let context): dependencies.join(context: context)
    case .history(let entry): history.insert(entry)
    case .streaming(let item, let counter): streaming[item].join(counter)
    case .clause(let clause, let record): clauses[clause].join(record)
    }
  }

  /// The greatest stamp of anything here: later writers go above it. O(*n*).
  public var greatestStamp: Stamp? {
    var greatest: Stamp?
    func see(_ stamp: Stamp) {
      if greatest.map({ $0 < stamp }) ?? true { greatest = stamp }
    }
    for register in proofs.values { see(register.stamp) }
    for register in constraints.registers.values { see(register.stamp) }
    for register in similarities.values { see(register.stamp) }
    for entry in history.elements { see(entry.time) }
    for record in clauses.values { see(record.latest) }
    return greatest
  }

  /// How much there is, for people.
  public var counts: [(name: String, count: Int)] {
    [
      ("proofs", proofs.count), ("constraints", constraints.registers.values.count { $0.value != .removed }),
      ("similarities", similarities.count), ("dependencies", dependencies.edges.count), ("history", history.count),
      ("streaming", streaming.count), ("clauses", clauses.count),
    ]
  }
}
