import CRDT
import Memory

/// A tree of a store as far as collecting tombstones goes: values, records, history. Joined by the product's own rules.
struct ModelTree {
  struct Record: Equatable {
    var seen: [ByteString: Instant] = [:]
    var collected = CollectedFrontier()
    /// Host → its mark when it was said to be gone.
    var retired: [ByteString: Instant] = [:]
  }

  var values: [FileKey: Metadata] = [:]
  var records: [ByteString: Record] = [:]
  /// Every value of the lineage.
  var history: Set<Metadata> = []

  var marks: [ByteString: Instant] {
    var marks: [ByteString: Instant] = [:]
    for (host, record) in records { marks[host] = record.seen[host] }
    return marks
  }

  var frontier: CollectedFrontier { records.values.reduce(into: CollectedFrontier()) { $0.formUnion($1.collected) } }

  func isRetired(_ host: ByteString) -> Bool {
    let mark = records.values.compactMap { $0.retired[host] }.max()
    guard let mark else { return false }
    return marks[host].map { $0 <= mark } ?? true
  }

  private var side: CollectedJoin.Side {
    CollectedJoin.Side(hosts: Set(records.keys), stamps: values.mapValues(\.stamp), frontier: frontier)
  }

  private func values(of uniqueIDs: Set<ByteString>) -> [FileKey: Metadata] {
    values.filter { uniqueIDs.contains($0.key.uniqueID) }
  }

  func joined(with other: ModelTree) -> ModelTree {
    let ours = CollectedJoin.candidates(of: side, against: other.side)
    let theirs = CollectedJoin.candidates(of: other.side, against: side)
    let uniqueIDs = Set(ours.map(\.uniqueID)).union(theirs.map(\.uniqueID))
    let mine = values(of: uniqueIDs)
    let others = other.values(of: uniqueIDs)
    let all = history.union(other.history)
    func past(_ ids: Set<ByteString>) -> [Metadata] { all.filter { ids.contains($0.uniqueID) } }
    let ourDropped = CollectedJoin.dropped(ours, values: mine, beside: others, history: past)
    let theirDropped = CollectedJoin.dropped(theirs, values: others, beside: mine, history: past)

    var result = ModelTree(history: all)
    result.values = values.filter { !ourDropped.contains($0.key) }
      .merging(other.values.filter { !theirDropped.contains($0.key) }) { $0.stamp >= $1.stamp ? $0 : $1 }
    result.records = records.merging(other.records) { ours, theirs in
      Record(
        seen: ours.seen.merging(theirs.seen) { max($0, $1) },
        collected: [theirs.collected].reduce(into: ours.collected) { $0.formUnion($1) },
        retired: ours.retired.merging(theirs.retired) { max($0, $1) })
    }
    return result
  }

  /// The value that counts of each unique_id.
  var winners: [ByteString: Metadata] {
    var winners: [ByteString: Metadata] = [:]
    for metadata in values.values {
      if winners[metadata.uniqueID].map({ $0.stamp < metadata.stamp }) ?? true { winners[metadata.uniqueID] = metadata }
    }
    return winners
  }

  func known(_ uniqueID: ByteString) -> KnownStamps {
    var known = KnownStamps()
    for metadata in values.values where metadata.uniqueID == uniqueID { known.formUnion(KnownStamps(of: metadata)) }
    return known
  }
}

/// One host of the model: its tree, its clock.
struct ModelHost {
  let name: ByteString
  var tree = ModelTree()
  var highWater = Instant.epoch
  /// How far its wall clock is ahead of the others', in seconds.
  var skew: Int64 = 0

  mutating func tick(_ now: Int64, above: Instant?) -> Stamp {
    let instant = max(Instant(unixSeconds: now + skew), highWater, above ?? .epoch).nextTick
    highWater = instant
    return Stamp(instant: instant, host: name)
  }

  mutating func write(_ uniqueID: ByteString, now: Int64, isDeleted: Bool, seen: KnownStamps) {
    let above = [tree.known(uniqueID).greatest, seen.greatest].compactMap(\.self).max()
    let stamp = tick(now, above: above)
    let metadata = Metadata(
      stamp: stamp, version: 1, uniqueID: uniqueID, isDeleted: isDeleted, seen: seen.seen(by: name))
    tree.values[FileKey(host: name, uniqueID: uniqueID)] = metadata
    tree.history.insert(metadata)
    record()
  }

  /// What this host commits with every change: its own mark, and those it has merged.
  mutating func record() {
    let (marks, frontier) = (tree.marks, tree.frontier)
    var record = tree.records[name] ?? ModelTree.Record()
    for (host, mark) in marks where host != name { record.seen[host] = mark }
    record.seen[name] = max(record.seen[name] ?? highWater, highWater)
    record.collected.formUnion(frontier)
    tree.records[name] = record
  }

  mutating func merge(_ other: ModelTree, now: Int64) {
    tree = tree.joined(with: other)
    highWater = max(highWater, tree.values.values.map(\.stamp.instant).max() ?? .epoch)
    // Own live values that lost to a deletion, and that nobody had seen, are written again.
    let winners = tree.winners
    for (key, metadata) in tree.values.sorted(by: { $0.value.stamp < $1.value.stamp })
    where key.host == name && !metadata.isDeleted {
      guard let winner = winners[key.uniqueID], winner.isDeleted else { continue }
      let isSeen = tree.values.contains {
        $0.key.uniqueID == key.uniqueID && $0.value != metadata && $0.value.hasSeen(metadata.stamp)
      }
      if isSeen { continue }
      var known = KnownStamps(of: metadata)
      known.formUnion(KnownStamps(of: winner))
      write(key.uniqueID, now: now, isDeleted: false, seen: known)
    }
  }

  /// - Returns: the plan that was followed.
  @discardableResult
  mutating func collect() -> CollectionPlan {
    record()
    var seen: [ByteString: [ByteString: Instant]] = [:]
    for (host, record) in tree.records where !tree.isRetired(host) { seen[host] = record.seen }
    let winners = tree.winners
    let plan = CollectionPlan(
      deleted: tree.values.filter { winners[$0.key.uniqueID]?.isDeleted == true }, marks: tree.marks, seen: seen,
      frontier: tree.frontier)
    tree.values = tree.values.filter { !plan.values.contains($0.key) }
    tree.records[name]?.collected.formUnion(plan.frontier)
    return plan
  }
}
