import CRDT

/// The name of one unit of memory among all of a store's.
public struct EntryKey: Hashable, Sendable {
  public var source: ByteString?
  public var id: ByteString

  public init(source: ByteString?, id: ByteString) {
    self.source = source
    self.id = id
  }
}

extension EntryTable {
  /// Kinds that a reader of plain memory sees. Checkpoints, backups and the like are state, not memory.
  package static let visibleKinds: Set<ByteString> = ["observation"]

  /// The live memory as a reader wants it: of each id of each source the live winner with the greatest stamp.
  /// - Parameter winners: what ``join()`` returned.
  /// - Returns: indices in the canonical order.
  /// - Complexity: O(n) expected.
  public func view(of winners: [Int]) -> [Int] {
    var shown: [EntryKey: Int] = [:]
    shown.reserveCapacity(winners.count)
    for index in winners where !isDeleted(index) && isVisible(index) {
      let key = entryKey(index)
      guard let other = shown[key] else {
        shown[key] = index
        continue
      }
      if isBelow(other, index) { shown[key] = index }
    }
    let chosen = Set(shown.values)
    return winners.filter { chosen.contains($0) }
  }

  /// The id of an entry: see ``Entry/id``.
  public func entryID(_ index: Int) -> ByteString {
    let unique = uniqueID(index)
    return UniqueID(unique)?.id ?? entry(index).id
  }

  /// The source of an entry: see ``Metadata/source``.
  public func entrySource(_ index: Int) -> ByteString? {
    records[index].flags.contains(.hasSource) ? entry(index).metadata.source : nil
  }

  /// What an entry goes by: the same id in two sources is two things.
  public func entryKey(_ index: Int) -> EntryKey { EntryKey(source: entrySource(index), id: entryID(index)) }

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
