import CRDT

/// Stamps what was decided, and keeps the books.
struct IngestWriter {
  let host: HostName
  let source: ByteString?
  let wall: Instant
  var clock: HybridLogicalClock
  var result: IngestResult
  /// Positions in the new base of items that were edited while the file stood for other unique_ids too.
  private var editedBeside: [Int] = []

  init(host: HostName, source: ByteString?, wall: Instant, clock: HybridLogicalClock, result: IngestResult) {
    self.host = host
    self.source = source
    self.wall = wall
    self.clock = clock
    self.result = result
  }

  /// One item of the file.
  mutating func take(_ item: MemoryDocument.Item, _ digest: ContentDigest, _ outcome: IngestMatching.Outcome) {
    if item.kind == Quarantine.kind { result.quarantined.append(QuarantinedLine(id: item.id, line: item.line)) }
    switch outcome {
    case .unchanged(let base):
      result.unchangedCount += 1
      result.base.items.append(base)
    case .recognised(let value, let previous):
      result.recognised.append(item.id)
      result.base.items.append(IngestWriter.recognised(value, previous: previous, digest))
    case .edited(let base, let winner):
      result.changed.append(item.id)
      write(item, digest, base: base, winner: winner)
    case .copy:
      result.recognised.append(item.id)
    case .added:
      result.added.append(item.id)
      add(item, digest)
    }
  }

  /// An item that stays on this host: what was backed up of it before stands.
  mutating func holdBack(_ entry: HeldBackEntry, _ outcome: IngestMatching.Outcome) {
    result.heldBack.append(entry)
    guard case .edited(var base, _) = outcome else { return }
    base.isVanished = false
    result.base.items.append(base)
  }

  /// The file now stands for this value, and has still seen what it showed before.
  private static func recognised(_ value: KnownValue, previous: IngestBase.Item?, _ digest: ContentDigest)
    -> IngestBase.Item
  {
    var known = KnownStamps(of: value.metadata)
    var others = previous?.others ?? [:]
    if let previous {
      if previous.uniqueID == value.metadata.uniqueID {
        known.formUnion(previous.known)
      } else {
        others[previous.uniqueID, default: KnownStamps()].formUnion(previous.known)
        if let earlier = others.removeValue(forKey: value.metadata.uniqueID) { known.formUnion(earlier) }
      }
    }
    return IngestBase.Item(
      id: value.id, uniqueID: value.metadata.uniqueID, contentDigest: digest, version: value.metadata.version,
      stamp: value.metadata.stamp, known: known, others: others)
  }

  private mutating func write(
    _ item: MemoryDocument.Item, _ digest: ContentDigest, base: IngestBase.Item, winner: KnownValue?
  ) {
    let metadata = successor(
      of: base.uniqueID, version: base.version, known: base.known, winner: winner, kind: item.kind)
    result.entries.append(Entry(content: item.content, metadata: metadata))
    var written = base
    written.contentDigest = digest
    written.version = metadata.version
    written.stamp = metadata.stamp
    written.known.insert(metadata.stamp)
    written.isVanished = false
    if !written.others.isEmpty { editedBeside.append(result.base.items.count) }
    result.base.items.append(written)
  }

  /// An edit that had seen the other values of its id settles them: a tombstone for each that no item stands for. A
  /// value among them that the file never showed stays, and stays a conflict.
  /// - Parameter values: what is known of the ids of edited items.
  mutating func settleEdited(values: [ByteString: KnownValues]) {
    if editedBeside.isEmpty { return }
    let standing = Set(result.base.items.map(\.uniqueID))
    var settled: Set<ByteString> = []
    for position in editedBeside {
      let item = result.base.items[position]
      for (uniqueID, known) in item.others.sorted(by: { $0.key < $1.key })
      where !standing.contains(uniqueID) && settled.insert(uniqueID).inserted {
        guard let winner = values[item.id]?.winner(of: uniqueID),
          !winner.metadata.isDeleted, known.covers(winner.metadata.stamp), winner.metadata.stamp.instant < .latest
        else { continue }
        let metadata = successor(of: uniqueID, version: 0, known: known, winner: winner, kind: nil)
        result.entries.append(Entry.tombstone(of: metadata))
        result.base.items[position].others[uniqueID]?.insert(metadata.stamp)
      }
    }
  }

  private mutating func add(_ item: MemoryDocument.Item, _ digest: ContentDigest) {
    let stamp = Stamp(instant: clock.tick(wall: wall), host: host.bytes)
    let uniqueID = UniqueID(host: host, id: item.id, created: stamp.instant).text
    result.entries.append(
      Entry(
        content: item.content,
        metadata: Metadata(stamp: stamp, version: 1, uniqueID: uniqueID, kind: item.kind, source: source)))
    var known = KnownStamps()
    known.insert(stamp)
    result.base.items.append(
      IngestBase.Item(id: item.id, uniqueID: uniqueID, contentDigest: digest, version: 1, stamp: stamp, known: known))
  }

  /// An item that is no longer in the file and stays in the state.
  mutating func keep(_ item: IngestBase.Item) {
    if !item.isVanished { result.vanished.append(item.id) }
    var kept = item
    kept.isVanished = true
    result.base.items.append(kept)
  }

  /// An item that the user deleted.
  /// - Parameter isWholeIDGone: no item of that id is left, so all that it stood for goes, not only what it showed.
  mutating func delete(_ item: IngestBase.Item, values: KnownValues?, isWholeIDGone: Bool) {
    let (isDeleted, isOutlived) = bury(item, values: values, isWholeIDGone: isWholeIDGone)
    if isOutlived { result.outlived.append(item.id) } else if isDeleted { result.deleted.append(item.id) }
  }

  /// A damaged line that is no longer in the file.
  mutating func resolve(_ item: IngestBase.Item, values: KnownValues?, isWholeIDGone: Bool) {
    if bury(item, values: values, isWholeIDGone: isWholeIDGone).isDeleted { result.resolved.append(item.id) }
  }

  /// Writes the tombstones of what a base item stood for, as far as the file had shown it.
  private mutating func bury(_ item: IngestBase.Item, values: KnownValues?, isWholeIDGone: Bool)
    -> (isDeleted: Bool, isOutlived: Bool)
  {
    var targets = isWholeIDGone ? item.others : [:]
    targets[item.uniqueID] = item.known
    var isDeleted = false
    for (uniqueID, known) in targets.sorted(by: { $0.key < $1.key }) {
      guard let winner = values?.winner(of: uniqueID),
        !winner.metadata.isDeleted, known.covers(winner.metadata.stamp), winner.metadata.stamp.instant < .latest
      else { continue }
      let metadata = successor(of: uniqueID, version: 0, known: known, winner: winner, kind: nil)
      result.entries.append(Entry.tombstone(of: metadata))
      isDeleted = true
    }
    let isOutlived =
      isWholeIDGone
      && (values?.all ?? []).contains { value in
        guard value.isWinner, !value.metadata.isDeleted else { return false }
        return targets[value.metadata.uniqueID].map {
          !$0.covers(value.metadata.stamp) || value.metadata.stamp.instant >= .latest
        } ?? true
      }
    return (isDeleted, isOutlived)
  }

  /// Metadata of the value that follows on all that is known of a unique_id, having seen only `known` of it.
  private mutating func successor(
    of uniqueID: ByteString, version: UInt64, known: KnownStamps, winner: KnownValue?, kind: ByteString?
  ) -> Metadata {
    let below = [winner?.metadata.stamp.instant, known.greatest].compactMap { $0 }.max()
    let latest = max(version, winner?.metadata.version ?? 0)
    return Metadata(
      stamp: Stamp(instant: clock.tick(wall: wall, replacing: below), host: host.bytes),
      version: latest == .max ? .max : latest + 1, uniqueID: uniqueID, kind: kind ?? winner?.metadata.kind,
      source: source,
      seen: known.seen(by: host.bytes), unknownMembers: winner?.metadata.unknownMembers ?? [])
  }
}
