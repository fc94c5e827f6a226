/// A counter to which replicas only ever add; each counts its own additions and join takes the greater count of each
/// (Shapiro et al. 2011, G-Counter).
///
/// Every addition counts exactly once, however often and in whatever order states arrive. A name of a replica
/// belongs to one writer: two that use one name lose additions to each other, and a replica put back to an older
/// state of itself has to take a new name.
public struct GrowOnlyCounter<Replica: Hashable & Sendable>: BoundedSemilattice, Hashable, Sendable {
  /// What each replica has added.
  public private(set) var counts: VersionVector<Replica>

  /// Zero.
  public init() { counts = VersionVector() }

  /// Holds what each replica has added.
  public init(_ counts: VersionVector<Replica>) { self.counts = counts }

  /// The sum of all additions, or `UInt64.max` when it is greater than that.
  ///
  /// - Complexity: O(*n*) in the number of replicas.
  public var value: UInt64 {
    var sum: UInt64 = 0
    for count in counts.counters.values {
      let (next, overflow) = sum.addingReportingOverflow(count)
      if overflow { return .max }
      sum = next
    }
    return sum
  }

  /// Adds `amount` in the name of `replica`, whose own count stops at `UInt64.max`; returns the delta.
  ///
  /// - Complexity: O(1) on average.
  @discardableResult
  public mutating func increment(by amount: UInt64 = 1, as replica: Replica) -> GrowOnlyCounter {
    let (sum, overflow) = counts[replica].addingReportingOverflow(amount)
    return GrowOnlyCounter(counts.raise(replica, to: overflow ? .max : sum))
  }

  /// Takes the greater count of each replica.
  ///
  /// - Complexity: O(*n*) on average in the number of replicas of `other`.
  public mutating func join(_ other: GrowOnlyCounter) { counts.join(other.counts) }

  /// Whether `other` has every addition that is counted here.
  public func isAtMost(_ other: GrowOnlyCounter) -> Bool { counts.isAtMost(other.counts) }
}
