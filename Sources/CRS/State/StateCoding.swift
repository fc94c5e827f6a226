import CRDT
import Memory

extension ReasoningState {
  /// The whole state as one JSON object: same state, same bytes, on every host.
  /// - Complexity: O(*n* log *n*).
  public var canonicalBytes: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.array("proofs") { writer in
        for (node, register) in proofs.sorted(by: { $0.key < $1.key }) { writer.proof(node, register) }
      }
      writer.array("constraints") { writer in
        for (id, register) in constraints.registers.sorted(by: { $0.key < $1.key }) { writer.constraint(id, register) }
      }
      writer.array("similarities") { writer in
        for (pair, register) in similarities.sorted(by: { $0.key < $1.key }) { writer.similarity(pair, register) }
      }
      writer.object("dependencies") { writer in
        writer.array("edges") { writer in
          for (edge, dots) in dependencies.edges.additions.sorted(by: { $0.key < $1.key }) {
            writer.object { writer in
              writer.member("from", edge.from)
              writer.member("to", edge.to)
              writer.dots("dots", dots)
            }
          }
        }
        writer.events(dependencies.edges.context)
      }
      writer.array("history") { writer in
        for entry in history.elements.sorted() { writer.history(entry) }
      }
      writer.array("streaming") { writer in
        for (item, counter) in streaming.sorted(by: { $0.key < $1.key }) { writer.streaming(item, counter) }
      }
      writer.array("clauses") { writer in
        for (clause, record) in clauses.sorted(by: { $0.key < $1.key }) { writer.clause(clause, record) }
      }
    }
    return writer.bytes
  }

  /// Reads what ``canonicalBytes`` gave.
  /// - Throws: `badData`, naming reason and byte.
  public init(canonical bytes: [UInt8]) throws(CRSError) {
    var cursor = JSONCursor(bytes)
    self = try cursor.state()
    try cursor.end()
  }
}

extension JSONCursor {
  /// Reads a whole state.
  mutating func state() throws(CRSError) -> ReasoningState {
    var state = ReasoningState()
    var seen: Set<String> = []
    try object { name, cursor throws(CRSError) in
      guard seen.insert(name).inserted else { throw cursor.failure("'\(name)' is there twice") }
      switch name {
      case "proofs":
        try cursor.array { cursor throws(CRSError) in
          let (node, register) = try cursor.proof()
          state.proofs[node].join(register)
        }
      case "constraints":
        var registers: [ByteString: ConstraintIndex.Register] = [:]
        try cursor.array { cursor throws(CRSError) in
          let (id, register) = try cursor.constraint()
          registers[id].join(register)
        }
        state.constraints = ConstraintIndex(registers: registers)
      case "similarities":
        try cursor.array { cursor throws(CRSError) in
          let (pair, register) = try cursor.similarity()
          state.similarities[pair].join(register)
        }
      case "dependencies": state.dependencies = try cursor.dependencies()
      case "history":
        try cursor.array { cursor throws(CRSError) in state.history.insert(try cursor.history()) }
      case "streaming":
        try cursor.array { cursor throws(CRSError) in
          let (item, counter) = try cursor.streaming()
          state.streaming[item].join(counter)
        }
      case "clauses":
        try cursor.array { cursor throws(CRSError) in
          let (clause, record) = try cursor.clause()
          state.clauses[clause].join(record)
        }
      default: throw cursor.unknown(name)
      }
    }
    guard seen.count == 7 else { throw failure("a state has seven indexes") }
    return state
  }

  private mutating func dependencies() throws(CRSError) -> DependencyIndex {
    var additions: [Edge: Set<Dot<SessionID>>] = [:]
    var contiguous: VersionVector<SessionID>?
    var isolated: Set<Dot<SessionID>>?
    try object { name, cursor throws(CRSError) in
      switch name {
      case "edges":
        try cursor.array { cursor throws(CRSError) in
          var edge = EdgeParts()
          var dots: Set<Dot<SessionID>>?
          try cursor.object { name, cursor throws(CRSError) in
            if name == "dots" {
              dots = try cursor.dots()
            } else if try !edge.read(name, &cursor) {
              throw cursor.unknown(name)
            }
          }
          additions[try edge.edge(cursor), default: []].formUnion(try cursor.required(dots, "dots"))
        }
      case "seen": contiguous = try cursor.vector()
      case "isolated": isolated = try cursor.dots()
      default: throw cursor.unknown(name)
      }
    }
    let context = DotContext(try required(contiguous, "seen"), isolated: try required(isolated, "isolated"))
    return DependencyIndex(ObservedRemoveSet(additions: additions, context: context))
  }
}

/// The members `from` and `to` of an edge.
struct EdgeParts {
  private var from: ByteString?
  private var to: ByteString?

  /// Reads one of the two members; returns false for any other.
  mutating func read(_ name: String, _ cursor: inout JSONCursor) throws(CRSError) -> Bool {
    switch name {
    case "from": from = try cursor.string()
    case "to": to = try cursor.string()
    default: return false
    }
    return true
  }

  func edge(_ cursor: JSONCursor) throws(CRSError) -> Edge {
    Edge(try cursor.required(from, "from"), try cursor.required(to, "to"))
  }
}
