import CRDT

/// How sure a piece of knowledge is.
public enum Source: String, CaseIterable, Comparable, Hashable, Sendable {
  /// A guess: of a model, a heuristic, a similarity.
  case soft
  /// A fact: of a compiler, a test, a checker.
  case hard
  /// A rule that guards the system.
  case safety

  /// From guess to rule; decides only between two values of one stamp.
  public static func < (left: Source, right: Source) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .soft: 0
    case .hard: 1
    case .safety: 2
    }
  }
}

/// Who writes, as the CRDTs count: an agent's session on one installation, never used again after it was lost or put
/// back.
public typealias SessionID = ByteString

/// A total order of values with several members, for ties between equal stamps.
enum TieOrder {
  /// -1, 0 or 1.
  static func of<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
    left == right ? 0 : left < right ? -1 : 1
  }

  /// Element by element, a beginning before the whole.
  static func of<Value: Comparable>(_ left: [Value], _ right: [Value]) -> Int {
    if left == right { return 0 }
    return left.lexicographicallyPrecedes(right) ? -1 : 1
  }

  /// Whether the first of `comparisons` that is not 0 is negative.
  static func precedes(_ comparisons: Int...) -> Bool { (comparisons.first { $0 != 0 } ?? 0) < 0 }
}
