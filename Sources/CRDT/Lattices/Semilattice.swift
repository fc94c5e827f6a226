/// A state that any number of replicas change on their own and that always merges.
///
/// `join` is the least upper bound of two states, so for all states `a`, `b`, `c`:
/// - commutative: `a ⊔ b == b ⊔ a`
/// - associative: `(a ⊔ b) ⊔ c == a ⊔ (b ⊔ c)`
/// - idempotent: `a ⊔ a == a`
///
/// States then form a partial order, `a ≤ b` when `a ⊔ b == b`, and every change moves a state up in it. Replicas
/// that have received the same changes, in any order, grouping and number, are in the same state (Shapiro, Preguiça,
/// Baquero and Zawirski 2011, "Conflict-free Replicated Data Types", state-based objects).
///
/// `==` has to tell apart all that a reader can tell apart. Swift's `String` does not (canonical equivalence), nor do
/// floating-point numbers (`0 == -0`, `nan != nan`): use ``ByteString`` and other exact types within a lattice.
///
/// A mutating operation returns its **delta**: a small state of the same type. Joining it into another replica has
/// the effect of the operation there, so that deltas can be sent instead of whole states, once or many times, in any
/// order, and joined to one another on the way (Almeida, Shoker and Baquero 2018, "Delta state replicated data
/// types").
public protocol Semilattice: Equatable {
  /// Moves this state up to the least one that is at least both.
  mutating func join(_ other: Self)

  /// Whether `other` holds everything that this state holds: the order of the lattice.
  ///
  /// Equal to `joined(with: other) == other`, which is also its default form.
  func isAtMost(_ other: Self) -> Bool
}

extension Semilattice {
  /// The least state that is at least both.
  public func joined(with other: Self) -> Self {
    var state = self
    state.join(other)
    return state
  }

  /// Whether joining changes nothing in `other`.
  public func isAtMost(_ other: Self) -> Bool { joined(with: other) == other }

  /// Whether neither state holds everything that the other holds.
  public func isConcurrent(with other: Self) -> Bool { !isAtMost(other) && !other.isAtMost(self) }
}

/// A semilattice with a least state, which is where every replica starts.
///
/// Law: `Self() ⊔ a == a` for all `a`.
public protocol BoundedSemilattice: Semilattice {
  /// The least state.
  init()
}

extension BoundedSemilattice {
  /// The join of all `states`; the least state when there are none.
  public init(joining states: some Sequence<Self>) {
    self.init()
    for state in states { join(state) }
  }
}

/// A lattice without a least state gets one: `nil`.
extension Optional: Semilattice where Wrapped: Semilattice {
  /// Takes what there is, and joins where there are both.
  public mutating func join(_ other: Wrapped?) {
    guard let other else { return }
    guard var state = self else {
      self = other
      return
    }
    self = nil  // Leaves `state` as the only owner, so that joining changes it in place.
    state.join(other)
    self = state
  }

  /// Whether this is `nil` or both hold a state and this one is at most the other.
  public func isAtMost(_ other: Wrapped?) -> Bool {
    guard let self else { return true }
    guard let other else { return false }
    return self.isAtMost(other)
  }
}

extension Optional: BoundedSemilattice where Wrapped: Semilattice {
  /// `nil`.
  public init() { self = nil }
}

/// States by key: keys of either side, joined where both have one.
extension Dictionary: Semilattice where Value: Semilattice {
  /// Joins key by key.
  ///
  /// - Complexity: O(*n*) joins in the number of keys of `other`.
  public mutating func join(_ other: [Key: Value]) {
    if isEmpty {
      self = other
      return
    }
    for (key, state) in other { self[key].join(state) }
  }

  /// Whether `other` has each key with at least the state it has here.
  public func isAtMost(_ other: [Key: Value]) -> Bool {
    guard count <= other.count else { return false }
    return allSatisfy { key, state in Optional(state).isAtMost(other[key]) }
  }
}

extension Dictionary: BoundedSemilattice where Value: Semilattice {}
