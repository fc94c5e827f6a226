import CRDT

/// Which tombstones of a state may end, and what keeps the others.
///
/// A unique_id whose winner is a tombstone goes, with every value of it in every file, when
/// 1. each of its values stands in its writer's own file and at or below that writer's mark: the clock's mark that the
///    host committed together with all it had written. Whatever that host writes later has a greater stamp;
/// 2. every live value of it was seen by the writer of another: nothing waits to be written again;
/// 3. every host that is not retired has merged the tombstone, by its own committed record. So whatever it writes of
///    this unique_id later, above its mark, it writes knowing of the deletion, and it lives.
///
/// The frontier grows just so far that it covers what goes. By 1 and the marks, every value at or below it is known
/// here: held, replaced in its file, or let go. That is what ``CollectedJoin`` stands on.
public struct CollectionPlan: Sendable {
  /// Why a tombstone stays that everybody has seen.
  public enum Reason: String, Hashable, Sendable, CaseIterable {
    /// A live value that nobody had seen who wrote or deleted here: its host writes it again.
    case unseenValue
    /// A value above its writer's mark: written with a clock that was far ahead.
    case ahead
    /// A value in a file whose host keeps no record, or not in its writer's own file.
    case foreign
  }

  /// The tombstones that go.
  public private(set) var tombstones: [Metadata] = []
  /// Everything that goes with them, themselves included.
  public private(set) var values: Set<FileKey> = []
  /// The frontier of the state without them.
  public private(set) var frontier: CollectedFrontier
  /// Tombstones that wait for a host, by that host.
  public private(set) var waiting: [ByteString: [Metadata]] = [:]
  /// Tombstones that stay for another reason.
  public private(set) var kept: [Reason: [Metadata]] = [:]

  /// - Parameters:
  ///   - deleted: every value of each unique_id whose winner is a tombstone.
  ///   - marks: of each host with a record the mark it has committed.
  ///   - seen: of each host that is not retired, the marks of the others that it has merged.
  ///   - frontier: what was collected before.
  /// - Complexity: O(n · h), n values, h hosts.
  public init(
    deleted: [FileKey: Metadata], marks: [ByteString: Instant], seen: [ByteString: [ByteString: Instant]],
    frontier: CollectedFrontier
  ) {
    self.frontier = frontier
    var groups: [ByteString: [(key: FileKey, metadata: Metadata)]] = [:]
    for (key, metadata) in deleted { groups[key.uniqueID, default: []].append((key, metadata)) }
    for (_, group) in groups.sorted(by: { $0.key < $1.key }) {
      guard let winner = group.map(\.metadata).max(by: CollectionPlan.isBelow), winner.isDeleted else { continue }
      if let reason = CollectionPlan.reason(toKeep: group, marks: marks) {
        kept[reason, default: []].append(winner)
        continue
      }
      let blocking = seen.filter { host, merged in
        guard let until = merged[winner.stamp.host], let mark = marks[winner.stamp.host] else { return true }
        // More than there is to see: a record that says so is not to be trusted.
        return until < winner.stamp.instant || until > mark
      }
      for host in blocking.keys { waiting[host, default: []].append(winner) }
      guard blocking.isEmpty else { continue }
      tombstones.append(winner)
      for (key, metadata) in group {
        values.insert(key)
        self.frontier.insert(metadata.stamp.host, metadata.stamp.instant)
      }
    }
  }

  private static func reason(
    toKeep group: [(key: FileKey, metadata: Metadata)], marks: [ByteString: Instant]
  ) -> Reason? {
    for (key, metadata) in group {
      let isSeen = group.contains { $0.metadata != metadata && $0.metadata.hasSeen(metadata.stamp) }
      if !metadata.isDeleted, !isSeen { return .unseenValue }
      guard key.host == metadata.stamp.host, let mark = marks[key.host] else { return .foreign }
      if metadata.stamp.instant.roundedUpToNanoseconds > mark { return .ahead }
    }
    return nil
  }

  private static func isBelow(_ left: Metadata, _ right: Metadata) -> Bool {
    if left.stamp != right.stamp { return left.stamp < right.stamp }
    if left.version != right.version { return left.version < right.version }
    return !left.isDeleted && right.isDeleted
  }
}
