import CRDT
import Durability
import Git
import Memory

extension Store {
  /// What taking in one memory gave.
  struct IngestPass {
    var counts: IngestCounts
    /// `nil` where `stat` alone told that the file is as it was.
    var reading: MemoryReading?
    /// In a dry run, what would have been committed.
    var uncommitted: [Entry] = []
    /// The base that would have been written with it.
    var unwrittenBase: IngestBase?
  }

  /// Whether all that a memory held was deleted since: a run that died behind taking the last note out of a folder leaves
  /// it empty, and rightly so.
  private static func isAllDeleted(_ base: IngestBase?, in table: EntryTable, _ winners: [Int]) -> Bool {
    guard let base else { return false }
    let live = Set(winners.filter { !table.isDeleted($0) }.map { table.uniqueID($0) })
    return base.items.allSatisfy { item in
      item.isVanished || !live.contains(item.uniqueID) && live.isDisjoint(with: item.others.keys)
    }
  }

  /// Whether a file that was written to a moment ago changes while one waits: half of a file that is written line by line
  /// reads as if the rest had been deleted.
  private func isBeingWritten(_ reading: MemoryReading, _ path: String) throws(ReplicationError) -> Bool {
    guard let before = reading.information, before.kind == .file else { return false }
    let now = effects.wallClock()
    let modified = Instant(
      unixSeconds: before.modifiedNanoseconds / 1_000_000_000, nanoseconds: before.modifiedNanoseconds % 1_000_000_000)
    guard now >= modified, now.seconds(since: modified) < 1 else { return false }
    effects.sleepMilliseconds(400)
    return try storing { () throws(StorageError) in try effects.fileSystem.information(path) } != before
  }

  /// Reads a memory file and commits what is new in it. From here on nothing can be lost.
  ///
  /// Order: the clock's mark; the new base beside the old one, naming the commit it belongs to; the commit; the base.
  /// Dying anywhere loses nothing: the next run takes up the waiting base if its commit was made, and drops it if not, so
  /// that what the user does meanwhile is compared with what the commit says.
  func ingest(
    _ source: MemorySource, _ options: BackupOptions, identity: Identity, reader: StateReader,
    attempt: Int = 0,
    progress: (String) -> Void
  ) throws(ReplicationError) -> IngestPass {
    let path = source.memory
    let state = privateState.of(source)
    var last = try state.readIngested()
    let isBaseHeld = try isHeld(last)
    if last?.memory != path || !isBaseHeld || (source.format != nil && source.format != last?.counts.format) {
      last = nil
    }
    let status = try fileStatus(path)
    if let last, let status, last.fileStatus == status {
      note(last.counts.format, of: source)
      return IngestPass(counts: last.counts)
    }
    if source.isWrittenBack, let blank = try blankPass(source, isBaseHeld ? try state.readBase() : nil) { return blank }
    let reading = try Store.readMemory(path, effects: effects)
    if case .folder(let folder) = reading.content {
      if source.isWrittenBack { try refuseHidden(folder, in: path, base: try state.readBase()) }
      warnOfLinks(in: folder, path, reader)
    }
    let digest = reading.digest
    // What was read is what `stat` describes only if it says the same afterwards.
    let settled = try fileStatus(path) == status ? status : nil
    if var last, last.fileDigest == digest {
      if !options.isDryRun, last.fileStatus != settled {
        last.fileStatus = settled
        try state.write(last)
      }
      note(last.counts.format, of: source)
      return IngestPass(counts: last.counts, reading: reading)
    }
    let wasFolder = try state.readBase()?.format.isFolder
    if case .folder = reading.content, wasFolder == false {
      throw ReplicationError(
        .noInput, "\(path): the memory file is not a regular file any more, but a folder",
        remedy: "Nothing was changed. Give another --memory")
    }
    if case .file = reading.content, wasFolder == true {
      throw ReplicationError(
        .noInput, "\(path): the memory is not a folder any more, but a file",
        remedy: "Nothing was changed. Give another --memory")
    }
    let document = try reading.document(path, format: source.format)
    progress("read \(document.items.count) entries (\(document.format.rawValue)) from \(path)")
    note(document.format, of: source)
    let old = try tip()
    let oldTree = try tree(of: old)
    let tips = [old].compactMap(\.self)
    let table = try reader.table(of: oldTree, tips: tips)
    // Where our own file had to fall back to an older version, the base tells of values that are not in it.
    let isWhole = !reader.damagedPaths.contains { StoreTree.isStateFile($0, of: identity.host.text) }
    let base = isBaseHeld && isWhole ? try state.readBase() : nil
    let winners = table.join()
    if case .folder = reading.content, reading.isBlank, !Store.isAllDeleted(base, in: table, winners) {
      throw ReplicationError(
        .badData, "\(path): no notes are in this folder",
        remedy: "An empty folder never means that everything was deleted: nothing was changed")
    }
    var clock = try loadClock()
    if let newest = table.newestInstant(upTo: wall.advanced(bySeconds: settings.maxDriftSeconds)) {
      clock.witness(newest, wall: wall)
    }
    let secrets = try secretScanner().scan(document.items)
    let known = KnownState(table: table, winners: winners, source: source.key)
    let history = ValueHistory(repository: repository)
    let isCollected = !(try HostRecords(of: oldTree, in: repository).frontier.isEmpty)
    let result: IngestResult
    do throws(IngestError<ReplicationError>) {
      result = try Ingest.run(
        document: document, source: source.key, fileDigest: digest, base: base, known: known,
        olderVersions: { ids throws(ReplicationError) in try history.values(of: ids, below: tips) },
        host: identity.host, wall: wall, clock: &clock,
        vanished: source.isWrittenBack ? .tombstone(allowMass: options.allowsMassDeletion) : .keep,
        heldBack: { secrets.heldBack($0) }, isCollected: isCollected)
    } catch {
      switch error {
      case .history(let failure): throw failure
      case .massDeletion(let refusal): throw ReplicationError(refusal, memory: path)
      }
    }
    if !result.deleted.isEmpty, try isBeingWritten(reading, path) {
      guard attempt < 10 else {
        throw ReplicationError(
          .notOnRemote, "\(path): the memory file keeps changing",
          remedy: "Nothing was changed; run again when its writer rests", isRetryable: true)
      }
      return try ingest(
        source, options, identity: identity, reader: reader, attempt: attempt + 1, progress: progress)
    }
    let counts = IngestCounts(result, format: document.format)
    for line in result.quarantined {
      reader.warn("\(path):\(line.line): this line cannot be read and is kept as it is (quarantine)")
    }
    if let bytes = reading.bytes { warnOfMetadata(document.idsWithMetadata(in: bytes), path, reader) }
    let pass = IngestPass(counts: counts, reading: reading)
    if options.isDryRun {
      return IngestPass(counts: counts, reading: reading, uncommitted: result.entries, unwrittenBase: result.base)
    }

    if !result.entries.isEmpty {
      try save(clock)
      let added = try adding(result.entries, to: oldTree, host: identity.host, tips: tips)
      let tree = try completed(added, as: identity, clock: &clock, reader: reader, tips: tips)
      let commit = try commit(
        tree, parents: tips, host: identity.host,
        message: "\(identity.host): \(counts.added) added, \(counts.changed) changed"
          + (counts.deleted + counts.outlived > 0 ? ", \(counts.deleted) deleted" : ""))
      try state.prepare(result.base, for: commit)
      try move(from: old, to: commit, message: "crdt-backup: ingest")
      progress("saved \(result.entries.count) values in commit \(commit.short)")
    } else {
      try state.forgetIngested()
    }
    try state.write(result.base)
    try state.dropPreparedBase()
    try state.writeHeld(result.heldBack)
    var present = IngestCounts(format: document.format)
    present.unchanged = document.items.count
    present.vanished = counts.vanished
    present.quarantined = counts.quarantined
    // What is held back is looked at again by every run, since what is allowed may change: no digest equals none.
    let isWholeFileIn = result.heldBack.isEmpty
    let ingested = PrivateState.Ingested(
      memory: path, fileDigest: isWholeFileIn ? digest : "", counts: present, commit: try tip(),
      fileStatus: isWholeFileIn ? settled : nil)
    try state.write(ingested)
    return pass
  }

  /// A note that became a link, or is behind one now, was not deleted; and nothing is read through a link.
  func refuseHidden(_ folder: MemoryFolder, in path: String, base: IngestBase?) throws(ReplicationError) {
    let known = (base?.items ?? []).lazy.filter { !$0.isVanished }.map(\.id)
    guard let hidden = folder.firstHidden(of: known) else { return }
    throw ReplicationError(
      .badData, "\(path)/\(hidden): a link is in the place of this note, or of a folder around it, and is not followed",
      remedy: "Nothing was changed. Put the file itself there; to delete the note, take the link away")
  }

  private func warnOfMetadata(_ ids: [ByteString], _ path: String, _ reader: StateReader) {
    guard !ids.isEmpty else { return }
    let shown = ids.prefix(3).map(\.description).joined(separator: ", ")
    reader.warn(
      "\(path): _crdt_metadata is crdt-backup's own name: the member stays in the file, and is not backed up, in "
        + "\(ids.count) entr\(ids.count == 1 ? "y" : "ies") (\(shown)\(ids.count > 3 ? ", …" : ""))")
  }

  private func warnOfLinks(in folder: MemoryFolder, _ path: String, _ reader: StateReader) {
    guard !folder.passedOver.isEmpty else { return }
    let shown = folder.passedOver.prefix(3).map(\.description).joined(separator: ", ")
    let more = folder.passedOver.count > 3 ? ", and \(folder.passedOver.count - 3) more" : ""
    reader.warn("\(path): links are not followed, and what is behind them is not backed up: \(shown)\(more)")
  }

  /// A file that is not there, or has nothing in it, where that is no news: the base knows of nothing in it either. It
  /// never means that everything was deleted.
  private func blankPass(_ source: MemorySource, _ base: IngestBase?) throws(ReplicationError) -> IngestPass? {
    guard base.map({ $0.items.allSatisfy(\.isVanished) }) ?? true else { return nil }
    let path = source.memory
    let file = try storing { () throws(StorageError) in try effects.fileSystem.information(path) }
    var reading = MemoryReading(content: .file([]), information: nil, digest: "")
    if let file {
      guard file.kind == .folder || file.kind == .file && file.sizeBytes <= 4096 else { return nil }
      reading = try Store.readMemory(path, effects: effects)
      guard reading.isBlank else { return nil }
    }
    if case .folder = reading.content {
      note(.markdown, of: source)
      return IngestPass(counts: IngestCounts(format: .markdown), reading: reading)
    }
    // What nobody has said is not to be taken for said: the sync that follows may tell.
    let known = try knownFormat(source, base: base)
    if let known { note(known, of: source) }
    let format = known ?? .jsonArray
    if format.isFolder, file == nil { reading.content = .folder(MemoryFolder()) }
    return IngestPass(counts: IngestCounts(format: format), reading: reading)
  }

  private func note(_ format: MemoryFormat, of source: MemorySource) {
    memoryFormats[ByteString(source.name ?? "")] = ByteString(format.rawValue)
  }

  /// After a run that died between its commit and its base: the base that waits is the one, if the commit was made. The
  /// same for one that died between the memory file and its base.
  func settleBases() throws(ReplicationError) {
    for source in settings.sources {
      let state = privateState.of(source)
      try state.settleWrite()
      guard let (base, commit) = try state.readPreparedBase() else { continue }
      if try isReached(commit) { try state.write(base) }
      try state.dropPreparedBase()
    }
  }

  /// Whether the branch still holds a commit; true for none.
  private func isReached(_ commit: ObjectID?) throws(ReplicationError) -> Bool {
    guard let commit else { return true }
    guard let tip = try tip() else { return false }
    if tip == commit { return true }
    do { return try repository.isAncestor(commit, of: tip) } catch {
      if error.code == .notFound || error.code == .corrupt { return false }
      throw ReplicationError(error)
    }
  }

  /// Whether the branch holds what was ingested; true for nothing.
  private func isHeld(_ last: PrivateState.Ingested?) throws(ReplicationError) -> Bool {
    guard let last else { return true }
    if try isReached(last.commit) { return true }
    guard let rebuilt = last.rebuiltCommit else { return false }
    return try isReached(rebuilt)
  }

  /// Before the branch goes to a commit that takes the place of ours. A run that dies right behind that has its base still.
  func noteRebuilt(as commit: ObjectID) throws(ReplicationError) {
    for source in settings.sources {
      let state = privateState.of(source)
      guard var last = try state.readIngested(), let old = last.commit, try isHeld(last) else { continue }
      let isKept = try replicating { () throws(GitError) in try repository.isAncestor(old, of: commit) }
      if isKept { continue }
      last.rebuiltCommit = commit
      try state.write(last)
    }
  }

  /// After a sync that put our commit on another base: the branch holds what was ingested in a new commit.
  func noteIngestedCommit() throws(ReplicationError) {
    for source in settings.sources {
      let state = privateState.of(source)
      guard var last = try state.readIngested(), let tip = try tip(), try !isReached(last.commit) else { continue }
      last.commit = tip
      last.rebuiltCommit = nil
      try state.write(last)
    }
  }
}

extension ReplicationError {
  /// A deletion that was refused for its size.
  init(_ refusal: MassDeletion, memory: String) {
    self.init(
      .badData, "\(memory): \(refusal)",
      remedy:
        "Nothing was changed. Put the file back if that was an accident (`crdt-backup restore` prints what it held); "
        + "if it is meant, run again with --allow-mass-deletion")
  }
}

extension IngestCounts {
  /// Of two passes over one file in one run: what each did, and how the file is after the second.
  func followed(by next: IngestCounts) -> IngestCounts {
    var both = next
    both.added += added
    both.changed += changed
    both.recognised += recognised
    both.deleted += deleted
    both.outlived += outlived
    return both
  }

  init(_ result: IngestResult, format: MemoryFormat) {
    self.init(format: format)
    added = result.added.count
    changed = result.changed.count
    unchanged = result.unchangedCount
    recognised = result.recognised.count
    vanished = result.vanishedCount
    deleted = result.deleted.count
    outlived = result.outlived.count
    quarantined = result.quarantined.count
    heldBack = result.heldBack
  }
}
