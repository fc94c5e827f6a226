import CRDT

/// Which checkpoints a compaction keeps. It works on each session by itself and always keeps its newest.
public enum CompactionStrategy: Hashable, Sendable {
  /// The newest so many of each session; tags do not count.
  case keepRecent(Int)
  /// All that have a tag.
  case preserveTagged
  /// The newest so many, and all that have a tag.
  case hybrid(Int)

  func keeps(_ header: CheckpointHeader, age: Int) -> Bool {
    switch self {
    case .keepRecent(let count): age < max(1, count)
    case .preserveTagged: age < 1 || !header.tags.isEmpty
    case .hybrid(let count): age < max(1, count) || !header.tags.isEmpty
    }
  }
}

/// What a compaction keeps and removes, each in the total order.
public struct CompactionPlan: Hashable, Sendable {
  public var kept: [CheckpointHeader] = []
  public var removed: [CheckpointHeader] = []

  /// - Parameter headers: in the total order.
  /// - Complexity: O(n)
  public init(_ strategy: CompactionStrategy, of headers: [CheckpointHeader]) {
    var ages: [CheckpointID: Int] = [:]
    for header in headers.reversed() {
      let age = ages[header.session, default: 0]
      ages[header.session] = age + 1
      if strategy.keeps(header, age: age) { kept.append(header) } else { removed.append(header) }
    }
    kept.reverse()
    removed.reverse()
  }
}
