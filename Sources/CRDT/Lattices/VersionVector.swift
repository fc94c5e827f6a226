/// One event: the `counter`-th, from 1, of `replica`.
///
/// A dot names its event for ever: a replica counts on and never uses a number twice.
public struct Dot<Replica: Hashable & Sendable>: Hashable, Sendable {
  /// Whose event it is.
  public var replica: Replica
  /// Its number there, from 1.
  public var counter: UInt64

  /// The event `counter` of `replica`.
  public init(_ replica: Replica, _ counter: UInt64) {
    self.replica = replica
    self.counter = counter
  }
}

extension Dot: Comparable where Replica: Comparable {
  /// By replica, then by number.
  public static func < (left: Dot, right: Dot) -> Bool {
    left.replica != right.replica ? left.replica < right.replica : left.counter < right.counter
  }
}

/// How many events of each replica are known; join is the greater number of each (Parker et al. 1983, "Detection of
/// mutual inconsistency in distributed systems").
///
/// Its order tells what has been seen from what is concurrent: `a ≤ b` when `b` knows all that `a` knows.
public struct VersionVector<Replica: Hashable & Sendable>: BoundedSemilattice, Hashable, Sendable {
  /// The known number of each replica of which anything is known; no zeros.
  public private(set) var counters: [Replica: UInt64]

  /// Knows of nothing.
  public init() { counters = [:] }

  /// Knows the given numbers; zeros are left out.
  public init(_ counters: [Replica: UInt64]) { self.counters = counters.filter { $0.value > 0 } }

  /// How many events of `replica` are known.
  public subscript(replica: Replica) -> UInt64 { counters[replica] ?? 0 }

  /// Whether nothing is known.
  public var isEmpty: Bool { counters.isEmpty }

  /// Whether that event is among the known ones.
  public func contains(_ dot: Dot<Replica>) -> Bool { dot.counter <= self[dot.replica] }

  /// Counts one more event of `replica` and returns its name.
  ///
  /// - Precondition: fewer than 2⁶⁴ − 1 events of `replica` are known.
  public mutating func increment(_ replica: Replica) -> Dot<Replica> {
    let counter = self[replica] + 1
    counters[replica] = counter
    return Dot(replica, counter)
  }

  /// Knows the events of `replica` up to `counter`, if it did not yet; returns the delta.
  @discardableResult
  public mutating func raise(_ replica: Replica, to counter: UInt64) -> VersionVector {
    if counter > self[replica] { counters[replica] = counter }
    return VersionVector([replica: counter])
  }

  /// Takes the greater number of each replica.
  ///
  /// - Complexity: O(*n*) on average in the number of replicas of `other`.
  public mutating func join(_ other: VersionVector) {
    counters.merge(other.counters) { max($0, $1) }
  }

  /// Whether `other` knows all that is known here.
  public func isAtMost(_ other: VersionVector) -> Bool {
    counters.allSatisfy { replica, counter in counter <= other[replica] }
  }
}
