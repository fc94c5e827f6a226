import CRDT

/// That `from` depends on `to`.
public struct Edge: Comparable, Hashable, Sendable {
  public var from: ByteString
  public var to: ByteString

  public init(_ from: ByteString, _ to: ByteString) {
    self.from = from
    self.to = to
  }

  public static func < (left: Edge, right: Edge) -> Bool {
    left.from != right.from ? left.from < right.from : left.to < right.to
  }
}

/// Directed edges: an observed-remove set, with look-up in both directions.
///
/// Each replica keeps its own edges free of cycles; the join of two may hold one all the same. It stays in the state,
/// and ``DependencyView`` breaks it for readers.
public struct DependencyIndex: BoundedSemilattice, Hashable, Sendable {
  /// The set itself: the whole state.
  public private(set) var edges: ObservedRemoveSet<Edge, SessionID>
  /// What each node depends on, and what depends on it: derived from `edges`.
  private var forward: [ByteString: Set<ByteString>] = [:]
  private var backward: [ByteString: Set<ByteString>] = [:]

  public init() { edges = ObservedRemoveSet() }

  public init(_ edges: ObservedRemoveSet<Edge, SessionID>) {
    self.edges = edges
    indexEdges()
  }

  /// What `node` depends on directly, cycles included. O(1) on average.
  public func dependencies(of node: ByteString) -> Set<ByteString> { forward[node] ?? [] }

  /// What depends on `node` directly, cycles included. O(1) on average.
  public func dependents(of node: ByteString) -> Set<ByteString> { backward[node] ?? [] }

  public func contains(_ edge: Edge) -> Bool { edges.contains(edge) }

  /// The event that the next addition by `replica` will be.
  func nextDot(of replica: SessionID) -> Dot<SessionID> {
    var latest = edges.context.contiguous[replica]
    for dot in edges.context.isolated where dot.replica == replica { latest = max(latest, dot.counter) }
    return Dot(replica, latest + 1)
  }

  /// Joins a delta that is about one edge. O(*d*) in its events.
  mutating func join(edge: Edge, added: Set<Dot<SessionID>>, removed: Set<Dot<SessionID>>) {
    edges.join(element: edge, added: added, removed: removed)
    if edges.contains(edge) {
      forward[edge.from, default: []].insert(edge.to)
      backward[edge.to, default: []].insert(edge.from)
    } else {
      Self.remove(edge.to, of: edge.from, in: &forward)
      Self.remove(edge.from, of: edge.to, in: &backward)
    }
  }

  /// Joins what is known of events whose edges were joined before.
  mutating func join(context: DotContext<SessionID>) {
    edges.join(ObservedRemoveSet(additions: edges.additions, context: context))
  }

  public mutating func join(_ other: DependencyIndex) {
    edges.join(other.edges)
    indexEdges()
  }

  public func isAtMost(_ other: DependencyIndex) -> Bool { edges.isAtMost(other.edges) }

  public static func == (left: DependencyIndex, right: DependencyIndex) -> Bool { left.edges == right.edges }

  public func hash(into hasher: inout Hasher) { hasher.combine(edges) }

  private mutating func indexEdges() {
    forward = [:]
    backward = [:]
    for edge in edges.elements {
      forward[edge.from, default: []].insert(edge.to)
      backward[edge.to, default: []].insert(edge.from)
    }
  }

  private static func remove(_ node: ByteString, of key: ByteString, in table: inout [ByteString: Set<ByteString>]) {
    table[key]?.remove(node)
    if table[key]?.isEmpty == true { table[key] = nil }
  }
}
