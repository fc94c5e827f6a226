import CRDT

/// Joining states of which one or both were collected: which values the other has rightly let go.
///
/// The rule is that of an observed-remove set. A state names its frontier F; a value at or below F that it does not
/// hold is one that it had and let go, so the join lets it go too; a value above F it never had, so the join keeps it.
/// With the removed sets joined by union this is a semilattice, and no order of joins brings a value back.
///
/// That leans on "below F everything was known", which a disk put back to an old state, a clock that ran twice or a
/// hand in the remote can break. So nothing goes without proof: a live value goes only where a tombstone is known,
/// in either state or in history, whose writer had seen it.
public enum CollectedJoin {
  /// One state, as the rule looks at it.
  public struct Side {
    /// Hosts that have a file in this state. What a missing file says is nothing.
    public var hosts: Set<ByteString>
    /// The values of the files that differ from the other state's.
    public var stamps: [FileKey: Stamp]
    public var frontier: CollectedFrontier

    public init(hosts: Set<ByteString>, stamps: [FileKey: Stamp], frontier: CollectedFrontier) {
      self.hosts = hosts
      self.stamps = stamps
      self.frontier = frontier
    }
  }

  /// Values of `side` that `other` has let go, before any proof.
  /// - Complexity: O(n) over the values of the files that differ.
  public static func candidates(of side: Side, against other: Side) -> Set<FileKey> {
    if other.frontier.isEmpty { return [] }
    return Set(
      side.stamps.lazy.filter { key, stamp in
        other.frontier.covers(stamp) && other.hosts.contains(key.host) && other.stamps[key] == nil
      }.map(\.key))
  }

  /// The candidates that the join drops: of each unique_id all or none.
  /// - Parameters:
  ///   - values: every value that this side has of the candidates' unique_ids, in any file.
  ///   - beside: the same of the other side.
  ///   - history: tombstones of these unique_ids that there ever were; asked at most once, and only for live values
  ///     that no tombstone in sight had seen.
  public static func dropped<Failure: Error>(
    _ candidates: Set<FileKey>, values: [FileKey: Metadata], beside: [FileKey: Metadata],
    history: (Set<ByteString>) throws(Failure) -> [Metadata]
  ) throws(Failure) -> Set<FileKey> {
    var groups: [ByteString: Group] = [:]
    for (key, metadata) in values {
      if candidates.contains(key) {
        groups[key.uniqueID, default: Group()].going.append(metadata)
      } else {
        groups[key.uniqueID, default: Group()].stay(metadata, at: key)
      }
    }
    for (key, metadata) in beside { groups[key.uniqueID]?.stay(metadata, at: key) }

    var dropped: Set<ByteString> = []
    var unproven: Set<ByteString> = []
    for (uniqueID, group) in groups where !group.going.isEmpty {
      if group.isProven(by: []) { dropped.insert(uniqueID) } else { unproven.insert(uniqueID) }
    }
    if !unproven.isEmpty {
      var tombstones: [ByteString: [Metadata]] = [:]
      for metadata in try history(unproven) where metadata.isDeleted {
        tombstones[metadata.uniqueID, default: []].append(metadata)
      }
      for uniqueID in unproven where groups[uniqueID]?.isProven(by: tombstones[uniqueID] ?? []) == true {
        dropped.insert(uniqueID)
      }
    }
    dropped = dropped.filter { groups[$0]?.hidesNothing == true }
    return candidates.filter { dropped.contains($0.uniqueID) }
  }

  /// The values of one unique_id.
  private struct Group {
    var going: [Metadata] = []
    private var staying: [Metadata] = []
    /// Of those what the join leaves in each file.
    private var standing: [FileKey: Metadata] = [:]

    mutating func stay(_ metadata: Metadata, at key: FileKey) {
      staying.append(metadata)
      if standing[key].map({ $0.stamp < metadata.stamp }) ?? true { standing[key] = metadata }
    }

    /// Whether a known tombstone had seen each live value that would go.
    func isProven(by history: [Metadata]) -> Bool {
      let tombstones = going.filter(\.isDeleted) + staying.filter(\.isDeleted) + history
      return going.allSatisfy { value in
        value.isDeleted || tombstones.contains { $0.hasSeen(value.stamp) }
      }
    }

    /// Whether no tombstone that would go keeps a value that stays from showing again.
    var hidesNothing: Bool {
      !going.contains { tombstone in
        tombstone.isDeleted
          && standing.values.contains { !$0.isDeleted && $0.stamp < tombstone.stamp && tombstone.hasSeen($0.stamp) }
      }
    }
  }
}
