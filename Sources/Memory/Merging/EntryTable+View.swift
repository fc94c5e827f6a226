import CRDT

extension EntryTable {
  /// Kinds that a reader of plain memory sees. Checkpoints, backups and the like are state, not memory.
  package static let visibleKinds: Set<ByteString> = ["observation"]

  /// The live memory as a reader wants it: of each id the live winner with the greatest stamp.
  /// - Parameter winners: what ``join()`` returned.
  /// - Returns: indices in the canonical order.
  /// - Complexity: O(n) expected.
  public func view(of winners: [Int]) -> [Int] {
    var shown: [ByteString: Int] = [:]
    shown.reserveCapacity(winners.count)
    for index in winners where !isDeleted(index) && isVisible(index) {
      let id = entryID(index)
      guard let other = shown[id] else {
        shown[id] = index
        continue
      }
      if isBelow(other, index) { shown[id] = index }
    }
    let chosen = Set(shown.values)
    return winners.filter { chosen.contains($0) }
  }

  /// The id of an entry: see ``Entry/id``.
  public func entryID(_ index: Int) -> ByteString {
    let unique = uniqueID(index)
    return UniqueID(unique)?.id ?? entry(index).id
  }

  /// Whether a reader of plain memory sees the entry while it lives.
  func isVisible(_ index: Int) -> Bool {
    guard records[index].flags.contains(.hasKind) else { return true }
    return entry(index).metadata.kind.map(EntryTable.visibleKinds.contains) ?? true
  }

  /// The newest stamp of every host among all entries read.
  public func newestStamps() -> [ByteString: Instant] {
    var newest: [ByteString: Instant] = [:]
    for index in records.indices {
      let stamp = stamp(index)
      newest[stamp.host] = max(newest[stamp.host] ?? stamp.instant, stamp.instant)
    }
    return newest
  }

  /// The newest instant among all entries read that is not after `bound`.
  public func newestInstant(upTo bound: Instant) -> Instant? {
    var newest: Instant?
    for record in records where record.instant <= bound && newest.map({ $0 < record.instant }) ?? true {
      newest = record.instant
    }
    return newest
  }
}
