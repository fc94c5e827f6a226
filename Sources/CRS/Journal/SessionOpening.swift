import CRDT
import Durability
import Tracing

/// What opening a state finds: the latest good backup, the journal behind it, and what is lost of either.
///
/// Whoever opens to write holds the project's lock.
struct SessionOpening {
  var state = ReasoningState()
  var generation: UInt64 = 0
  /// How far the backup goes that was the start.
  var start: JournalPosition = [:]
  /// Of that backup.
  var backup: BackupMetadata?
  var backupFailure: CRSError?
  /// `nil` where it could not be opened.
  var journal: Journal?
  var degradation: CRSError?
  var report = ReplayReport()
  var losses = RecordLosses()
  /// Sessions of which the journal has less than it once had.
  var shortfall: JournalPosition = [:]
  /// The journal's last session where it can be gone on with, else a new one.
  var session: Journal.Session

  private let folder: ProjectFolder
  private let context: CRSContext
  private let options: ReasoningSession.Options
  /// What the backups that are there say of themselves, and whether the latest does.
  private var described: [BackupMetadata] = []
  private var isLatestDescribed = true
  private var last: Journal.Session?
  /// What is told of the journal beside it.
  let account: JournalAccount
  /// How far each session once went, as the backup and the journal's writers say.
  private var once: JournalPosition = [:]
  /// Why nothing can be written; `nil` where it can, or who opens only reads.
  private let writeRefusal: CRSError?

  /// - Throws: as ``ReasoningSession/init(_:project:context:options:)``.
  /// - Parameter writeRefusal: why nothing can be written, where it is opened all the same.
  init(
    _ folder: ProjectFolder, _ context: CRSContext, _ options: ReasoningSession.Options, writeRefusal: CRSError?
  ) throws(CRSError) {
    self.folder = folder
    self.context = context
    self.options = options
    self.writeRefusal = writeRefusal
    session = Journal.Session(id: "", created: .epoch, place: "")
    // Looked at before it is opened, which may fold the log into it.
    account = try JournalAccount(folder, context)
    try takeBackup()
    let written = try RecordLosses.read(folder, context)
    losses = written ?? RecordLosses()
    try takeJournal()
    try takeMendedRecords()
    try measureLosses(wasToldOf: written != nil)
    try noteLosses(written)
    session = try continuedSession()
  }

  private mutating func takeBackup() throws(CRSError) {
    let manager = PersistenceManager(folder, context: context)
    do throws(CRSError) {
      let loaded = try manager.load()
      state = loaded.state
      start = loaded.backup.metadata.position
      generation = loaded.backup.metadata.generation
      backup = loaded.backup.metadata
      described = [loaded.backup.metadata]
      backupFailure = loaded.fallback
    } catch {
      // The journal holds everything; a backup only shortens the way.
      if error.code != .notFound { backupFailure = error }
    }
    if backupFailure != nil { (described, isLatestDescribed) = try manager.described() }
  }

  private mutating func takeJournal() throws(CRSError) {
    report.position = start
    let path = folder.journal
    let isMissing = try storing { () throws(StorageError) in try context.fileSystem.information(path) } == nil
    do throws(CRSError) {
      if options.isReadOnly && isMissing { throw CRSError(.notFound, "no journal in \(folder.path)") }
      // Also who writes reads first: opening it to write changes the file.
      let reader = isMissing ? nil : try reader(path)
      if let reader {
        try replay(reader)
        // What can be read is in the state by now; where the file is damaged, that is not all, and nothing is added.
        if !account.isUntouched, !options.isReadOnly || reader.isSmall { try reader.checkIntegrity() }
        try reader.checkCounts()
        last = try reader.lastSession()
      }
      if options.isReadOnly || writeRefusal != nil {
        journal = reader
      } else {
        try reader?.close()
        journal = try Journal(path, waitSeconds: options.journalWaitSeconds)
      }
      degradation = writeRefusal
    } catch {
      guard options.allowsDegraded || options.isReadOnly else { throw error }
      if error.code != .notFound || !options.isReadOnly { degradation = error }
    }
    if let stop = report.stop, !options.isReadOnly, degradation == nil { throw stop }
  }

  /// `nil` where the file holds no journal yet and this is to begin one.
  private func reader(_ path: String) throws(CRSError) -> Journal? {
    do throws(CRSError) {
      return try Journal.toRead(path, waitSeconds: options.journalWaitSeconds)
    } catch {
      guard !options.isReadOnly, writeRefusal == nil, error == Journal.isEmpty(path) else { throw error }
      return nil
    }
  }

  private mutating func replay(_ opened: Journal) throws(CRSError) {
    let skips = options.skipsCorrupted || losses.isBehind(start)
    report = try traced("journal.Restore") { span throws(CRSError) in
      let report = try opened.replay(after: start, skipsCorrupted: options.skipsCorrupted, known: losses) {
        record throws(CRSError) in
        for change in try ChangeRecord(record.payload).changes {
          // What is known of the events of a lost record would read as their removal.
          if skips, case .events = change { continue }
          state.apply(change)
        }
        generation += 1
      }
      span.attributes["crs.journal.records"] = Int(clamping: report.replayed)
      return report
    }
  }

  /// Records that were lost and were mended, or came back with their file.
  private mutating func takeMendedRecords() throws(CRSError) {
    losses.add(report.lost)
    for run in losses.missing where !report.lost.contains(run) {
      guard let records = try? journal?.goodRecords(of: run),
        UInt64(records.count) == run.sequences.upperBound - run.sequences.lowerBound + 1
      else { continue }
      var changes: [Change] = []
      for record in records { changes += try ChangeRecord(record.payload).changes }
      for change in changes {
        if case .events = change { continue }
        state.apply(change)
      }
      losses.comeBack(run)
    }
  }

  private mutating func measureLosses(wasToldOf: Bool) throws(CRSError) {
    let there = try journal?.position() ?? [:]
    once = start.merging(account.position, uniquingKeysWith: max)
    shortfall = once.filter { max(there[$0.key] ?? 0, account.settled[$0.key] ?? 0) < $0.value }
    // The journal and what is told of it were put back together, to before the backup.
    let isBehindBackup = shortfall.contains { account.position[$0.key] ?? 0 < $0.value }
    let isTold = account.isWhole && !isBehindBackup
    if degradation == nil {
      losses.add(JournalExtent(account.position).runs(missingIn: there, and: report.position))
      // Nobody tells what else there was.
      if !isTold, !once.isEmpty || !there.isEmpty { losses.isJournalUncounted = true }
    }
    // The journal alone holds everything.
    let isJournalWhole = degradation == nil && isTold && shortfall.isEmpty
    if backupFailure != nil {
      // What the damaged backup held is here as far as the journal holds it.
      for metadata in described {
        for (session, sequence) in metadata.position where sequence > report.position[session] ?? 0 {
          let first = (report.position[session] ?? 0) + 1
          losses.add([RecordLosses.Run(session: session, sequences: first...sequence)])
        }
      }
      let isShort = described.contains { $0.position.contains { there[$0.key] ?? 0 < $0.value } }
      if !isJournalWhole, described.isEmpty || (!isLatestDescribed && isShort) { losses.isBackupUncounted = true }
      let used = described.map(\.generation).max() ?? 0
      generation = max(generation, losses.isNone ? used : used + report.replayed)
    }
    if let backup, !backup.isComplete, !wasToldOf,
      backup.lostRecords > 0 || !account.isUntouched || !shortfall.isEmpty || degradation != nil
    {
      losses.isBackupUncounted = true
    }
  }

  private func noteLosses(_ written: RecordLosses?) throws(CRSError) {
    let known = losses.union(written)
    guard !options.isReadOnly, known != written ?? RecordLosses() else { return }
    // One that cannot be written down is found again by the next run.
    do throws(CRSError) {
      try known.write(folder, context)
    } catch {
      guard options.allowsDegraded else { throw error }
    }
  }

  private func continuedSession() throws(CRSError) -> Journal.Session {
    let place = JournalFile.place(of: folder.journal, context)
    if let last, last.place == place, account.isUntouched, report.isComplete, degradation == nil,
      try isJournalUpToDate()
    {
      return last
    }
    return Journal.Session(id: context.newSessionID(), created: context.wallClock(), place: place)
  }

  /// Whether the journal has everything that it once had: one put back to an older state does not.
  private func isJournalUpToDate() throws(CRSError) -> Bool {
    guard let there = try journal?.position() else { return false }
    return once.allSatisfy { session, sequence in (there[session] ?? sequence) >= sequence }
  }
}

/// What tells the journal's file from other files.
enum JournalFile {
  /// The file a session was written to: a copy elsewhere is another place, and takes a new session.
  static func place(of journal: String, _ context: CRSContext) -> String {
    let file = (try? context.fileSystem.information(journal)).flatMap { $0 }
    return "\(context.host) \(context.machine) \(file?.device ?? 0):\(file?.inode ?? 0)"
  }

  /// What tells the journal's file from a copy of it, or from the same file with older bytes: nobody can set the time of
  /// a file's last change of status.
  static func mark(of folder: ProjectFolder, _ context: CRSContext) -> [UInt8]? {
    guard let file = (try? context.fileSystem.information(folder.journal)).flatMap({ $0 }) else { return nil }
    return Array("\(file.device) \(file.inode) \(file.changedNanoseconds) \(file.sizeBytes)\n".utf8)
  }

  /// Whether the journal is as its last writer left it. After a writer was killed, or had to
  /// keep changes in memory, it is not: that costs a new session.
  static func isUntouched(_ folder: ProjectFolder, _ context: CRSContext) -> Bool {
    guard let mark = mark(of: folder, context) else { return false }
    return (try? context.fileSystem.read(folder.journalMark, limitBytes: 256)) == mark
  }
}
