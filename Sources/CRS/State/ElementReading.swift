import CRDT
import Memory

/// Reads what `ElementWriting` writes. Unknown and missing members are refused: nothing of a state is dropped silently.
extension JSONCursor {
  mutating func named<Value: RawRepresentable>(_ type: Value.Type) throws(CRSError) -> Value
  where Value.RawValue == String {
    let text = try string()
    guard let value = Value(rawValue: text.description) else { throw failure("unknown value '\(text)'") }
    return value
  }

  mutating func work() throws(CRSError) -> UInt64 {
    guard kind == .string else { return try saturatingUnsigned() }
    guard try string() == "infinite" else { throw failure("a number or \"infinite\" was expected") }
    return Proof.infinite
  }

  mutating func instant() throws(CRSError) -> Instant {
    let text = try string()
    guard let instant = Instant(rfc3339: text.bytes) else { throw failure("'\(text)' is no RFC 3339 time") }
    return instant.roundedUpToNanoseconds
  }

  func required<Value>(_ value: Value?, _ name: String) throws(CRSError) -> Value {
    guard let value else { throw failure("the member '\(name)' is missing") }
    return value
  }

  func unknown(_ name: String) -> CRSError { failure("unknown member '\(name)'") }

  mutating func stamp() throws(CRSError) -> Stamp {
    var parts = StampParts()
    try object { name, cursor throws(CRSError) in
      guard try parts.read(name, &cursor) else { throw cursor.unknown(name) }
    }
    return try parts.stamp(self)
  }

  mutating func numbers() throws(CRSError) -> [(SessionID, UInt64)] {
    var numbers: [(SessionID, UInt64)] = []
    try array { cursor throws(CRSError) in
      var replica: SessionID?
      var number: UInt64?
      try cursor.array { cursor throws(CRSError) in
        if replica == nil {
          replica = try cursor.string()
        } else if number == nil {
          number = try cursor.saturatingUnsigned()
        } else {
          throw cursor.failure("a pair was expected")
        }
      }
      numbers.append((try cursor.required(replica, "replica"), try cursor.required(number, "number")))
    }
    return numbers
  }

  mutating func dots() throws(CRSError) -> Set<Dot<SessionID>> { Set(try numbers().map { Dot($0.0, $0.1) }) }

  mutating func vector() throws(CRSError) -> VersionVector<SessionID> {
    VersionVector(Dictionary(try numbers(), uniquingKeysWith: max))
  }

  mutating func proof() throws(CRSError) -> (ByteString, LWWRegister<Proof, Stamp>) {
    var node: ByteString?
    var proof: UInt64?
    var disproof: UInt64?
    var status: Proof.Status?
    var source: Source?
    var parts = StampParts()
    try object { name, cursor throws(CRSError) in
      switch name {
      case "node": node = try cursor.string()
      case "proof": proof = try cursor.work()
      case "disproof": disproof = try cursor.work()
      case "status": status = try cursor.named(Proof.Status.self)
      case "source": source = try cursor.named(Source.self)
      default: guard try parts.read(name, &cursor) else { throw cursor.unknown(name) }
      }
    }
    let value = Proof(
      proof: try required(proof, "proof"), disproof: try required(disproof, "disproof"),
      status: try required(status, "status"), source: try required(source, "source"))
    return (try required(node, "node"), LWWRegister(value, at: try parts.stamp(self)))
  }

  mutating func constraint() throws(CRSError) -> (ByteString, ConstraintIndex.Register) {
    var id: ByteString?
    var kind: Constraint.Kind?
    var nodes: [ByteString]?
    var expression: ByteString?
    var isActive: Bool?
    var isRemoved = false
    var source: Source?
    var created: Stamp?
    var parts = StampParts()
    try object { name, cursor throws(CRSError) in
      switch name {
      case "id": id = try cursor.string()
      case "type": kind = try cursor.named(Constraint.Kind.self)
      case "nodes": nodes = try cursor.strings()
      case "expression": expression = try cursor.string()
      case "active": isActive = try cursor.bool()
      case "removed": isRemoved = try cursor.bool()
      case "source": source = try cursor.named(Source.self)
      case "created": created = try cursor.stamp()
      default: guard try parts.read(name, &cursor) else { throw cursor.unknown(name) }
      }
    }
    let stamp = try parts.stamp(self)
    if isRemoved { return (try required(id, "id"), LWWRegister(.removed, at: stamp)) }
    let constraint = Constraint(
      kind: try required(kind, "type"), nodes: try required(nodes, "nodes"),
      expression: try required(expression, "expression"), isActive: try required(isActive, "active"),
      source: try required(source, "source"), created: try required(created, "created"))
    return (try required(id, "id"), LWWRegister(.present(constraint), at: stamp))
  }

  mutating func strings() throws(CRSError) -> [ByteString] {
    var strings: [ByteString] = []
    try array { cursor throws(CRSError) in strings.append(try cursor.string()) }
    return strings
  }

  mutating func distance() throws(CRSError) -> Distance {
    guard let distance = Distance(try number()) else { throw failure("a finite number from 0 was expected") }
    return distance
  }

  mutating func similarity() throws(CRSError) -> (NodePair, LWWRegister<Distance, Stamp>) {
    var one: ByteString?
    var other: ByteString?
    var distance: Distance?
    var parts = StampParts()
    try object { name, cursor throws(CRSError) in
      switch name {
      case "a": one = try cursor.string()
      case "b": other = try cursor.string()
      case "distance": distance = try cursor.distance()
      default: guard try parts.read(name, &cursor) else { throw cursor.unknown(name) }
      }
    }
    return (
      NodePair(try required(one, "a"), try required(other, "b")),
      LWWRegister(try required(distance, "distance"), at: try parts.stamp(self))
    )
  }

  mutating func metadata() throws(CRSError) -> [ByteString: ByteString] {
    var metadata: [ByteString: ByteString] = [:]
    try members { name, cursor throws(CRSError) in metadata[name] = try cursor.string() }
    return metadata
  }

  mutating func history() throws(CRSError) -> HistoryEntry {
    var texts: [String: ByteString] = [:]
    var source: Source?
    var metadata: [ByteString: ByteString] = [:]
    var parts = StampParts()
    try object { name, cursor throws(CRSError) in
      switch name {
      case "id", "node", "action", "result": texts[name] = try cursor.string()
      case "source": source = try cursor.named(Source.self)
      case "metadata": metadata = try cursor.metadata()
      default: guard try parts.read(name, &cursor) else { throw cursor.unknown(name) }
      }
    }
    return HistoryEntry(
      id: try required(texts["id"], "id"), node: try required(texts["node"], "node"),
      action: try required(texts["action"], "action"), result: try required(texts["result"], "result"),
      source: try required(source, "source"), time: try parts.stamp(self), metadata: metadata)
  }

  mutating func streaming() throws(CRSError) -> (ByteString, GrowOnlyCounter<SessionID>) {
    var item: ByteString?
    var counts: VersionVector<SessionID>?
    try object { name, cursor throws(CRSError) in
      switch name {
      case "item": item = try cursor.string()
      case "counts": counts = try cursor.vector()
      default: throw cursor.unknown(name)
      }
    }
    return (try required(item, "item"), GrowOnlyCounter(try required(counts, "counts")))
  }

  /// A literal as an object, or in its short form `kind:value`.
  mutating func literal() throws(CRSError) -> Literal {
    if kind == .string {
      guard let literal = Literal(parsing: try string()) else { throw failure("a literal is type:value") }
      return literal
    }
    var kind: ByteString?
    var value: ByteString?
    var isNegated = false
    try object { name, cursor throws(CRSError) in
      switch name {
      case "type": kind = try cursor.string()
      case "value": value = try cursor.string()
      case "negated": isNegated = try cursor.bool()
      default: throw cursor.unknown(name)
      }
    }
    return Literal(try required(kind, "type"), try required(value, "value"), isNegated: isNegated)
  }

  mutating func literals() throws(CRSError) -> Clause {
    var literals: [Literal] = []
    try array { cursor throws(CRSError) in literals.append(try cursor.literal()) }
    return Clause(literals)
  }

  mutating func clause() throws(CRSError) -> (Clause, ClauseRecord) {
    var clause: Clause?
    var source: Source?
    var texts: [String: ByteString] = [:]
    var learned: Stamp?
    var uses: VersionVector<SessionID>?
    var lastUsed: Stamp?
    try object { name, cursor throws(CRSError) in
      switch name {
      case "literals": clause = try cursor.literals()
      case "source": source = try cursor.named(Source.self)
      case "failure", "session": texts[name] = try cursor.string()
      case "learned": learned = try cursor.stamp()
      case "uses": uses = try cursor.vector()
      case "lastUsed": lastUsed = try cursor.stamp()
      default: throw cursor.unknown(name)
      }
    }
    let origin = ClauseOrigin(
      source: try required(source, "source"), failure: try required(texts["failure"], "failure"),
      session: try required(texts["session"], "session"))
    let record = ClauseRecord(
      origin: LWWRegister(origin, at: try required(learned, "learned")),
      uses: GrowOnlyCounter(try required(uses, "uses")), lastUsed: lastUsed.map { MaxRegister($0) })
    return (try required(clause, "literals"), record)
  }
}

/// The members `time` and `host` among those of an element.
struct StampParts {
  private var instant: Instant?
  private var host: ByteString?

  /// Reads one of the two members; returns false for any other.
  mutating func read(_ name: String, _ cursor: inout JSONCursor) throws(CRSError) -> Bool {
    switch name {
    case "time": instant = try cursor.instant()
    case "host": host = try cursor.string()
    default: return false
    }
    return true
  }

  func stamp(_ cursor: JSONCursor) throws(CRSError) -> Stamp {
    Stamp(instant: try cursor.required(instant, "time"), host: try cursor.required(host, "host"))
  }
}
