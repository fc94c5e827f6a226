import CRDT
import Git
import Memory

/// One host as the store knows it.
public struct HostStatus: Sendable, Hashable {
  public var name: String
  public var isThisHost: Bool
  /// The installation behind the name, 32 hex digits; `nil` when it never wrote a record.
  public var replica: String?
  public var created: Instant?
  /// The newest stamp of what it has written.
  public var lastStamp: Instant?
  /// Live entries and tombstones in its file.
  public var liveEntries = 0
  public var tombstones = 0
  /// Nothing from it for longer than `crdt.silentDays`.
  public var isSilent = false
  /// Somebody said that it is gone, and it has written nothing since.
  public var isRetired = false
}

/// A stamp too far ahead of the wall clock.
public struct DriftingEntry: Sendable, Hashable {
  public var host: ByteString
  public var id: ByteString
  public var instant: Instant
  public var secondsAhead: Int64
}

/// What `status` tells.
public struct StatusReport: Sendable {
  public var folder: String
  public var settings: StoreSettings
  public var wall: Instant
  public var lastVerified: Instant?
  public var lastRun: Instant?
  public var lastExitCode: Int32
  public var lastMessage: String
  /// Commits the remote is not known to have, and since when something waits.
  public var unpushedCommits: Int
  public var unpushedSince: Instant?
  public var commit: ObjectID?
  public var hosts: [HostStatus]
  public var liveEntries: Int
  public var conflicts: Int
  public var drift: [DriftingEntry]
  /// Entries that look like secrets and stay on this host, as of the last run.
  public var heldBack: [HeldBackEntry]
  /// Lines of this host's memory files that cannot be read and are kept as they are, as of the last run.
  public var quarantined: Int
  public var warnings: [String]
}

extension Store {
  /// What this store holds and how its last runs ended. Reads only this host; writes nothing.
  public func status() throws(ReplicationError) -> StatusReport {
    let tip = try tip()
    let tips = [tip].compactMap(\.self)
    let tree = try tree(of: tip)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: tree, tips: tips)
    let run = try privateState.readLastRun()
    let unpushed = try replicating { () throws(GitError) in
      guard settings.remote != nil else { return 0 }
      return try repository.walk(from: tips, hiding: [try repository.reference(trackingReference)].compactMap(\.self))
        .count
    }
    return StatusReport(
      folder: paths.folder, settings: settings, wall: wall, lastVerified: run.verified, lastRun: run.ended,
      lastExitCode: run.exitCode, lastMessage: run.message, unpushedCommits: unpushed,
      unpushedSince: unpushed > 0 ? run.unpushedSince : nil, commit: tip,
      hosts: try hosts(tree: tree, table: table), liveEntries: table.view(of: table.join()).count,
      conflicts: table.conflicts().count, drift: drift(in: table),
      heldBack: try readHeld(), quarantined: try quarantinedLines(), warnings: reader.warnings)
  }

  private func quarantinedLines() throws(ReplicationError) -> Int {
    var count = 0
    for source in settings.sources { count += try privateState.of(source).readIngested()?.counts.quarantined ?? 0 }
    return count
  }

  /// Every host that has written to the store, by name.
  public func hosts() throws(ReplicationError) -> [HostStatus] {
    let tip = try tip()
    let tree = try tree(of: tip)
    let table = try StateReader(repository: repository).table(of: tree, tips: [tip].compactMap(\.self))
    return try hosts(tree: tree, table: table)
  }

  private func hosts(tree: StoreTree, table: EntryTable) throws(ReplicationError) -> [HostStatus] {
    var hosts: [String: HostStatus] = [:]
    for path in tree.stateFiles.keys {
      let name = StoreTree.hostText(ofStateFile: path)
      hosts[name] = HostStatus(name: name, isThisHost: name == settings.host?.text)
    }
    let records = try HostRecords(of: tree, in: repository)
    for record in records.byHost.values {
      let name = record.host.text
      var status = hosts[name] ?? HostStatus(name: name, isThisHost: name == settings.host?.text)
      status.replica = record.replica
      status.created = record.created
      hosts[name] = status
    }
    for index in 0..<table.count {
      let name = StoreTree.hostText(ofStateFile: table.sources[table.sourceIndex(index)].name)
      let instant = table.stamp(index).instant
      guard var host = hosts[name] else { continue }
      host.lastStamp = max(host.lastStamp ?? instant, instant)
      if table.isDeleted(index) { host.tombstones += 1 } else { host.liveEntries += 1 }
      hosts[name] = host
    }
    let newest = newestByFile(table)
    for (name, status) in hosts {
      let isRetired = records.isRetired(ByteString(name), newest: newest[ByteString(name)])
      hosts[name]?.isRetired = isRetired
      // Nobody expects to hear from a host that is gone.
      if isRetired { continue }
      guard let last = status.lastStamp ?? status.created else { continue }
      hosts[name]?.isSilent = wall.seconds(since: last) > settings.silentDays * 86_400
    }
    return hosts.values.sorted { ByteString($0.name) < ByteString($1.name) }
  }

  private func drift(in table: EntryTable) -> [DriftingEntry] {
    let bound = wall.advanced(bySeconds: settings.maxDriftSeconds)
    return (0..<table.count).filter { table.stamp($0).instant > bound }.map { index in
      let stamp = table.stamp(index)
      return DriftingEntry(
        host: stamp.host, id: table.entryID(index), instant: stamp.instant,
        secondsAhead: stamp.instant.seconds(since: wall))
    }
  }
}
