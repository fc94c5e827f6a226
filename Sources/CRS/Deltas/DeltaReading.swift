import CRDT
import Memory

extension Delta {
  /// How deep composites may be nested.
  public static let maximumDepth = 16

  /// Reads one delta from a JSON object, a line of JSON Lines.
  ///
  /// `{"type":…,"source":"hard|soft|safety","time":RFC 3339 (optional), …}` with, by type: proof `updates` ·
  /// constraint `add`, `update`, `remove` · similarity `pairs` · dependency `add`, `remove` · history `entries` ·
  /// streaming `items` · clause `learn`, `use` · composite `deltas`. A composite hands its source and time down to parts
  /// that name none.
  /// - Throws: `badData`, naming reason and byte.
  public init(json bytes: [UInt8]) throws(CRSError) {
    var cursor = JSONCursor(bytes, isStrict: true)
    self = try cursor.delta(depth: 0, source: nil, time: nil)
    try cursor.end()
  }
}

extension JSONCursor {
  fileprivate mutating func delta(depth: Int, source: Source?, time: Instant?) throws(CRSError) -> Delta {
    guard depth <= Delta.maximumDepth else { throw failure("composites are nested too deep") }
    var source = source
    var time = time
    var type: String?
    // The members may come in any order; those of the body are read once the type is known.
    var body: [String: [UInt8]] = [:]
    try object { name, cursor throws(CRSError) in
      switch name {
      case "type": type = try cursor.string().description
      case "source": source = try cursor.named(Source.self)
      case "time": time = try cursor.instant()
      default:
        body[name] = try cursor.raw()
      }
    }
    var parts = DeltaParts(body)
    let parsed = try parts.body(
      type: try required(type, "type"), depth: depth, source: source, time: time)
    if let name = parts.members.keys.min() { throw CRSError(.badData, "unknown member '\(name)' of a \(parsed.name)") }
    if source == nil, case .composite(let deltas) = parsed,
      let first = deltas.first(where: { $0.source != .soft }) ?? deltas.first
    {
      source = first.source
    }
    return Delta(parsed, source: try required(source, "source"), time: time)
  }

  fileprivate mutating func proofUpdate() throws(CRSError) -> ProofUpdate {
    var node: ByteString?
    var update = ProofUpdate("")
    try object { name, cursor throws(CRSError) in
      switch name {
      case "node": node = try cursor.string()
      case "proof": update.proof = try cursor.work()
      case "disproof": update.disproof = try cursor.work()
      case "addProof": update.addProof = try cursor.work()
      case "addDisproof": update.addDisproof = try cursor.work()
      case "status": update.status = try cursor.named(Proof.Status.self)
      default: throw cursor.unknown(name)
      }
    }
    update.node = try required(node, "node")
    return update
  }

  fileprivate mutating func constraintDraft() throws(CRSError) -> ConstraintDelta.Draft {
    var id: ByteString?
    var kind: Constraint.Kind?
    var nodes: [ByteString]?
    var expression: ByteString = ""
    var isActive = true
    try object { name, cursor throws(CRSError) in
      switch name {
      case "id": id = try cursor.string()
      case "type": kind = try cursor.named(Constraint.Kind.self)
      case "nodes": nodes = try cursor.strings()
      case "expression": expression = try cursor.string()
      case "active": isActive = try cursor.bool()
      default: throw cursor.unknown(name)
      }
    }
    return ConstraintDelta.Draft(
      try required(id, "id"), kind: try required(kind, "type"), nodes: try required(nodes, "nodes"),
      expression: expression, isActive: isActive)
  }

  fileprivate mutating func constraintUpdate() throws(CRSError) -> ConstraintDelta.Update {
    var id: ByteString?
    var update = ConstraintDelta.Update("")
    try object { name, cursor throws(CRSError) in
      switch name {
      case "id": id = try cursor.string()
      case "nodes": update.nodes = try cursor.strings()
      case "expression": update.expression = try cursor.string()
      case "active": update.isActive = try cursor.bool()
      default: throw cursor.unknown(name)
      }
    }
    update.id = try required(id, "id")
    return update
  }

  fileprivate mutating func similarityUpdate() throws(CRSError) -> SimilarityUpdate {
    var one: ByteString?
    var other: ByteString?
    var distance: Distance?
    try object { name, cursor throws(CRSError) in
      switch name {
      case "a": one = try cursor.string()
      case "b": other = try cursor.string()
      case "distance": distance = try cursor.distance()
      default: throw cursor.unknown(name)
      }
    }
    return SimilarityUpdate(
      NodePair(try required(one, "a"), try required(other, "b")), try required(distance, "distance"))
  }

  fileprivate mutating func edge() throws(CRSError) -> Edge {
    var parts = EdgeParts()
    try object { name, cursor throws(CRSError) in
      guard try parts.read(name, &cursor) else { throw cursor.unknown(name) }
    }
    return try parts.edge(self)
  }

  fileprivate mutating func historyDraft() throws(CRSError) -> HistoryDraft {
    var id: ByteString?
    var draft = HistoryDraft("")
    try object { name, cursor throws(CRSError) in
      switch name {
      case "id": id = try cursor.string()
      case "node": draft.node = try cursor.string()
      case "action": draft.action = try cursor.string()
      case "result": draft.result = try cursor.string()
      case "metadata": draft.metadata = try cursor.metadata()
      default: throw cursor.unknown(name)
      }
    }
    draft.id = try required(id, "id")
    return draft
  }

  fileprivate mutating func increment() throws(CRSError) -> StreamingIncrement {
    var item: ByteString?
    var count: UInt64 = 1
    try object { name, cursor throws(CRSError) in
      switch name {
      case "item": item = try cursor.string()
      case "count": count = try cursor.saturatingUnsigned()
      default: throw cursor.unknown(name)
      }
    }
    return StreamingIncrement(try required(item, "item"), count: count)
  }

  fileprivate mutating func learnedClause() throws(CRSError) -> LearnedClause {
    var clause: Clause?
    var failure: ByteString = ""
    try object { name, cursor throws(CRSError) in
      switch name {
      case "literals": clause = try cursor.literals()
      case "failure": failure = try cursor.string()
      default: throw cursor.unknown(name)
      }
    }
    return LearnedClause(try required(clause, "literals"), failure: failure)
  }
}

/// The members of a delta's body, each taken once.
private struct DeltaParts {
  var members: [String: [UInt8]]

  init(_ members: [String: [UInt8]]) { self.members = members }

  mutating func body(type: String, depth: Int, source: Source?, time: Instant?) throws(CRSError) -> Delta.Body {
    switch type {
    case "proof": return .proof(try list("updates") { cursor throws(CRSError) in try cursor.proofUpdate() })
    case "constraint":
      return .constraint(
        ConstraintDelta(
          add: try list("add") { cursor throws(CRSError) in try cursor.constraintDraft() },
          update: try list("update") { cursor throws(CRSError) in try cursor.constraintUpdate() },
          remove: try list("remove") { cursor throws(CRSError) in try cursor.string() }))
    case "similarity":
      return .similarity(try list("pairs") { cursor throws(CRSError) in try cursor.similarityUpdate() })
    case "dependency":
      return .dependency(
        add: try list("add") { cursor throws(CRSError) in try cursor.edge() },
        remove: try list("remove") { cursor throws(CRSError) in try cursor.edge() })
    case "history": return .history(try list("entries") { cursor throws(CRSError) in try cursor.historyDraft() })
    case "streaming": return .streaming(try list("items") { cursor throws(CRSError) in try cursor.increment() })
    case "clause":
      return .clause(
        learn: try list("learn") { cursor throws(CRSError) in try cursor.learnedClause() },
        use: try list("use") { cursor throws(CRSError) in try cursor.literals() })
    case "composite":
      return .composite(
        try list("deltas") { cursor throws(CRSError) in
          try cursor.delta(depth: depth + 1, source: source, time: time)
        })
    default:
      // What stands in the place of a type may be anything, a secret too.
      throw CRSError(
        .badData,
        "unknown type of delta; the types are proof, constraint, similarity, dependency, history, streaming, clause and "
          + "composite")
    }
  }

  private mutating func list<Element>(
    _ name: String, _ element: (inout JSONCursor) throws(CRSError) -> Element
  ) throws(CRSError) -> [Element] {
    guard let bytes = members.removeValue(forKey: name) else { return [] }
    var cursor = JSONCursor(bytes, isStrict: true)
    var elements: [Element] = []
    do throws(CRSError) {
      try cursor.array { cursor throws(CRSError) in elements.append(try element(&cursor)) }
    } catch {
      throw CRSError(error.code, "in '\(name)': \(error.message)")
    }
    return elements
  }
}
