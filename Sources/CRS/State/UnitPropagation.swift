import CRDT

/// What follows from assumptions by unit propagation (Davis, Logemann and Loveland 1962): where all literals of a
/// clause but one are false, that one holds.
public struct UnitPropagation: Hashable, Sendable {
  /// A literal that holds, and the clause that forced it; `nil` for an assumption.
  public struct Step: Hashable, Sendable {
    public var literal: Literal
    public var reason: Clause?
  }

  /// All that holds, in the order it was found.
  public private(set) var steps: [Step] = []
  /// A clause of which every literal is false; `nil` when there is no contradiction.
  public private(set) var conflict: Clause?
  /// The literal that was assumed or forced while its negation held, when that was the contradiction.
  public private(set) var contradiction: Literal?

  /// Propagates `assumptions` over `clauses`. The result depends on their order only.
  /// - Complexity: O(*n*) on average in the number of literals of all clauses.
  public init(_ clauses: [Clause], assuming assumptions: [Literal]) {
    var occurrences: [Literal: [Int]] = [:]
    var undecided = clauses.map(\.literals.count)
    var isSatisfied = [Bool](repeating: false, count: clauses.count)
    for (index, clause) in clauses.enumerated() {
      for literal in clause.literals { occurrences[literal, default: []].append(index) }
    }
    var holds: Set<Literal> = []
    var pending: [Step] = assumptions.map { Step(literal: $0) }
    for clause in clauses where clause.literals.count == 1 {
      pending.append(Step(literal: clause.literals[0], reason: clause))
    }
    var next = 0
    while next < pending.count {
      let step = pending[next]
      next += 1
      if holds.contains(step.literal) { continue }
      if holds.contains(step.literal.negation) {
        conflict = step.reason
        contradiction = step.literal
        return
      }
      holds.insert(step.literal)
      steps.append(step)
      for index in occurrences[step.literal] ?? [] { isSatisfied[index] = true }
      for index in occurrences[step.literal.negation] ?? [] where !isSatisfied[index] {
        undecided[index] -= 1
        if undecided[index] == 0 {
          conflict = clauses[index]
          return
        }
        guard undecided[index] == 1 else { continue }
        if let unit = clauses[index].literals.first(where: { !holds.contains($0.negation) }) {
          pending.append(Step(literal: unit, reason: clauses[index]))
        }
      }
    }
  }

  public var hasConflict: Bool { conflict != nil || contradiction != nil }
}
