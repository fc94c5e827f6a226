import CRDT
import Git
import Memory

/// Which state a restore takes.
public enum RestorePoint: Sendable, Hashable {
  /// The newest.
  case now
  /// What had been committed, by any host, at that time.
  case time(Instant)
  /// A commit by its id or the first digits of it.
  case commit(String)
}

extension Store {
  /// The live memory of a point in time, as a file of the given format.
  /// - Parameters:
  ///   - id: only this id (an entity with its observations); `nil` for all.
  ///   - format: `nil` takes the format of this host's memory file, else JSON.
  /// - Throws: `.noInput` when the point or the id is not in the history.
  public func restored(
    _ point: RestorePoint, id: ByteString?, in choice: SourceChoice = .any, format: MemoryFormat?
  ) throws(ReplicationError) -> [UInt8] {
    let table = try table(at: point)
    let entries = try shownEntries(in: table, id: id, choice)
    let source = settings.sources.first { choice.contains($0.key) }
    var chosen = format ?? source?.format
    if chosen == nil, let source { chosen = try privateState.of(source).readBase()?.format }
    return (chosen ?? .jsonArray).render(entries)
  }

  /// Brings an id's value of a point back into the state, under a new stamp so that it stays, and commits it here.
  /// - Returns: how many entries were written; 0 when they are what the view shows already.
  public func restoreIntoState(
    _ point: RestorePoint, id: ByteString, in choice: SourceChoice = .any, options: BackupOptions
  ) throws(ReplicationError) -> Int {
    try locked(unless: options.isDryRun) { () throws(ReplicationError) in
      try restoreLocked(point, id: id, in: choice, options: options)
    }
  }

  private func restoreLocked(_ point: RestorePoint, id: ByteString, in choice: SourceChoice, options: BackupOptions)
    throws(ReplicationError) -> Int
  {
    let then = try shownEntries(in: try table(at: point), id: id, choice)
    let old = try tip()
    let tips = [old].compactMap(\.self)
    let oldTree = try tree(of: old)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: oldTree, tips: tips)
    let winners = table.join()
    var winnerOf: [ByteString: Entry] = [:]
    for index in winners { winnerOf[table.uniqueID(index)] = table.entry(index) }
    var shown: [EntryKey: Entry] = [:]
    for index in table.view(of: winners) { shown[table.entryKey(index)] = table.entry(index) }
    let changed = then.filter { shown[$0.key]?.content != $0.content }
    if options.isDryRun || changed.isEmpty { return changed.count }

    let identity = try identify(options, tree: oldTree)
    var clock = try loadClock()
    witnessAll(table, with: &clock)
    let entries = changed.map { value in
      // The value goes where the reader looks: onto the unique_id shown now, else onto its own.
      let current = shown[value.key] ?? winnerOf[value.metadata.uniqueID] ?? value
      let uniqueID = current.metadata.uniqueID
      let known = knownStamps(in: table, of: [uniqueID])[uniqueID] ?? KnownStamps(of: current.metadata)
      var metadata = value.metadata
      metadata.uniqueID = uniqueID
      metadata.isDeleted = false
      metadata.version = Metadata.nextVersion(after: current.metadata.version, value.metadata.version)
      metadata.seen = known.seen(by: identity.host.bytes)
      metadata.stamp = Stamp(
        instant: clock.tick(wall: wall, replacing: current.metadata.stamp.instant), host: identity.host.bytes)
      return Entry(content: value.content, metadata: metadata)
    }
    try refuseUnbeatable(entries, among: winnerOf)
    _ = try commit(
      entries, onto: old, as: identity, clock: &clock, reader: reader,
      message: "\(identity.host): restored \(entries.count) entries")
    return entries.count
  }

  private func shownEntries(in table: EntryTable, id: ByteString?, _ choice: SourceChoice) throws(ReplicationError)
    -> [Entry]
  {
    var shown = table.view(of: table.join()).filter { choice.contains(table.entrySource($0)) }
    if let id {
      let ids = related(to: id, in: table)
      shown = shown.filter { ids.contains(table.entryID($0)) }
      try choice.settle(id, among: shown.map { table.entrySource($0) })
      guard !shown.isEmpty else {
        throw ReplicationError(
          .noInput, "no live entry had the id \(id) then", remedy: "crdt-backup log ID shows every value and its commit"
        )
      }
    }
    return table.entries(shown)
  }

  /// The entries of all host files at a point.
  private func table(at point: RestorePoint) throws(ReplicationError) -> EntryTable {
    let reader = StateReader(repository: repository)
    switch point {
    case .now:
      guard let tip = try tip() else { throw ReplicationError(.noInput, "the store is empty") }
      return try reader.table(of: try tree(of: tip), tips: [tip])
    case .commit(let prefix):
      let commit = try commit(prefix: prefix)
      return try reader.table(of: try tree(of: commit), tips: [commit])
    case .time(let time):
      // Several hosts may have been ahead of each other then: the join of all their newest commits is what was known.
      let heads = try heads(at: time)
      guard !heads.isEmpty else {
        throw ReplicationError(.noInput, "nothing had been backed up by \(time)")
      }
      var trees: [StoreTree] = []
      for head in heads { trees.append(try tree(of: head)) }
      let collection = TreeCollection(repository: repository, reader: reader)
      var table = EntryTable()
      for (position, tree) in trees.enumerated() {
        // What one of the others had let go by then is no value of that time.
        var dropped: Set<FileKey> = []
        for other in trees.indices where other != position {
          dropped.formUnion(try collection.dropped(ours: tree, theirs: trees[other], tips: heads).ours)
        }
        for (path, id) in tree.stateFiles.sorted(by: { $0.key < $1.key }) {
          guard let source = try reader.source(path: path, id: id, tips: [heads[position]]) else { continue }
          let filtered = try collection.filtered(source, dropped)
          do { try table.add(filtered) } catch { throw ReplicationError(error) }
        }
      }
      return table
    }
  }

  /// Commits made by `time` that no other such commit has as its ancestor.
  private func heads(at time: Instant) throws(ReplicationError) -> [ObjectID] {
    let tips = try historyTips()
    return try replicating { () throws(GitError) in
      var heads: [ObjectID] = []
      var covered: Set<ObjectID> = []
      for id in try repository.walk(from: tips, hiding: []) {
        let commit = try repository.readCommit(id)
        let isCovered = covered.contains(id)
        if isCovered || commit.author.timeSeconds <= time.seconds {
          if !isCovered { heads.append(id) }
          covered.formUnion(commit.parents)
        }
      }
      return heads
    }
  }

  private func commit(prefix: String) throws(ReplicationError) -> ObjectID {
    let tips = try historyTips()
    let all = try replicating { () throws(GitError) in try repository.walk(from: tips, hiding: []) }
    let hits = all.filter { prefix.utf8.count >= 4 && $0.description.hasPrefix(prefix.lowercased()) }
    guard hits.count == 1 else {
      throw ReplicationError(
        .noInput,
        hits.isEmpty ? "no commit \(prefix) is in the store's history" : "\(prefix) could be \(hits.count) commits",
        remedy: "Give at least four digits of a commit that `git log` in the store shows")
    }
    return hits[0]
  }
}
