import CRDT
import Git
import Memory

/// Who writes: the host's name and the installation behind it.
struct Identity: Hashable {
  var host: HostName
  var replica: PrivateState.Replica
}

extension Store {
  /// The tree with entries of `host` joined into that host's files. Throws `.internal` rather than lose one of them.
  func adding(_ entries: [Entry], to tree: StoreTree, host: HostName, tips: [ObjectID]) throws(ReplicationError)
    -> StoreTree
  {
    let reader = StateReader(repository: repository)
    var tree = tree
    var byPath: [String: [Entry]] = [:]
    for entry in entries {
      byPath[tree.statePath(host: host.text, uniqueID: entry.metadata.uniqueID.bytes), default: []].append(entry)
    }
    for (path, added) in byPath {
      var sources: [Source] = []
      if let id = tree.stateFiles[path], let source = try reader.source(path: path, id: id, tips: tips) {
        sources.append(source)
      }
      sources.append(Source(name: path, bytes: Store.state(of: added)))
      let table: EntryTable
      do { table = try EntryTable(sources) } catch { throw ReplicationError(error) }
      let winners = table.join()
      let joined = Set(winners.map { table.entry($0).metadata })
      if let lost = added.first(where: { !joined.contains($0.metadata) }) {
        throw ReplicationError(
          .internal, "\(lost.id): what was to be written is less than what \(path) has of it",
          remedy: "Nothing was changed")
      }
      tree.stateFiles[path] = try write(table.write(winners))
    }
    return tree
  }

  /// A state file of just these entries, in their order.
  static func state(of entries: [Entry]) -> [UInt8] {
    var bytes: [UInt8] = [0x5B, 0x0A]
    for (index, entry) in entries.enumerated() {
      if index > 0 { bytes += [0x2C, 0x0A] }
      bytes += entry.bytes
    }
    return bytes + [0x0A, 0x5D, 0x0A]
  }

  /// The tree with everything that follows from its state files: own edits that a deletion never saw written again,
  /// `unified-memory.json` recomputed, this host's record brought up to date, the attributes of a new store.
  ///
  /// - Parameter clock: advanced, and made durable, where something had to be written again.
  func completed(
    _ tree: StoreTree, as identity: Identity, clock: inout HybridLogicalClock, reader: StateReader, tips: [ObjectID]
  ) throws(ReplicationError) -> StoreTree {
    var tree = tree
    var table = try reader.table(of: tree, tips: tips)
    var winners = table.join()
    let again = reassertions(in: table, winners: winners, host: identity.host, clock: &clock)
    if !again.isEmpty {
      try save(clock)
      tree = try adding(again, to: tree, host: identity.host, tips: tips)
      table = try reader.table(of: tree, tips: tips)
      winners = table.join()
    }
    tree.unified = try write(table.write(winners))
    tree = try recordingSeen(of: table, in: tree, as: identity, clock: clock, reader: reader)
    if !tree.foreign.contains(where: { $0.name == StoreTree.attributesName }) {
      let attributes = try write(Array(Store.attributes.utf8))
      tree.foreign.append(TreeEntry(name: StoreTree.attributesName, mode: .file, id: attributes))
      tree.sortForeign()
    }
    return tree
  }

  /// For people who merge by hand; `crdt-merge install` registers the driver.
  static let attributes = """
    memory-*.json merge=crdt-memory
    memory-*/*.json merge=crdt-memory
    unified-memory.json merge=crdt-memory

    """

  /// Own live values that lost to a tombstone which had not seen them, under new stamps: deletion removes what was
  /// seen, never what was not (DESIGN 6). What anybody else has seen and replaced or deleted stays so, whichever
  /// tombstone is the greatest.
  private func reassertions(
    in table: EntryTable, winners: [Int], host: HostName, clock: inout HybridLogicalClock
  ) -> [Entry] {
    var deletedBy: [ByteString: Int] = [:]
    for index in winners where table.isDeleted(index) { deletedBy[table.uniqueID(index)] = index }
    if deletedBy.isEmpty { return [] }
    var unseen: [(own: Int, tombstone: Metadata)] = []
    for index in 0..<table.count where !table.isDeleted(index) {
      guard StoreTree.isStateFile(table.sources[table.sourceIndex(index)].name, of: host.text),
        let winner = deletedBy[table.uniqueID(index)], table.stamp(index).host == host.bytes
      else { continue }
      let tombstone = table.entry(winner).metadata
      // Nothing can be written above the end of time: the value stays in our file, and in the log.
      if tombstone.stamp.instant >= .latest { continue }
      if !tombstone.hasSeen(table.stamp(index)) { unseen.append((index, tombstone)) }
    }
    if unseen.isEmpty { return [] }
    let uniqueIDs = Set(unseen.map { table.uniqueID($0.own) })
    var all: [ByteString: [Metadata]] = [:]
    for index in 0..<table.count where uniqueIDs.contains(table.uniqueID(index)) {
      all[table.uniqueID(index), default: []].append(table.entry(index).metadata)
    }
    var again: [Entry] = []
    for (index, tombstone) in unseen {
      let lost = table.entry(index)
      let isSeen = (all[table.uniqueID(index)] ?? []).contains {
        $0 != lost.metadata && $0.hasSeen(lost.metadata.stamp)
      }
      if isSeen { continue }
      var metadata = lost.metadata
      metadata.stamp = Stamp(
        instant: clock.tick(wall: wall, replacing: tombstone.stamp.instant), host: host.bytes)
      metadata.version = Metadata.nextVersion(after: lost.metadata.version, tombstone.version)
      var known = KnownStamps(of: lost.metadata)
      known.formUnion(KnownStamps(of: tombstone))
      metadata.seen = known.seen(by: host.bytes)
      again.append(Entry(content: lost.content, metadata: metadata))
    }
    return again
  }

  /// The tree with this host's record naming of every host the mark up to which all it wrote is merged here.
  ///
  /// That is the mark in the other's own record, not the newest stamp in its file: a stamp may be ahead of what its
  /// writer stamps next, where it had to be lifted over a broken clock elsewhere. Without a record the newest stamp has
  /// to do; of a file that is damaged nothing new is said. For this host it is the clock's mark: not below any stamp of
  /// its own, and not raised by lifted ones. From it the clock is rebuilt when the private state is lost.
  func recordingSeen(
    of table: EntryTable, in tree: StoreTree, as identity: Identity, clock: HybridLogicalClock, reader: StateReader
  ) throws(ReplicationError) -> StoreTree {
    let records = try HostRecords(of: tree, in: repository)
    guard var record = record(seeing: table, beside: records, as: identity, clock: clock, reader: reader) else {
      return tree
    }
    record.formats.merge(memoryFormats) { _, now in now }
    var tree = tree
    tree.hostRecords[StoreTree.hostRecordName(of: identity.host.text)] = try write(record.written)
    return tree
  }

  /// That record itself; `nil` where a newer version of this product wrote it: it says more than this one could.
  func record(
    seeing table: EntryTable, beside records: HostRecords, as identity: Identity, clock: HybridLogicalClock,
    reader: StateReader
  ) -> HostRecord? {
    let own = identity.host.bytes
    var record = HostRecord(
      host: identity.host, replica: identity.replica.identity, created: identity.replica.created)
    if let existing = records.byHost[own], existing.replica == record.replica {
      if existing.formatVersion > HostRecord.currentFormatVersion { return nil }
      record = existing
    }
    let damaged = Set(reader.damagedPaths.map { ByteString(StoreTree.hostText(ofStateFile: $0)) })
    let marks = records.marks
    for (host, mark) in marks
    where host != own && mark > .epoch && !damaged.contains(host) {
      record.seen[host] = mark
    }
    for (host, instant) in table.newestStamps() where host != own && marks[host] == nil && !damaged.contains(host) {
      record.seen[host] = max(record.seen[host] ?? instant, instant)
    }
    if clock.highWater > .epoch { record.seen[own] = max(record.seen[own] ?? clock.highWater, clock.highWater) }
    record.collected.formUnion(records.frontier)
    return record
  }

  /// Writes a commit object. No ref moves.
  func commit(_ tree: StoreTree, parents: [ObjectID], host: HostName, message: String) throws(ReplicationError)
    -> ObjectID
  {
    let signature = try signature(host: host)
    return try replicating { () throws(GitError) in
      try repository.writeCommit(
        tree: try tree.write(to: repository), parents: parents, signature: signature, message: message)
    }
  }

  /// Moves the store's branch, if it is still where it was.
  func move(from old: ObjectID?, to new: ObjectID, message: String) throws(ReplicationError) {
    guard old != new else { return }
    try waitingForLocks { () throws(GitError) in
      try repository.updateReference(branchReference, to: new, expecting: old, message: message)
    }
  }

  /// Writes a setting to the store's git config.
  func set(_ key: String, _ value: String?) throws(ReplicationError) {
    try waitingForLocks { () throws(GitError) in try repository.setSetting(key, to: value) }
  }

  /// Does what needs one of git's locks. A killed process leaves its lock file, a living one holds it for moments.
  private func waitingForLocks(_ body: () throws(GitError) -> Void) throws(ReplicationError) {
    for attempt in 0... {
      do throws(GitError) {
        try body()
        return
      } catch {
        guard error.code == .locked, attempt < 40 else { throw ReplicationError(error) }
        effects.sleepMilliseconds(250)
        _ = try replicating { () throws(GitError) in
          try repository.clearAbandonedLocks(minimumAgeSeconds: Store.abandonedLockSeconds)
        }
      }
    }
  }

  /// The age at which git's lock on a ref or the config cannot be a living process's.
  static let abandonedLockSeconds: Int64 = 5

  func write(_ bytes: [UInt8]) throws(ReplicationError) -> ObjectID {
    try replicating { () throws(GitError) in try repository.writeBlob(bytes) }
  }
}
