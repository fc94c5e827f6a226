import CRDT

/// How much of what is only of use for a while a reader is shown. Bounds the view, never the state: what is left out
/// stays there, is saved, and is joined.
public struct Limits: Hashable, Sendable {
  /// Pairs of the similarity index, the last written ones.
  public var pairs: Int
  /// Clauses, the last used ones.
  public var clauses: Int
  /// How long ago a pair was written or a clause was learned or used, at most.
  public var ageSeconds: Int64

  public init(pairs: Int = 10_000, clauses: Int = 1_000, ageSeconds: Int64 = 7 * 86_400) {
    self.pairs = pairs
    self.clauses = clauses
    self.ageSeconds = ageSeconds
  }

  /// Leaves nothing out.
  public static let none = Limits(pairs: .max, clauses: .max, ageSeconds: .max)

  /// The newest `count` of those that are not too old, by key.
  func selected<Key: Comparable>(_ stamps: [(key: Key, stamp: Stamp)], count: Int, now: Instant) -> [Key] {
    let oldest = now.advanced(bySeconds: ageSeconds == .max ? .min : -ageSeconds)
    var recent = stamps.filter { $0.stamp.instant >= oldest }
    if recent.count > count {
      recent.sort { $0.stamp != $1.stamp ? $0.stamp > $1.stamp : $0.key < $1.key }
      recent.removeLast(recent.count - max(0, count))
    }
    return recent.map(\.key).sorted()
  }
}

extension ReasoningState {
  /// The pairs within the limits, in byte order.
  public func visiblePairs(_ limits: Limits, now: Instant) -> [NodePair] {
    limits.selected(similarities.map { ($0.key, $0.value.stamp) }, count: limits.pairs, now: now)
  }

  /// The clauses within the limits, in order.
  public func visibleClauses(_ limits: Limits, now: Instant) -> [Clause] {
    limits.selected(clauses.map { ($0.key, $0.value.latest) }, count: limits.clauses, now: now)
  }
}
