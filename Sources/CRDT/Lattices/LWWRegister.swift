/// A value that the last writer decides; join takes the one with the greater stamp (Shapiro et al. 2011,
/// LWW-Register).
///
/// Stamps come from the caller and are totally ordered, so there is always a last writer. Should two different
/// values have one stamp all the same (a copied replica, a foreign program), the greater value wins: without that
/// rule the outcome would depend on the order of merging. `<` on values agrees with `==` (see ``Semilattice``).
public struct LWWRegister<Value: Comparable & Hashable & Sendable, Stamp: Comparable & Hashable & Sendable>:
  Semilattice, Hashable, Sendable
{
  /// What was written last.
  public private(set) var value: Value
  /// When, and by whom.
  public private(set) var stamp: Stamp

  /// Holds `value` as written at `stamp`.
  public init(_ value: Value, at stamp: Stamp) {
    self.value = value
    self.stamp = stamp
  }

  /// Writes `newValue`, which shows when `newStamp` is greater than that of the value here; returns the delta.
  @discardableResult
  public mutating func set(_ newValue: Value, at newStamp: Stamp) -> LWWRegister {
    let delta = LWWRegister(newValue, at: newStamp)
    join(delta)
    return delta
  }

  /// Takes the value with the greater stamp; of two with one stamp the greater value.
  public mutating func join(_ other: LWWRegister) {
    if !other.isAtMost(self) { self = other }
  }

  /// Whether `other` was written later, or at once with a value that is at least this one.
  public func isAtMost(_ other: LWWRegister) -> Bool {
    stamp != other.stamp ? stamp < other.stamp : value <= other.value
  }
}
