/// A set to which elements are only ever added; join is union (Shapiro et al. 2011, G-Set).
///
/// An addition on any replica is kept for ever, by all.
public struct GrowOnlySet<Element: Hashable & Sendable>: BoundedSemilattice, Hashable, Sendable {
  /// All elements added so far.
  public private(set) var elements: Set<Element>

  /// The empty set.
  public init() { elements = [] }

  /// Holds `elements`.
  public init(_ elements: some Sequence<Element>) { self.elements = Set(elements) }

  /// The number of elements.
  public var count: Int { elements.count }

  /// Whether there is no element.
  public var isEmpty: Bool { elements.isEmpty }

  /// Whether `element` was added.
  ///
  /// - Complexity: O(1) on average.
  public func contains(_ element: Element) -> Bool { elements.contains(element) }

  /// Adds `element`; returns the delta, which is empty when it was there.
  ///
  /// - Complexity: O(1) on average.
  @discardableResult
  public mutating func insert(_ element: Element) -> GrowOnlySet {
    elements.insert(element).inserted ? GrowOnlySet(CollectionOfOne(element)) : GrowOnlySet()
  }

  /// What `other` lacks: the smallest state that brings it up to this one.
  ///
  /// - Complexity: O(*n*) on average in the number of elements here.
  public func delta(since other: GrowOnlySet) -> GrowOnlySet {
    GrowOnlySet(elements.subtracting(other.elements))
  }

  /// Adds all elements of `other`.
  ///
  /// - Complexity: O(*n*) on average in the number of elements of `other`.
  public mutating func join(_ other: GrowOnlySet) { elements.formUnion(other.elements) }

  /// Whether `other` has every element of this set.
  public func isAtMost(_ other: GrowOnlySet) -> Bool { elements.isSubset(of: other.elements) }
}
