/// A value that only grows; join is the greater (Baquero and Moura 1999: a total order is a lattice).
///
/// For high-water marks: it needs no clock and no name of a replica.
public struct MaxRegister<Value: Comparable & Hashable & Sendable>: Semilattice, Hashable, Sendable {
  /// The greatest value so far.
  public private(set) var value: Value

  /// Holds `value`.
  public init(_ value: Value) { self.value = value }

  /// Takes `newValue` when it is greater; returns the delta.
  @discardableResult
  public mutating func raise(to newValue: Value) -> MaxRegister {
    if newValue > value { value = newValue }
    return MaxRegister(newValue)
  }

  /// Takes the greater value.
  public mutating func join(_ other: MaxRegister) {
    if other.value > value { value = other.value }
  }

  /// Whether the value here is not greater.
  public func isAtMost(_ other: MaxRegister) -> Bool { value <= other.value }
}
