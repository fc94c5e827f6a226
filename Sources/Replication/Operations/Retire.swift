import CRDT
import Git
import Memory

extension Store {
  /// Says that a host is gone, so that tombstones no longer wait for it. Its values stay. When it writes again after all,
  /// it counts as before.
  ///
  /// - Returns: whether that is news.
  /// - Throws: `.usage` for this host itself, `.noInput` for one nobody knows, `.badData` while something it wrote is
  ///   known to be unmerged here.
  @discardableResult
  public func retire(_ name: String, options: BackupOptions) throws(ReplicationError) -> Bool {
    try locked(unless: options.isDryRun) { () throws(ReplicationError) in
      try setRetired(name, true, options: options)
    }
  }

  /// Takes it back: tombstones wait for that host again.
  /// - Returns: whether it was retired.
  @discardableResult
  public func unretire(_ name: String, options: BackupOptions) throws(ReplicationError) -> Bool {
    try locked(unless: options.isDryRun) { () throws(ReplicationError) in
      try setRetired(name, false, options: options)
    }
  }

  private func setRetired(_ name: String, _ isGone: Bool, options: BackupOptions) throws(ReplicationError) -> Bool {
    let old = try tip()
    let oldTree = try tree(of: old)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: oldTree, tips: [old].compactMap(\.self))
    let identity = try identify(options, tree: oldTree)
    let host = ByteString(name)
    let records = try HostRecords(of: oldTree, in: repository)
    let newest = newestByFile(table)[host]
    let hasFile = oldTree.stateFiles.keys.contains { StoreTree.isStateFile($0, of: name) }
    guard records.byHost[host] != nil || hasFile else {
      throw ReplicationError(.noInput, "no host \(name) writes to this store", remedy: "`crdt-backup hosts` lists them")
    }
    if host == identity.host.bytes {
      throw ReplicationError(.usage, "\(name) is this host", remedy: "Retire it on another one, once it is gone")
    }
    if records.isRetired(host, newest: newest) == isGone { return false }
    let mark = records.mark(of: host, newest: newest)
    if isGone { try refuseUnmerged(name, mark: mark, records: records, reader: reader) }
    if options.isDryRun { return true }

    var clock = try loadClock()
    witnessAll(table, with: &clock)
    let at = clock.tick(wall: wall, replacing: records.retirement(of: host)?.at)
    try save(clock)
    var tree = try recordingSeen(of: table, in: oldTree, as: identity, clock: clock, reader: reader)
    guard var record = try HostRecords(of: tree, in: repository).byHost[identity.host.bytes],
      record.replica == identity.replica.identity
    else {
      throw ReplicationError(
        .configuration, "this host's record was written by a newer version", remedy: "Update crdt-backup here")
    }
    record.retirements[host] = HostRecord.Retirement(at: at, mark: isGone ? mark ?? .epoch : nil)
    tree.hostRecords[StoreTree.hostRecordName(of: identity.host.text)] = try write(record.written)
    let message = "\(identity.host): \(name) is \(isGone ? "gone" : "back")"
    let commit = try commit(tree, parents: [old].compactMap(\.self), host: identity.host, message: message)
    try move(from: old, to: commit, message: "crdt-backup: \(message)")
    return true
  }

  private func refuseUnmerged(_ name: String, mark: Instant?, records: HostRecords, reader: StateReader)
    throws(ReplicationError)
  {
    var reason: String?
    if reader.damagedPaths.contains(where: { StoreTree.isStateFile($0, of: name) }) {
      reason = "its file is damaged"
    } else if records.byHost.values.contains(where: { $0.seen[ByteString(name)] ?? .earliest > mark ?? .earliest }) {
      reason = "another host has merged more of it"
    } else if let tracked = try trackedTip(), let tip = try tip(),
      try !replicating({ () throws(GitError) in try repository.isAncestor(tracked, of: tip) })
    {
      reason = "the remote has commits that are not merged here"
    }
    guard let reason else { return }
    throw ReplicationError(
      .badData, "\(name) may have written what is not merged here: \(reason)",
      remedy: "Nothing was changed. Run crdt-backup, then try again")
  }
}
