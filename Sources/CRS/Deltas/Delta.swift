import CRDT

/// What an agent wants to change, before it is checked. ``ReasoningEngine`` turns it into ``Change``s.
public struct Delta: Hashable, Sendable {
  public var source: Source
  /// When it happened; `nil`: now.
  public var time: Instant?
  public var body: Body

  public init(_ body: Body, source: Source, time: Instant? = nil) {
    self.source = source
    self.time = time
    self.body = body
  }

  public indirect enum Body: Hashable, Sendable {
    case proof([ProofUpdate])
    case constraint(ConstraintDelta)
    case similarity([SimilarityUpdate])
    case dependency(add: [Edge], remove: [Edge])
    case history([HistoryDraft])
    case streaming([StreamingIncrement])
    case clause(learn: [LearnedClause], use: [Clause])
    /// All or nothing, in order.
    case composite([Delta])

    /// Its name in JSON.
    public var name: String {
      switch self {
      case .proof: "proof"
      case .constraint: "constraint"
      case .similarity: "similarity"
      case .dependency: "dependency"
      case .history: "history"
      case .streaming: "streaming"
      case .clause: "clause"
      case .composite: "composite"
      }
    }
  }
}

/// New numbers or a new status of a node; what is `nil` stays. A node nobody knows starts at 1, 1, unknown.
public struct ProofUpdate: Hashable, Sendable {
  public var node: ByteString
  public var proof: UInt64?
  public var disproof: UInt64?
  /// Added to the numbers, which stop at ``Proof/infinite``.
  public var addProof: UInt64
  public var addDisproof: UInt64
  public var status: Proof.Status?

  public init(
    _ node: ByteString, proof: UInt64? = nil, disproof: UInt64? = nil, addProof: UInt64 = 0, addDisproof: UInt64 = 0,
    status: Proof.Status? = nil
  ) {
    self.node = node
    self.proof = proof
    self.disproof = disproof
    self.addProof = addProof
    self.addDisproof = addDisproof
    self.status = status
  }
}

/// Constraints to add (new ids), to update and to remove (known ids).
public struct ConstraintDelta: Hashable, Sendable {
  public struct Draft: Hashable, Sendable {
    public var id: ByteString
    public var kind: Constraint.Kind
    public var nodes: [ByteString]
    public var expression: ByteString
    public var isActive: Bool

    public init(
      _ id: ByteString, kind: Constraint.Kind, nodes: [ByteString], expression: ByteString = "", isActive: Bool = true
    ) {
      self.id = id
      self.kind = kind
      self.nodes = nodes
      self.expression = expression
      self.isActive = isActive
    }
  }

  /// What is `nil` stays.
  public struct Update: Hashable, Sendable {
    public var id: ByteString
    public var nodes: [ByteString]?
    public var expression: ByteString?
    public var isActive: Bool?

    public init(_ id: ByteString, nodes: [ByteString]? = nil, expression: ByteString? = nil, isActive: Bool? = nil) {
      self.id = id
      self.nodes = nodes
      self.expression = expression
      self.isActive = isActive
    }
  }

  public var add: [Draft]
  public var update: [Update]
  public var remove: [ByteString]

  public init(add: [Draft] = [], update: [Update] = [], remove: [ByteString] = []) {
    self.add = add
    self.update = update
    self.remove = remove
  }
}

public struct SimilarityUpdate: Hashable, Sendable {
  public var pair: NodePair
  public var distance: Distance

  public init(_ pair: NodePair, _ distance: Distance) {
    self.pair = pair
    self.distance = distance
  }
}

public struct HistoryDraft: Hashable, Sendable {
  public var id: ByteString
  public var node: ByteString
  public var action: ByteString
  public var result: ByteString
  public var metadata: [ByteString: ByteString]

  public init(
    _ id: ByteString, node: ByteString = "", action: ByteString = "", result: ByteString = "",
    metadata: [ByteString: ByteString] = [:]
  ) {
    self.id = id
    self.node = node
    self.action = action
    self.result = result
    self.metadata = metadata
  }
}

public struct StreamingIncrement: Hashable, Sendable {
  public var item: ByteString
  public var count: UInt64

  public init(_ item: ByteString, count: UInt64 = 1) {
    self.item = item
    self.count = count
  }
}

public struct LearnedClause: Hashable, Sendable {
  public var clause: Clause
  /// What failed and taught it.
  public var failure: ByteString

  public init(_ clause: Clause, failure: ByteString = "") {
    self.clause = clause
    self.failure = failure
  }
}
