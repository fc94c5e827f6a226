import CRDT
import Memory

/// What differs between two states: one entry for each thing a person would name.
public struct CheckpointDiff: Hashable, Sendable {
  public struct Difference: Hashable, Sendable {
    /// Names from the outside in, such as `hypotheses`, the id, `status`.
    public var path: [ByteString]
    /// JSON; `nil` where it is not there.
    public var before: [UInt8]?
    /// JSON; `nil` where it is not there.
    public var after: [UInt8]?
  }

  /// Sorted by path.
  public var differences: [Difference] = []

  /// - Complexity: O(n log n) in the size of the states.
  public init(from before: CheckpointState, to after: CheckpointState) {
    let (old, new) = (CheckpointDiff.parts(before), CheckpointDiff.parts(after))
    for path in Set(old.keys).union(new.keys) where old[path] != new[path] {
      // A hypothesis that is on one side only is one difference, not one for each of its members.
      differences.append(Difference(path: path, before: old[path], after: new[path]))
    }
    for (ids, isAdded) in [
      (Set(after.hypotheses.map(\.id)).subtracting(before.hypotheses.map(\.id)), true),
      (Set(before.hypotheses.map(\.id)).subtracting(after.hypotheses.map(\.id)), false),
    ] {
      let side = isAdded ? after : before
      differences.removeAll { $0.path.count == 3 && $0.path[0] == "hypotheses" && ids.contains($0.path[1]) }
      for hypothesis in side.hypotheses where ids.contains(hypothesis.id) {
        let json = hypothesis.canonical.bytes
        differences.append(
          Difference(
            path: ["hypotheses", hypothesis.id], before: isAdded ? nil : json, after: isAdded ? json : nil))
      }
    }
    differences.sort { $0.path.lexicographicallyPrecedes($1.path) }
  }

  private static func parts(_ state: CheckpointState) -> [[ByteString]: [UInt8]] {
    var parts: [[ByteString]: [UInt8]] = [:]
    for (name, value) in state.rest.members { parts[["state", name]] = value }
    if let folder = state.workingFolder { parts[["workingFolder"]] = JSONText.quoted(folder.bytes) }
    for (name, value) in state.environment { parts[["environment", name]] = JSONText.quoted(value.bytes) }
    for (name, value) in state.metrics { parts[["metrics", name]] = value.text.bytes }
    for hypothesis in state.hypotheses {
      for (name, value) in hypothesis.canonical.members where name != "id" {
        parts[["hypotheses", hypothesis.id, name]] = value
      }
    }
    return parts
  }
}
