import CRDT

/// Elements of a state whose times lie in the future, further than clocks drift: they win over what hosts write that do
/// not know them.
public struct FutureElements: Sendable {
  public private(set) var count = 0
  /// How many of them nothing can be written over, ever.
  public private(set) var finalCount = 0
  /// The one with the greatest stamp.
  private var greatest: (name: String, stamp: Stamp)?

  /// - Complexity: O(*n*) in the states' elements.
  public init(_ states: [ReasoningState], wall: Instant) {
    let bound = wall.advanced(bySeconds: HybridLogicalClock().maxDriftSeconds)
    for state in states {
      for (node, register) in state.proofs { see(register.stamp, bound, "the proof of '\(node)'") }
      for (id, register) in state.constraints.registers { see(register.stamp, bound, "the constraint '\(id)'") }
      for (pair, register) in state.similarities {
        see(register.stamp, bound, "the similarity of '\(pair.first)' and '\(pair.second)'")
      }
      for entry in state.history.elements { see(entry.time, bound, "the history's '\(entry.id)'", isFixed: true) }
      for (clause, record) in state.clauses {
        // Using it counts, whenever it was last used; only learning it anew writes over something.
        see(
          record.latest, bound, "the clause '\(clause.literals.map(\.description).joined(separator: " "))'",
          isFixed: HybridLogicalClock.canExceed(record.origin.stamp.instant))
      }
    }
  }

  private mutating func see(
    _ stamp: Stamp, _ bound: Instant, _ name: @autoclosure () -> String, isFixed: Bool = false
  ) {
    guard stamp.instant > bound else { return }
    count += 1
    if !isFixed, !HybridLogicalClock.canExceed(stamp.instant) { finalCount += 1 }
    if greatest.map({ $0.stamp < stamp }) ?? true { greatest = (name(), stamp) }
  }

  /// One line for people; `nil` where there are none.
  public var warning: String? {
    guard let greatest else { return nil }
    let one = "\(greatest.name), written by \(greatest.stamp.host) at \(greatest.stamp.instant), lies in the future"
    let rest = count == 1 ? "" : ", and \(count - 1) more do"
    if finalCount == 0 { return one + rest }
    return one + rest + "; nothing can be written over "
      + (count == 1 ? "it" : finalCount == count ? "them" : "\(finalCount) of them")
  }
}
