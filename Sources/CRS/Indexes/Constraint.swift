import CRDT

/// A rule between nodes.
public struct Constraint: Comparable, Hashable, Sendable {
  public enum Kind: String, CaseIterable, Comparable, Hashable, Sendable {
    case mutualExclusion = "mutual-exclusion"
    case implication, ordering, resource

    public static func < (left: Kind, right: Kind) -> Bool { ByteString(left.rawValue) < ByteString(right.rawValue) }
  }

  public var kind: Kind
  /// The nodes it speaks of, in its order.
  public var nodes: [ByteString]
  /// Its text, for whoever evaluates it.
  public var expression: ByteString
  public var isActive: Bool
  public var source: Source
  public var created: Stamp

  public init(
    kind: Kind, nodes: [ByteString], expression: ByteString = "", isActive: Bool = true, source: Source, created: Stamp
  ) {
    self.kind = kind
    self.nodes = nodes
    self.expression = expression
    self.isActive = isActive
    self.source = source
    self.created = created
  }

  public static func < (left: Constraint, right: Constraint) -> Bool {
    TieOrder.precedes(
      TieOrder.of(left.source, right.source), TieOrder.of(left.isActive ? 1 : 0, right.isActive ? 1 : 0),
      TieOrder.of(left.kind, right.kind), TieOrder.of(left.nodes, right.nodes),
      TieOrder.of(left.expression, right.expression), TieOrder.of(left.created, right.created))
  }
}

/// id → constraint; the last writer decides, also whether it is there: removing leaves a tombstone.
public typealias ConstraintIndex = LWWMap<ByteString, Constraint, Stamp>
