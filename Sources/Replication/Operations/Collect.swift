import CRDT
import Git
import Memory
import Processes

/// What `gc` did, or would do.
public struct CollectionReport: Sendable {
  /// A host that has not merged some tombstones yet.
  public struct Waiting: Sendable, Hashable {
    public var host: String
    public var isThisHost: Bool
    /// How many tombstones wait for it.
    public var tombstones: Int
    /// When the oldest of them was written.
    public var oldest: Instant
    /// The newest it is known to have written or merged; `nil` when it keeps no record.
    public var lastSign: Instant?
  }

  /// Ids whose tombstones went.
  public var ids: [ByteString] = []
  /// Tombstones that went.
  public var tombstones = 0
  /// Values that they had deleted, and that went with them.
  public var values = 0
  /// What holds the others up, by host.
  public var waiting: [Waiting] = []
  /// Tombstones that stay although everybody has seen them.
  public var kept: [CollectionPlan.Reason: Int] = [:]
  /// Whether git packed the store.
  public var isPacked = false
  public var commit: ObjectID?
}

extension Store {
  /// Ends tombstones that every host has seen, with the values they deleted, commits that here, and packs the store.
  ///
  /// ``CollectionPlan`` says which; ``CollectedJoin`` says why nothing comes back. History keeps every value. Where a
  /// tombstone waits for this host's word that it was seen, that word is committed. Running it again changes nothing.
  /// - Throws: `.badData` when a state file is damaged: what is in it is not known.
  public func collect(_ options: BackupOptions) throws(ReplicationError) -> CollectionReport {
    try locked(unless: options.isDryRun) { () throws(ReplicationError) in try collectLocked(options) }
  }

  private func collectLocked(_ options: BackupOptions) throws(ReplicationError) -> CollectionReport {
    guard let old = try tip() else {
      throw ReplicationError(.noInput, "the store is empty: there is nothing to collect")
    }
    let oldTree = try tree(of: old)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: oldTree, tips: [old])
    if let damage = reader.warnings.first {
      throw ReplicationError(
        .badData, "\(damage): nothing was collected", remedy: "A backup on that host writes its file again")
    }
    let identity = try identify(options, tree: oldTree)
    var clock = try loadClock()
    let records = try HostRecords(of: oldTree, in: repository)
    guard var record = record(seeing: table, beside: records, as: identity, clock: clock, reader: reader) else {
      throw ReplicationError(
        .configuration, "this host's record was written by a newer version", remedy: "Update crdt-backup here")
    }
    let deleted = Set(table.join().filter { table.isDeleted($0) }.map { table.uniqueID($0) })
    let values = TreeCollection.values(of: deleted, in: table)
    let newest = newestByFile(table)
    let hosts = Set(oldTree.stateFiles.keys.map { ByteString(StoreTree.hostText(ofStateFile: $0)) })
    func planned(_ records: HostRecords) -> CollectionPlan {
      var seen: [ByteString: [ByteString: Instant]] = [:]
      for host in hosts.union(records.byHost.keys) where !records.isRetired(host, newest: newest[host]) {
        seen[host] = records.byHost[host]?.seen ?? [:]
      }
      return CollectionPlan(deleted: values, marks: records.marks, seen: seen, frontier: records.frontier)
    }
    let plan = planned(records.replacing(record))
    var report = report(plan, records: records.replacing(record), own: identity.host)
    report.commit = old
    if options.isDryRun { return report }

    // Tombstones that wait for this host's word: that it has seen them, or that its clock has come up to them.
    func waiting(_ plan: CollectionPlan) -> Int {
      (plan.waiting[identity.host.bytes]?.count ?? 0) + (plan.kept[.ahead]?.count ?? 0)
    }
    let isWaitedFor = waiting(planned(records)) > waiting(plan)
    if !plan.values.isEmpty || isWaitedFor {
      let collection = TreeCollection(repository: repository, reader: reader)
      var tree = try collection.without(plan.values, oldTree, tips: [old])
      record.collected.formUnion(plan.frontier)
      tree.hostRecords[StoreTree.hostRecordName(of: identity.host.text)] = try write(record.written)
      tree = try completed(tree, as: identity, clock: &clock, reader: reader, tips: [old])
      let message =
        plan.values.isEmpty
        ? "\(identity.host): seen what the others wrote" : "\(identity.host): ended \(plan.tombstones.count) tombstones"
      let commit = try commit(tree, parents: [old], host: identity.host, message: message)
      try move(from: old, to: commit, message: "crdt-backup: \(message)")
      report.commit = commit
    }
    report.isPacked = repository.pack(deadline: .after(seconds: 600))
    return report
  }

  private func report(_ plan: CollectionPlan, records: HostRecords, own: HostName) -> CollectionReport {
    var report = CollectionReport()
    report.ids = Set(plan.tombstones.map { UniqueID($0.uniqueID)?.id ?? $0.uniqueID }).sorted()
    report.tombstones = plan.tombstones.count
    report.values = plan.values.count - plan.tombstones.count
    report.kept = plan.kept.mapValues(\.count)
    report.waiting = plan.waiting.sorted { $0.key < $1.key }.map { host, tombstones in
      CollectionReport.Waiting(
        host: host.description, isThisHost: host == own.bytes, tombstones: tombstones.count,
        oldest: tombstones.map(\.stamp.instant).min() ?? wall,
        lastSign: records.byHost[host]?.seen.values.max())
    }
    return report
  }

  /// Of each host the newest stamp in its own file.
  func newestByFile(_ table: EntryTable) -> [ByteString: Instant] {
    var newest: [ByteString: Instant] = [:]
    for index in 0..<table.count {
      let host = ByteString(StoreTree.hostText(ofStateFile: table.sources[table.sourceIndex(index)].name))
      let instant = table.stamp(index).instant
      newest[host] = max(newest[host] ?? instant, instant)
    }
    return newest
  }
}
