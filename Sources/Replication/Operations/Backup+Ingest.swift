import CRDT
import Durability
import Git
import Memory

extension Store {
  /// The largest memory file that is read.
  static let maximumMemoryBytes = 1 << 30

  /// Reads the memory file and commits what is new in it. From here on nothing can be lost.
  ///
  /// Order: the clock's mark; the new base beside the old one, naming the commit it belongs to; the commit; the base.
  /// Dying anywhere loses nothing: the next run takes up the waiting base if its commit was made, and drops it if not, so
  /// that what the user does meanwhile is compared with what the commit says.
  /// - Returns: what was found; `nil` when the store has no memory file set.
  func ingest(
    _ options: BackupOptions, identity: Identity, reader: StateReader, progress: (String) -> Void
  ) throws(ReplicationError) -> IngestCounts? {
    guard let path = settings.memory else { return nil }
    var last = try privateState.readIngested()
    let isBaseHeld = try isReached(last?.commit)
    if last?.memory != path || !isBaseHeld || (settings.format != nil && settings.format != last?.counts.format) {
      last = nil
    }
    let status = try fileStatus(path)
    if let last, let status, last.fileStatus == status { return last.counts }
    let bytes = try Store.readMemory(path, effects: effects)
    let digest = EntryIdentity.hexDigest(of: bytes)
    // What was read is what `stat` describes only if it says the same afterwards.
    let settled = try fileStatus(path) == status ? status : nil
    if var last, last.fileDigest == digest {
      if !options.isDryRun, last.fileStatus != settled {
        last.fileStatus = settled
        try privateState.write(last)
      }
      return last.counts
    }
    let document: MemoryDocument
    do { document = try MemoryDocument.parse(bytes, source: path, format: settings.format) } catch {
      throw ReplicationError(error)
    }
    progress("read \(document.items.count) entries (\(document.format.rawValue)) from \(path)")
    let old = try tip()
    let oldTree = try tree(of: old)
    let tips = [old].compactMap(\.self)
    let table = try reader.table(of: oldTree, tips: tips)
    // Where our own file had to fall back to an older version, the base tells of values that are not in it.
    let isWhole = !reader.damagedPaths.contains { StoreTree.isStateFile($0, of: identity.host.text) }
    let base = isBaseHeld && isWhole ? try privateState.readBase() : nil
    var clock = try loadClock()
    if let newest = table.newestInstant(upTo: wall.advanced(bySeconds: settings.maxDriftSeconds)) {
      clock.witness(newest, wall: wall)
    }
    let scanner = try secretScanner()
    let known = KnownState(table: table, winners: table.join())
    let history = ValueHistory(repository: repository)
    let isCollected = !(try HostRecords(of: oldTree, in: repository).frontier.isEmpty)
    let result: IngestResult
    do throws(IngestError<ReplicationError>) {
      result = try Ingest.run(
        document: document, fileDigest: digest, base: base, known: known,
        olderVersions: { ids throws(ReplicationError) in try history.values(of: ids, below: tips) },
        host: identity.host, wall: wall, clock: &clock, vanished: .keep,
        heldBack: { scanner.heldBack($0) }, isCollected: isCollected)
    } catch {
      switch error {
      case .history(let failure): throw failure
      case .massDeletion(let refusal): throw ReplicationError(.badData, refusal.description)
      }
    }
    let counts = IngestCounts(result, format: document.format)
    for line in result.quarantined {
      reader.warn("\(path):\(line.line): this line cannot be read and is kept as it is (quarantine)")
    }
    if options.isDryRun { return counts }

    if !result.entries.isEmpty {
      try save(clock)
      let added = try adding(result.entries, to: oldTree, host: identity.host, tips: tips)
      let tree = try completed(added, as: identity, clock: &clock, reader: reader, tips: tips)
      let commit = try commit(
        tree, parents: tips, host: identity.host,
        message: "\(identity.host): \(counts.added) added, \(counts.changed) changed")
      try privateState.prepare(result.base, for: commit)
      try move(from: old, to: commit, message: "crdt-backup: ingest")
      progress("saved \(result.entries.count) values in commit \(commit.short)")
    } else {
      try privateState.forgetIngested()
    }
    try privateState.write(result.base)
    try privateState.dropPreparedBase()
    try privateState.writeHeld(result.heldBack)
    var present = IngestCounts(format: document.format)
    present.unchanged = document.items.count
    present.vanished = counts.vanished
    present.quarantined = counts.quarantined
    // What is held back is looked at again by every run, since what is allowed may change: no digest equals none.
    let isWholeFileIn = result.heldBack.isEmpty
    let ingested = PrivateState.Ingested(
      memory: path, fileDigest: isWholeFileIn ? digest : "", counts: present, commit: try tip(),
      fileStatus: isWholeFileIn ? settled : nil)
    try privateState.write(ingested)
    return counts
  }

  /// After a run that died between its commit and its base: the base that waits is the one, if the commit was made.
  func settleBase() throws(ReplicationError) {
    guard let (base, commit) = try privateState.readPreparedBase() else { return }
    if try isReached(commit) { try privateState.write(base) }
    try privateState.dropPreparedBase()
  }

  /// What tells that a file was not touched since: device, inode, size, and both its times. `nil` where there is no such
  /// file, or where it was changed so recently that another change could leave the same times (git's "racy" rule).
  private func fileStatus(_ path: String) throws(ReplicationError) -> String? {
    let file = try storing { () throws(StorageError) in try effects.fileSystem.information(path) }
    guard let file, file.kind == .file else { return nil }
    for nanoseconds in [file.modifiedNanoseconds, file.changedNanoseconds] {
      guard nanoseconds >= 0 else { return nil }
      let instant = Instant(unixSeconds: nanoseconds / 1_000_000_000, nanoseconds: nanoseconds % 1_000_000_000)
      guard wall.seconds(since: instant) >= 2 else { return nil }
    }
    return [file.device, file.inode].map { String($0) }.joined(separator: ":")
      + ":\(file.sizeBytes):\(file.modifiedNanoseconds):\(file.changedNanoseconds)"
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

  /// After a sync that put our commit on another base: the branch holds what was ingested in a new commit.
  func noteIngestedCommit() throws(ReplicationError) {
    guard var last = try privateState.readIngested(), let tip = try tip(), try !isReached(last.commit) else { return }
    last.commit = tip
    try privateState.write(last)
  }

  /// The memory file, whole: read again when it changed while being read, a few times.
  static func readMemory(_ path: String, effects: Effects) throws(ReplicationError) -> [UInt8] {
    let files = effects.fileSystem
    for _ in 0..<10 {
      let before = try storing { () throws(StorageError) in try files.information(path) }
      guard let before else { throw missing(path) }
      guard before.kind == .file else {
        throw ReplicationError(
          .noInput, "\(path): the memory file is not a regular file",
          remedy: "Nothing was changed. Give another --memory")
      }
      let bytes = try storing { () throws(StorageError) in
        try files.read(path, limitBytes: Store.maximumMemoryBytes)
      }
      guard let bytes else { throw missing(path) }
      let after = try storing { () throws(StorageError) in try files.information(path) }
      if before == after, bytes.count == Int(before.sizeBytes) { return bytes }
      effects.sleepMilliseconds(20)
    }
    throw ReplicationError(
      .notOnRemote, "\(path): the memory file keeps changing while it is read",
      remedy: "Nothing was changed; run again when its writer rests", isRetryable: true)
  }

  /// Reads and parses a memory file without a store.
  public static func readDocument(_ path: String, format: MemoryFormat?, effects: Effects) throws(ReplicationError)
    -> MemoryDocument
  {
    let bytes = try readMemory(path, effects: effects)
    do { return try MemoryDocument.parse(bytes, source: path, format: format) } catch { throw ReplicationError(error) }
  }

  private static func missing(_ path: String) -> ReplicationError {
    ReplicationError(
      .noInput, "\(path): the memory file is not there",
      remedy: "A missing file never means that everything was deleted: nothing was changed. Give another with --memory")
  }
}

extension IngestCounts {
  init(_ result: IngestResult, format: MemoryFormat) {
    self.init(format: format)
    added = result.added.count
    changed = result.changed.count
    unchanged = result.unchangedCount
    recognised = result.recognised.count
    vanished = result.vanishedCount
    quarantined = result.quarantined.count
    heldBack = result.heldBack
  }
}
