/// The set of all events a state knows of, also those whose effect is gone again: a causal context (Almeida, Shoker
/// and Baquero 2018, section 7).
///
/// Events without a gap before them are kept as one number a replica, the others, which only deltas cause, one by
/// one. There is one way to keep a set, so equal sets compare equal.
public struct DotContext<Replica: Hashable & Sendable>: BoundedSemilattice, Hashable, Sendable {
  /// The events known without a gap.
  public private(set) var contiguous: VersionVector<Replica>
  /// The events known beyond a gap.
  public private(set) var isolated: Set<Dot<Replica>>

  /// Knows of nothing.
  public init() {
    contiguous = VersionVector()
    isolated = []
  }

  /// Knows all events up to those of `contiguous`, and the `isolated` ones. A dot with the number 0 names no event
  /// and is left out.
  public init(_ contiguous: VersionVector<Replica>, isolated: some Sequence<Dot<Replica>>) {
    self.contiguous = contiguous
    self.isolated = Set(isolated)
    compact()
  }

  /// Whether that event is known.
  ///
  /// - Complexity: O(1) on average.
  public func contains(_ dot: Dot<Replica>) -> Bool {
    contiguous.contains(dot) || (!isolated.isEmpty && isolated.contains(dot))
  }

  /// Adds one event.
  ///
  /// - Complexity: O(1) on average, and O(1) for each isolated event whose gap it closes.
  public mutating func insert(_ dot: Dot<Replica>) {
    guard !contains(dot) else { return }
    if dot.counter == contiguous[dot.replica] + 1 {
      absorb(dot)
    } else {
      isolated.insert(dot)
    }
  }

  /// Makes up the next event of `replica` and adds it: greater than all that are known of it.
  ///
  /// - Precondition: event 2⁶⁴ − 1 of `replica` is not known.
  /// - Complexity: O(*n*) in the number of isolated events.
  public mutating func next(of replica: Replica) -> Dot<Replica> {
    var latest = contiguous[replica]
    for dot in isolated where dot.replica == replica { latest = max(latest, dot.counter) }
    let dot = Dot(replica, latest + 1)
    insert(dot)
    return dot
  }

  /// Adds all events of `other`.
  ///
  /// - Complexity: O(*r* + *n*) on average in the number of replicas of `other` and of isolated events.
  public mutating func join(_ other: DotContext) {
    contiguous.join(other.contiguous)
    isolated.formUnion(other.isolated)
    compact()
  }

  /// Whether `other` knows all events that are known here.
  public func isAtMost(_ other: DotContext) -> Bool {
    contiguous.isAtMost(other.contiguous) && isolated.allSatisfy { other.contains($0) }
  }

  /// Moves isolated events over as far as no gap is left before them.
  private mutating func compact() {
    for dot in isolated {
      let latest = contiguous[dot.replica]
      if dot.counter <= latest {
        isolated.remove(dot)
      } else if dot.counter - latest == 1 {
        absorb(dot)
      }
    }
  }

  /// Moves `dot`, which closes a gap, and those that follow without another one.
  private mutating func absorb(_ dot: Dot<Replica>) {
    var next = dot
    isolated.remove(next)
    while next.counter < .max, isolated.remove(Dot(dot.replica, next.counter + 1)) != nil {
      next.counter += 1
    }
    contiguous.raise(dot.replica, to: next.counter)
  }
}
