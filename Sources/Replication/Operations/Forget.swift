import CRDT
import Git
import Memory

/// What `forget` removed.
public struct ForgetReport: Sendable {
  public var ids: [ByteString]
  /// Unique_ids that got a tombstone.
  public var tombstones: Int
  public var commit: ObjectID?
}

extension Store {
  /// Writes a tombstone for every live unique_id of an id, and commits it here. Git history still has the values.
  ///
  /// Throws `.noInput` when nothing live has this id, `.usage` for one of several memories, unless one is chosen.
  public func forget(_ id: ByteString, in choice: SourceChoice = .any, options: BackupOptions)
    throws(ReplicationError) -> ForgetReport
  {
    try locked(unless: options.isDryRun) { () throws(ReplicationError) in
      try forgetLocked(id, in: choice, options: options)
    }
  }

  private func forgetLocked(_ id: ByteString, in choice: SourceChoice, options: BackupOptions)
    throws(ReplicationError) -> ForgetReport
  {
    let old = try tip()
    let tips = [old].compactMap(\.self)
    let oldTree = try tree(of: old)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: oldTree, tips: tips)
    let ids = related(to: id, in: table)
    let winners = table.join().filter {
      !table.isDeleted($0) && ids.contains(table.entryID($0)) && choice.contains(table.entrySource($0))
    }
    try choice.settle(id, among: winners.map { table.entrySource($0) })
    guard !winners.isEmpty else {
      throw ReplicationError(
        .noInput, "no live entry has the id \(id)", remedy: "crdt-backup log ID shows deleted ones")
    }
    var report = ForgetReport(
      ids: Set(winners.map { table.entryID($0) }).sorted(), tombstones: winners.count, commit: old)
    if options.isDryRun { return report }

    let identity = try identify(options, tree: oldTree)
    var clock = try loadClock()
    witnessAll(table, with: &clock)
    let known = knownStamps(in: table, of: Set(winners.map { table.uniqueID($0) }))
    let tombstones = winners.map { index in
      var metadata = table.entry(index).metadata
      let stamp = metadata.stamp
      metadata.seen = (known[metadata.uniqueID] ?? KnownStamps(of: metadata)).seen(by: identity.host.bytes)
      metadata.stamp = Stamp(instant: clock.tick(wall: wall, replacing: stamp.instant), host: identity.host.bytes)
      metadata.version = Metadata.nextVersion(after: metadata.version)
      return Entry.tombstone(of: metadata)
    }
    try refuseUnbeatable(
      tombstones, among: Dictionary(uniqueKeysWithValues: winners.map { (table.uniqueID($0), table.entry($0)) }))
    report.commit = try commit(
      tombstones, onto: old, as: identity, clock: &clock, reader: reader,
      message: "\(identity.host): forgot \(tombstones.count) entries")
    return report
  }

  /// Throws where a new value would not win: a peer with a broken clock stamped the last moment there is.
  func refuseUnbeatable(_ entries: [Entry], among winners: [ByteString: Entry]) throws(ReplicationError) {
    for entry in entries {
      guard let winner = winners[entry.metadata.uniqueID], !Entry.isBelow(winner, entry) else { continue }
      throw ReplicationError(
        .badData,
        "\(entry.id) was stamped \(winner.metadata.stamp.instant) by \(winner.metadata.stamp.host), after which nothing can be written",
        remedy:
          "Nothing was changed. The clock of \(winner.metadata.stamp.host) is broken; the entry can only be edited there"
      )
    }
  }

  /// Lets the clock see every stamp of the state that is not too far ahead.
  func witnessAll(_ table: EntryTable, with clock: inout HybridLogicalClock) {
    if let newest = table.newestInstant(upTo: wall.advanced(bySeconds: settings.maxDriftSeconds)) {
      clock.witness(newest, wall: wall)
    }
  }

  /// For each of these unique_ids, the newest stamp of every host that is known here, of what those had seen included.
  func knownStamps(in table: EntryTable, of uniqueIDs: Set<ByteString>) -> [ByteString: KnownStamps] {
    var known: [ByteString: KnownStamps] = [:]
    for index in 0..<table.count {
      let uniqueID = table.uniqueID(index)
      guard uniqueIDs.contains(uniqueID) else { continue }
      known[uniqueID, default: KnownStamps()].formUnion(KnownStamps(of: table.entry(index).metadata))
    }
    return known
  }

  /// Commits entries of this host on the branch: the mark first, then the commit.
  /// - Parameter tree: what the entries are added to, where it is not what `old` holds.
  func commit(
    _ entries: [Entry], onto old: ObjectID?, tree base: StoreTree? = nil, as identity: Identity,
    clock: inout HybridLogicalClock,
    reader: StateReader, message: String
  ) throws(ReplicationError) -> ObjectID {
    try save(clock)
    let tips = [old].compactMap(\.self)
    let oldTree: StoreTree
    if let base { oldTree = base } else { oldTree = try tree(of: old) }
    let added = try adding(entries, to: oldTree, host: identity.host, tips: tips)
    let tree = try completed(added, as: identity, clock: &clock, reader: reader, tips: tips)
    let commit = try commit(tree, parents: tips, host: identity.host, message: message)
    try move(from: old, to: commit, message: "crdt-backup: \(message)")
    return commit
  }
}
