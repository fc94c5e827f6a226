import CRDT

/// Checks a delta against a state before anything changes; a later part of a composite sees what the parts before it
/// would have done.
struct Validation {
  private let state: ReasoningState
  /// Constraints that earlier parts add (true) or remove (false).
  private var constraints: [ByteString: Bool] = [:]
  private var addedEdges: [ByteString: Set<ByteString>] = [:]
  /// The same, by where they lead.
  private var addedBackward: [ByteString: Set<ByteString>] = [:]
  private var removedEdges: Set<Edge> = []
  private var learned: Set<Clause> = []

  init(_ state: ReasoningState) { self.state = state }

  /// Bounds of what is kept as metadata of history, in bytes.
  static let metadataNameBytes = 1...256
  static let metadataValueBytes = 4_096

  /// - Throws: `invalidDelta`.
  mutating func check(_ delta: Delta) throws(CRSError) {
    switch delta.body {
    case .proof(let updates): try checkProofs(updates, delta.source)
    case .constraint(let constraint): try checkConstraints(constraint)
    case .similarity(let updates):
      for update in updates {
        try demand(!update.pair.first.isEmpty, "a pair names an empty node")
        try demand(update.pair.first != update.pair.second, "a pair of '\(update.pair.first)' with itself")
        try demandWritable(
          state.similarities[update.pair]?.stamp, "the similarity of '\(update.pair.first)' and '\(update.pair.second)'"
        )
      }
      try demand(!updates.isEmpty, "a similarity delta without pairs")
    case .dependency(let add, let remove): try checkEdges(add: add, remove: remove)
    case .history(let entries): try checkHistory(entries)
    case .streaming(let items):
      try demand(!items.isEmpty, "a streaming delta without items")
      for item in items { try demand(!item.item.isEmpty, "a streaming item without a name") }
    case .clause(let learn, let use): try checkClauses(learn, use, delta.source)
    case .composite(let deltas):
      try demand(!deltas.isEmpty, "a composite without deltas")
      for (index, part) in deltas.enumerated() {
        try demand(
          delta.source != .soft || part.source == .soft,
          "part \(index + 1) is of a \(part.source.rawValue) source, the composite of a soft one")
        do throws(CRSError) {
          try check(part)
        } catch {
          throw CRSError(error.code, "part \(index + 1): \(error.message)", remedy: error.remedy)
        }
      }
    }
  }

  private func checkProofs(_ updates: [ProofUpdate], _ source: Source) throws(CRSError) {
    try demand(!updates.isEmpty, "a proof delta without updates")
    for update in updates {
      try demand(!update.node.isEmpty, "a proof of a node without a name")
      try demandWritable(state.proofs[update.node]?.stamp, "the proof of '\(update.node)'")
      guard source == .soft else { continue }
      // In proof-number search an infinite proof number is what disproven means.
      try demand(
        update.status != .disproven && update.proof != Proof.infinite,
        "a soft source may not disprove '\(update.node)'")
    }
  }

  private mutating func checkConstraints(_ delta: ConstraintDelta) throws(CRSError) {
    try demand(!(delta.add.isEmpty && delta.update.isEmpty && delta.remove.isEmpty), "an empty constraint delta")
    for draft in delta.add {
      try demand(!draft.id.isEmpty, "a constraint without an id")
      try demand(!knows(draft.id), "the constraint '\(draft.id)' is there already")
      try demandWritable(constraint: draft.id)
      try checkNodes(draft.nodes, of: draft.id)
      constraints[draft.id] = true
    }
    for update in delta.update {
      try demand(knows(update.id), "no constraint '\(update.id)' to update")
      try demandWritable(constraint: update.id)
      if let nodes = update.nodes { try checkNodes(nodes, of: update.id) }
    }
    for id in delta.remove {
      try demand(knows(id), "no constraint '\(id)' to remove")
      try demandWritable(constraint: id)
      constraints[id] = false
    }
  }

  private func checkNodes(_ nodes: [ByteString], of id: ByteString) throws(CRSError) {
    try demand(!nodes.isEmpty && !nodes.contains(""), "the constraint '\(id)' names no node, or an empty one")
  }

  private func knows(_ id: ByteString) -> Bool { constraints[id] ?? (state.constraints[id] != nil) }

  private mutating func checkEdges(add: [Edge], remove: [Edge]) throws(CRSError) {
    try demand(!(add.isEmpty && remove.isEmpty), "an empty dependency delta")
    for edge in remove {
      try demand(hasEdge(edge), "no edge from '\(edge.from)' to '\(edge.to)' to remove")
      removedEdges.insert(edge)
      addedEdges[edge.from]?.remove(edge.to)
      addedBackward[edge.to]?.remove(edge.from)
    }
    for edge in add {
      try demand(!edge.from.isEmpty && !edge.to.isEmpty, "an edge names an empty node")
      try demand(edge.from != edge.to, "an edge from '\(edge.from)' to itself")
      try demand(
        !hasPath(from: edge.to, to: edge.from), "the edge from '\(edge.from)' to '\(edge.to)' closes a cycle")
      removedEdges.remove(edge)
      addedEdges[edge.from, default: []].insert(edge.to)
      addedBackward[edge.to, default: []].insert(edge.from)
    }
  }

  private func hasEdge(_ edge: Edge) -> Bool {
    addedEdges[edge.from]?.contains(edge.to) == true
      || (state.dependencies.contains(edge) && !removedEdges.contains(edge))
  }

  /// Over all edges of the state, also those a view hides: what is added here closes no cycle anywhere.
  ///
  /// Searches from both ends in turn, so that the cost is bounded by the smaller side: chains grow cheaply at either end.
  private func hasPath(from start: ByteString, to goal: ByteString) -> Bool {
    var ahead: Set<ByteString> = [start]
    var behind: Set<ByteString> = [goal]
    var aheadPending = [start]
    var behindPending = [goal]
    while let node = aheadPending.popLast() {
      if behind.contains(node) { return true }
      for next in state.dependencies.dependencies(of: node)
      where !removedEdges.contains(Edge(node, next)) && ahead.insert(next).inserted { aheadPending.append(next) }
      for next in addedEdges[node] ?? [] where ahead.insert(next).inserted { aheadPending.append(next) }

      guard let node = behindPending.popLast() else { return false }
      if ahead.contains(node) { return true }
      for next in state.dependencies.dependents(of: node)
      where !removedEdges.contains(Edge(next, node)) && behind.insert(next).inserted { behindPending.append(next) }
      for next in addedBackward[node] ?? [] where behind.insert(next).inserted { behindPending.append(next) }
    }
    return false
  }

  private func checkHistory(_ entries: [HistoryDraft]) throws(CRSError) {
    try demand(!entries.isEmpty, "a history delta without entries")
    for entry in entries {
      try demand(!entry.id.isEmpty, "a history entry without an id")
      for (name, value) in entry.metadata {
        try demand(
          Self.metadataNameBytes.contains(name.count), "metadata names have 1 to 256 bytes; one has \(name.count)")
        try demand(
          value.count <= Self.metadataValueBytes,
          "metadata values have at most \(Self.metadataValueBytes) bytes; '\(name)' has \(value.count)")
      }
    }
  }

  private mutating func checkClauses(_ learn: [LearnedClause], _ use: [Clause], _ source: Source) throws(CRSError) {
    try demand(!(learn.isEmpty && use.isEmpty), "an empty clause delta")
    for item in learn {
      try demand(source == .hard, "clauses are learned from a hard source only")
      try demand(!item.clause.literals.isEmpty, "a clause without a literal")
      try demand(item.clause.literals.allSatisfy { !$0.kind.isEmpty }, "a literal without a type")
      try demandWritable(state.clauses[item.clause]?.origin.stamp, "the clause '\(text(of: item.clause))'")
      learned.insert(item.clause)
    }
    for clause in use {
      try demand(state.clauses[clause] != nil || learned.contains(clause), "no clause '\(text(of: clause))' to use")
    }
  }

  private func text(of clause: Clause) -> String { clause.literals.map(\.description).joined(separator: " ") }

  /// A tombstone's time holds as one of a value does.
  private func demandWritable(constraint id: ByteString) throws(CRSError) {
    try demandWritable(state.constraints.stamp(of: id), "the constraint '\(id)'")
  }

  /// What is written where no later stamp can be made would be acknowledged and have no effect.
  private func demandWritable(_ known: Stamp?, _ element: @autoclosure () -> String) throws(CRSError) {
    guard let known, !HybridLogicalClock.canExceed(known.instant) else { return }
    throw CRSError(
      .invalidDelta,
      "\(element()) was written by \(known.host) at \(known.instant), the last time there is: nothing can be written over it",
      remedy: "It stays as it is on every host that has it; write under another name")
  }

  private func demand(_ condition: Bool, _ message: @autoclosure () -> String) throws(CRSError) {
    if !condition { throw CRSError(.invalidDelta, message()) }
  }
}
