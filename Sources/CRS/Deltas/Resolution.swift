import CRDT

/// Turns deltas that were checked into changes, part by part, joining each into the state so that later parts see it.
struct Resolution {
  /// Put in and taken out by the caller, so that it has one owner while it changes.
  var state = ReasoningState()
  private(set) var clock: HybridLogicalClock
  private(set) var changes: [Change] = []
  private let replica: SessionID
  private let host: ByteString
  private let wall: Instant

  init(replica: SessionID, host: ByteString, clock: HybridLogicalClock, wall: Instant) {
    self.replica = replica
    self.host = host
    self.clock = clock
    self.wall = wall
  }

  mutating func resolve(_ delta: Delta) {
    switch delta.body {
    case .proof(let updates):
      for update in updates {
        let known = state.proofs[update.node]
        var proof = known?.value ?? Proof(source: delta.source)
        proof.proof = update.proof ?? proof.proof
        proof.disproof = update.disproof ?? proof.disproof
        proof = proof.adding(proof: update.addProof, disproof: update.addDisproof)
        proof.status = update.status ?? proof.status
        proof.source = delta.source
        let now = stamp(delta, known?.stamp)
        join(.proof(update.node, LWWRegister(proof, at: now)))
      }
    case .constraint(let constraint): resolve(constraint, delta)
    case .similarity(let updates):
      for update in updates {
        let known = state.similarities[update.pair]?.stamp
        let now = stamp(delta, known)
        join(.similarity(update.pair, LWWRegister(update.distance, at: now)))
      }
    case .dependency(let add, let remove):
      for edge in remove {
        join(.edge(edge, added: [], removed: state.dependencies.edges.additions[edge] ?? []))
      }
      for edge in add {
        let replaced = state.dependencies.edges.additions[edge] ?? []
        join(.edge(edge, added: [state.dependencies.nextDot(of: replica)], removed: replaced))
      }
    case .history(let drafts):
      for draft in drafts {
        let now = stamp(delta, nil)
        join(
          .history(
            HistoryEntry(
              id: draft.id, node: draft.node, action: draft.action, result: draft.result, source: delta.source,
              time: now, metadata: draft.metadata)))
      }
    case .streaming(let items):
      for item in items {
        var counter = state.streaming[item.item] ?? GrowOnlyCounter()
        join(.streaming(item.item, counter.increment(by: item.count, as: replica)))
      }
    case .clause(let learn, let use):
      for item in learn {
        let origin = ClauseOrigin(source: delta.source, failure: item.failure, session: replica)
        let known = state.clauses[item.clause]?.origin.stamp
        let now = stamp(delta, known)
        join(.clause(item.clause, ClauseRecord(origin: LWWRegister(origin, at: now))))
      }
      for clause in use { resolve(useOf: clause, of: delta) }
    case .composite(let deltas):
      for part in deltas { resolve(part) }
    }
  }

  private mutating func resolve(_ constraints: ConstraintDelta, _ delta: Delta) {
    for draft in constraints.add {
      let now = stamp(delta, state.constraints.stamp(of: draft.id))
      let constraint = Constraint(
        kind: draft.kind, nodes: draft.nodes, expression: draft.expression, isActive: draft.isActive,
        source: delta.source,
        created: now)
      join(.constraint(draft.id, LWWRegister(.present(constraint), at: now)))
    }
    for update in constraints.update {
      guard var constraint = state.constraints[update.id] else { continue }
      constraint.nodes = update.nodes ?? constraint.nodes
      constraint.expression = update.expression ?? constraint.expression
      constraint.isActive = update.isActive ?? constraint.isActive
      constraint.source = delta.source
      let now = stamp(delta, state.constraints.stamp(of: update.id))
      join(.constraint(update.id, LWWRegister(.present(constraint), at: now)))
    }
    for id in constraints.remove {
      let now = stamp(delta, state.constraints.stamp(of: id))
      join(.constraint(id, LWWRegister(.removed, at: now)))
    }
  }

  private mutating func resolve(useOf clause: Clause, of delta: Delta) {
    guard var record = state.clauses[clause] else { return }
    let uses = record.uses.increment(as: replica)
    let now = stamp(delta, record.lastUsed?.value)
    join(.clause(clause, ClauseRecord(origin: record.origin, uses: uses, lastUsed: MaxRegister(now))))
  }

  private mutating func stamp(_ delta: Delta, _ replaced: Stamp?) -> Stamp {
    let instant = delta.time?.roundedUpToNanoseconds ?? clock.tick(wall: wall, replacing: replaced?.instant)
    return Stamp(instant: instant, host: host)
  }

  private mutating func join(_ change: Change) {
    state.apply(change)
    changes.append(change)
  }
}
