import CRDT
import Git
import Memory

/// One value an id ever had, and what became of it.
public struct LoggedVersion: Sendable {
  public enum Fate: Sendable, Hashable {
    /// The view shows it.
    case shown
    /// A tombstone that holds: the id is gone.
    case deletes
    /// Live, under a unique_id that is not the one shown.
    case otherAddition
    /// Live, and of a kind that is kept beside the memory and that no view shows, such as a backup.
    case record(kind: ByteString)
    /// A later value of the same unique_id, whose writer knew this one.
    case replaced(by: Stamp)
    /// A later value of the same unique_id, whose writer did not know this one: a conflict while it is in a host file.
    case lostUnseen(to: Stamp)
  }

  public var entry: Entry
  public var id: ByteString
  /// The oldest commit that holds it.
  public var commit: ObjectID
  public var commitTimeSeconds: Int64
  public var fate: Fate

  /// One clause for people.
  public var reason: String {
    switch fate {
    case .shown: "shown: the greatest stamp of this id"
    case .deletes: "deleted: the tombstone has the greatest stamp of this entry"
    case .otherAddition: "kept: another addition of this id has a greater stamp (see conflicts)"
    case .record(let kind): "kept: of the kind \(kind); the view shows memory only"
    case .replaced(let stamp): "replaced: \(stamp.host) knew it and wrote a later value at \(stamp.instant)"
    case .lostUnseen(let stamp): "lost: \(stamp.host) wrote a later value at \(stamp.instant) without having seen it"
    }
  }
}

/// What `log` tells of an id.
public struct ValueLog: Sendable {
  /// Greatest stamp first.
  public var versions: [LoggedVersion]
  /// What of the history cannot be read, so that values may be missing: one line each.
  public var warnings: [String]
}

extension Store {
  /// Every value an id ever had in this store's history, greatest stamp first. Empty for an id nobody ever wrote.
  ///
  /// Throws `.usage` for an id of several memories, unless one is chosen.
  public func log(_ id: ByteString, in choice: SourceChoice = .any) throws(ReplicationError) -> [LoggedVersion] {
    try valueLog(id, in: choice).versions
  }

  /// The same with what could not be looked at.
  public func valueLog(_ id: ByteString, in choice: SourceChoice = .any) throws(ReplicationError) -> ValueLog {
    let tips = try historyTips()
    let tip = try tip()
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: try tree(of: tip), tips: [tip].compactMap(\.self))
    let winners = table.join()
    var winnerOf: [ByteString: Entry] = [:]
    for index in winners { winnerOf[table.uniqueID(index)] = table.entry(index) }
    let shown = Set(table.view(of: winners).map { table.uniqueID($0) })

    let history = ValueHistory(repository: repository)
    let versions = try history.versions(of: related(to: id, in: table), below: tips)
      .filter { choice.contains($0.entry.metadata.source) }
    try choice.settle(id, among: versions.map(\.entry.metadata.source))
    // What was collected is in no file any more: history says what it ended with.
    let known = Set(winnerOf.keys)
    for entry in versions.map(\.entry) where !known.contains(entry.metadata.uniqueID) {
      let uniqueID = entry.metadata.uniqueID
      if winnerOf[uniqueID].map({ Entry.isBelow($0, entry) }) ?? true { winnerOf[uniqueID] = entry }
    }
    var times: [ObjectID: Int64] = [:]
    var logged: [LoggedVersion] = []
    for version in versions {
      let metadata = version.entry.metadata
      let winner = winnerOf[metadata.uniqueID] ?? version.entry
      let fate: LoggedVersion.Fate
      if winner == version.entry {
        fate =
          if metadata.isDeleted {
            .deletes
          } else if let kind = metadata.kind, !EntryTable.visibleKinds.contains(kind) {
            .record(kind: kind)
          } else {
            shown.contains(metadata.uniqueID) ? .shown : .otherAddition
          }
      } else if winner.metadata.hasSeen(metadata.stamp) {
        fate = .replaced(by: winner.metadata.stamp)
      } else {
        fate = .lostUnseen(to: winner.metadata.stamp)
      }
      if times[version.commit] == nil {
        times[version.commit] = try replicating { () throws(GitError) in
          try repository.readCommit(version.commit).author.timeSeconds
        }
      }
      logged.append(
        LoggedVersion(
          entry: version.entry, id: version.entry.id, commit: version.commit,
          commitTimeSeconds: times[version.commit] ?? 0, fate: fate))
    }
    return ValueLog(
      versions: logged.sorted { Entry.isBelow($1.entry, $0.entry) }, warnings: reader.warnings + history.warnings)
  }

  /// Commits below which all of the store's history is.
  func historyTips() throws(ReplicationError) -> [ObjectID] {
    var tips: [ObjectID] = []
    for tip in [try tip(), try trackedTip()] { if let tip, !tips.contains(tip) { tips.append(tip) } }
    return tips
  }

  /// The id itself and, for an entity of a knowledge graph (named with or without `entity:`), its observations.
  func related(to id: ByteString, in table: EntryTable) -> Set<ByteString> {
    let known = Set((0..<table.count).map { table.entryID($0) })
    return GraphIdentity.related(to: id, among: known)
  }
}
