import CRDT
import Memory

/// A journal's record: the changes of one delta, or of a piece of a state that was joined.
public struct ChangeRecord: Hashable, Sendable {
  public var changes: [Change]

  public init(_ changes: [Change]) { self.changes = changes }

  /// One compact JSON array.
  public var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.array { writer in
      for change in changes { writer.object { $0.change(change) } }
    }
    return writer.bytes
  }

  /// Reads what ``bytes`` gave.
  public init(_ bytes: [UInt8]) throws(CRSError) {
    var cursor = JSONCursor(bytes)
    var changes: [Change] = []
    try cursor.array { cursor throws(CRSError) in changes.append(try cursor.change()) }
    try cursor.end()
    self.changes = changes
  }
}

extension JSONWriter {
  fileprivate mutating func change(_ change: Change) {
    func nested(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
      var writer = JSONWriter()
      body(&writer)
      return writer.bytes
    }
    switch change {
    case .proof(let node, let register): raw("proof", nested { $0.proof(node, register) })
    case .constraint(let id, let register): raw("constraint", nested { $0.constraint(id, register) })
    case .similarity(let pair, let register): raw("similarity", nested { $0.similarity(pair, register) })
    case .edge(let edge, let added, let removed):
      object("edge") { writer in
        writer.member("from", edge.from)
        writer.member("to", edge.to)
        writer.dots("added", added)
        writer.dots("removed", removed)
      }
    case .events(let context): object("events") { $0.events(context) }
    case .history(let entry): raw("history", nested { $0.history(entry) })
    case .streaming(let item, let counter): raw("streaming", nested { $0.streaming(item, counter) })
    case .clause(let clause, let record): raw("clause", nested { $0.clause(clause, record) })
    }
  }
}

extension JSONCursor {
  fileprivate mutating func change() throws(CRSError) -> Change {
    var change: Change?
    try object { name, cursor throws(CRSError) in
      guard change == nil else { throw cursor.failure("one change was expected") }
      switch name {
      case "proof":
        let (node, register) = try cursor.proof()
        change = .proof(node, register)
      case "constraint":
        let (id, register) = try cursor.constraint()
        change = .constraint(id, register)
      case "similarity":
        let (pair, register) = try cursor.similarity()
        change = .similarity(pair, register)
      case "edge": change = try cursor.edgeChange()
      case "events": change = .events(try cursor.events())
      case "history": change = .history(try cursor.history())
      case "streaming":
        let (item, counter) = try cursor.streaming()
        change = .streaming(item, counter)
      case "clause":
        let (clause, record) = try cursor.clause()
        change = .clause(clause, record)
      default: throw cursor.unknown(name)
      }
    }
    return try required(change, "change")
  }

  private mutating func edgeChange() throws(CRSError) -> Change {
    var edge = EdgeParts()
    var added: Set<Dot<SessionID>>?
    var removed: Set<Dot<SessionID>>?
    try object { name, cursor throws(CRSError) in
      switch name {
      case "added": added = try cursor.dots()
      case "removed": removed = try cursor.dots()
      default: guard try edge.read(name, &cursor) else { throw cursor.unknown(name) }
      }
    }
    return .edge(
      try edge.edge(self), added: try required(added, "added"), removed: try required(removed, "removed"))
  }

  private mutating func events() throws(CRSError) -> DotContext<SessionID> {
    var contiguous: VersionVector<SessionID>?
    var isolated: Set<Dot<SessionID>>?
    try object { name, cursor throws(CRSError) in
      switch name {
      case "seen": contiguous = try cursor.vector()
      case "isolated": isolated = try cursor.dots()
      default: throw cursor.unknown(name)
      }
    }
    return DotContext(try required(contiguous, "seen"), isolated: try required(isolated, "isolated"))
  }
}
