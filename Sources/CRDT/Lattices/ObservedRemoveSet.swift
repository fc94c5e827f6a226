/// A set to which elements are added and from which they are removed, where an addition wins over a removal that had
/// not seen it.
///
/// Each addition is an event of its own, a ``Dot``. A removal takes away the events it sees. So what one replica adds
/// while another removes stays, and adding and removing on one replica work as with any set (Shapiro et al. 2011,
/// OR-Set). There are no tombstones: an event that is known and supports no element was removed (Bieniusa et al.
/// 2012, "An optimized conflict-free replicated set"; in the form with deltas of Almeida et al. 2018, add-wins set).
///
/// A name of a replica belongs to one writer, and a replica put back to an older state of itself has to take a new
/// one: an event number used twice would be taken for one that was removed.
public struct ObservedRemoveSet<Element: Hashable & Sendable, Replica: Hashable & Sendable>:
  BoundedSemilattice, Hashable, Sendable
{
  /// The additions that support each element: at least one of each.
  public private(set) var additions: [Element: Set<Dot<Replica>>]
  /// All additions ever seen, among them those of `additions`.
  public private(set) var context: DotContext<Replica>

  /// The empty set.
  public init() {
    additions = [:]
    context = DotContext()
  }

  /// Holds `additions`, and knows of them and of the other events in `context`. A dot with the number 0 names no
  /// event and is left out.
  public init(additions: [Element: Set<Dot<Replica>>], context: DotContext<Replica>) {
    self.additions = additions.compactMapValues { dots in
      let events = dots.filter { $0.counter > 0 }
      return events.isEmpty ? nil : events
    }
    self.context = context
    for dots in additions.values {
      for dot in dots { self.context.insert(dot) }
    }
  }

  /// The elements in the set.
  ///
  /// - Complexity: O(1).
  public var elements: Dictionary<Element, Set<Dot<Replica>>>.Keys { additions.keys }

  /// The number of elements.
  public var count: Int { additions.count }

  /// Whether there is no element.
  public var isEmpty: Bool { additions.isEmpty }

  /// Whether `element` is in the set.
  ///
  /// - Complexity: O(1) on average.
  public func contains(_ element: Element) -> Bool { additions[element] != nil }

  /// Adds `element` in the name of `replica`, in place of the additions of it that are known; returns the delta.
  ///
  /// An element that is there already is added anew: the addition then outlives a concurrent removal.
  ///
  /// - Complexity: O(*d*) on average in the number of additions that support the element.
  @discardableResult
  public mutating func insert(_ element: Element, as replica: Replica) -> ObservedRemoveSet {
    let dot = context.next(of: replica)
    let replaced = additions.updateValue([dot], forKey: element) ?? []
    return ObservedRemoveSet(
      additions: [element: [dot]], context: DotContext(VersionVector(), isolated: replaced.union([dot])))
  }

  /// Removes `element` as far as it was seen here; returns the delta, which is empty when it was not there.
  ///
  /// - Complexity: O(*d*) on average in the number of additions that support the element.
  @discardableResult
  public mutating func remove(_ element: Element) -> ObservedRemoveSet {
    guard let removed = additions.removeValue(forKey: element) else { return ObservedRemoveSet() }
    return ObservedRemoveSet(additions: [:], context: DotContext(VersionVector(), isolated: removed))
  }

  /// Removes all elements seen here; returns the delta.
  ///
  /// - Complexity: O(*n*) in the number of additions.
  @discardableResult
  public mutating func removeAll() -> ObservedRemoveSet {
    let removed = additions.values.joined()
    defer { additions = [:] }
    return ObservedRemoveSet(additions: [:], context: DotContext(VersionVector(), isolated: removed))
  }

  /// Keeps the additions that both have, and those of either that the other does not know of.
  ///
  /// - Complexity: O(*n* + *m*) on average in the number of additions on both sides.
  public mutating func join(_ other: ObservedRemoveSet) {
    for (element, dots) in additions {
      let others = other.additions[element] ?? []
      let kept = dots.filter { others.contains($0) || !other.context.contains($0) }
      if kept.count != dots.count { additions[element] = kept.isEmpty ? nil : kept }
    }
    for (element, dots) in other.additions {
      let added = dots.filter { !context.contains($0) }
      if !added.isEmpty { additions[element, default: []].formUnion(added) }
    }
    context.join(other.context)
  }

  /// Joins a delta that is about one element: the events `added` support it, and the events `removed`, which are known
  /// to have supported no other one, do so no longer. The same as joining the set with that addition and the context
  /// of both, without looking at any other element.
  ///
  /// - Complexity: O(*d*) on average in the number of events of the delta and of the element.
  public mutating func join(element: Element, added: Set<Dot<Replica>>, removed: Set<Dot<Replica>>) {
    var dots = additions[element] ?? []
    dots.subtract(removed.subtracting(added))
    dots.formUnion(added.filter { $0.counter > 0 && !context.contains($0) })
    additions[element] = dots.isEmpty ? nil : dots
    for dot in added.union(removed) where dot.counter > 0 { context.insert(dot) }
  }

  /// Whether `other` knows all additions known here, and has removed all that are removed here.
  ///
  /// - Complexity: O(*n* + *m*) on average in the number of additions on both sides.
  public func isAtMost(_ other: ObservedRemoveSet) -> Bool {
    context.isAtMost(other.context)
      && other.additions.allSatisfy { element, dots in
        let here = additions[element] ?? []
        return dots.allSatisfy { here.contains($0) || !context.contains($0) }
      }
  }
}
