import CRDT
import Durability
import Tracing

/// The reasoning state of a project on this host, with its journal: opened, changed, saved.
///
/// Holds the project's lock: one writer at a time. Opening takes the latest good backup and replays what the journal has
/// behind it. Not for use from two threads at once.
public final class ReasoningSession {
  public let folder: ProjectFolder
  public let project: ByteString
  public private(set) var engine: ReasoningEngine
  /// What the replay at opening found.
  public let replay: ReplayReport
  /// Why the latest backup could not be the start; `nil` when it was, or none is needed.
  public let backupFailure: CRSError?
  /// Of the backup that was the start; `nil` where there was none.
  public let backupMetadata: BackupMetadata?
  /// Why what is applied lives in memory only; `nil` while the journal takes it.
  public private(set) var degradation: CRSError?

  private let context: CRSContext
  private var lock: FileLock?
  private var journal: Journal?
  private var session: Journal.Session
  /// Records that the journal has not taken.
  private var pending: [[UInt8]] = []
  private var position: JournalPosition
  private var isClosed = false
  /// Whether the mark of the journal is off, as it is while this session writes.
  private var isMarkTaken = false

  /// How to open.
  public struct Options: Sendable {
    /// Goes on behind corrupt records, and counts them.
    public var skipsCorrupted = false
    /// Reads only: takes no lock and refuses changes.
    public var isReadOnly = false
    /// Where the journal cannot be opened: goes on in memory rather than throw.
    public var allowsDegraded = false
    public var journalWaitSeconds: Double = 5

    public init() {}
  }

  /// Opens the state.
  /// - Throws: `lockFailed` when another process has it. Unless read only or degraded: `corrupted` or `gap` where the
  ///   replay cannot go on, since what is applied from there on would not be found again.
  public init(
    _ folder: ProjectFolder, project: ByteString, context: CRSContext, options: Options = Options()
  ) throws(CRSError) {
    self.folder = folder
    self.project = project
    self.context = context
    if !options.isReadOnly {
      try storing { () throws(StorageError) in try context.fileSystem.createFolder(folder.path) }
    }
    let lock: FileLock? =
      options.isReadOnly
      ? nil
      : try storing { () throws(StorageError) in
        try FileLock.acquire(folder.journalLock, waitSeconds: context.lockWaitSeconds)
      }

    var state = ReasoningState()
    var start: JournalPosition = [:]
    var generation: UInt64 = 0
    var backupFailure: CRSError?
    var described: [BackupMetadata] = []
    var isLatestDescribed = true
    let manager = PersistenceManager(folder, context: context)
    do throws(CRSError) {
      let loaded = try manager.load()
      state = loaded.state
      start = loaded.backup.metadata.position
      generation = loaded.backup.metadata.generation
      described = [loaded.backup.metadata]
      backupFailure = loaded.fallback
    } catch {
      // The journal holds everything; a backup only shortens the way.
      if error.code != .notFound { backupFailure = error }
    }
    let taken = described.first
    if backupFailure != nil { (described, isLatestDescribed) = try manager.described() }
    let written = try RecordLosses.read(folder, context)
    var losses = written ?? RecordLosses()

    var report = ReplayReport()
    report.position = start
    var journal: Journal?
    var degradation: CRSError?
    var last: Journal.Session?
    // Looked at before it is opened, which may fold the log into it.
    let isUntouched = Self.isUntouched(folder, context)
    let isMissing =
      try storing { () throws(StorageError) in try context.fileSystem.information(folder.journal) } == nil
    do throws(CRSError) {
      if options.isReadOnly && isMissing { throw CRSError(.notFound, "no journal in \(folder.path)") }
      let opened =
        options.isReadOnly
        ? try Journal.toRead(folder.journal, waitSeconds: options.journalWaitSeconds)
        : try Journal(folder.journal, waitSeconds: options.journalWaitSeconds)
      report = try traced("journal.Restore") { span throws(CRSError) in
        let skips = options.skipsCorrupted || losses.isBehind(start)
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
      last = try opened.lastSession()
      journal = opened
    } catch {
      guard options.allowsDegraded || options.isReadOnly else { throw error }
      if error.code != .notFound || !options.isReadOnly { degradation = error }
    }
    if let stop = report.stop, !options.isReadOnly { throw stop }

    losses.add(report.lost)
    // A record that was mended, or came back with its file.
    for run in losses.lost where !report.lost.contains(run) {
      guard let records = try? journal?.goodRecords(of: run),
        UInt64(records.count) == run.sequences.upperBound - run.sequences.lowerBound + 1
      else { continue }
      var changes: [Change] = []
      for record in records { changes += try ChangeRecord(record.payload).changes }
      for change in changes {
        if case .events = change { continue }
        state.apply(change)
      }
      losses.lost.remove(run)
    }
    let there = try journal?.position() ?? [:]
    shortfall = start.filter { session, sequence in there[session] ?? 0 < sequence }
    if backupFailure != nil {
      // What the damaged backup held is here as far as the journal holds it.
      for metadata in described {
        for (session, sequence) in metadata.position where sequence > report.position[session] ?? 0 {
          let first = (report.position[session] ?? 0) + 1
          losses.add([RecordLosses.Run(session: session, sequences: first...sequence)])
        }
      }
      let isShort = described.contains { $0.position.contains { there[$0.key] ?? 0 < $0.value } }
      if described.isEmpty || (!isLatestDescribed && isShort) { losses.isUnbounded = true }
      let used = described.map(\.generation).max() ?? 0
      generation = max(generation, losses.isNone ? used : used + report.replayed)
    }
    if let taken, !taken.isComplete, written == nil,
      taken.lostRecords > 0 || !isUntouched || !shortfall.isEmpty || degradation != nil
    {
      losses.isUnbounded = true
    }
    let known = losses.union(written)
    if !options.isReadOnly, known != written ?? RecordLosses() {
      // One that cannot be written down is found again by the next run.
      do throws(CRSError) {
        try known.write(folder, context)
      } catch {
        guard options.allowsDegraded else { throw error }
      }
    }

    let place = Self.place(of: folder.journal, context)
    let session: Journal.Session
    if let last, last.place == place, isUntouched, report.isComplete, degradation == nil,
      try Self.isUpToDate(journal, with: start)
    {
      session = last
    } else {
      session = Journal.Session(id: context.newSessionID(), created: context.wallClock(), place: place)
    }
    self.session = session
    self.lock = lock
    self.losses = losses
    lostBefore = taken?.lostRecords ?? 0
    self.journal = journal
    self.degradation = degradation
    self.replay = report
    self.position = report.position
    startPosition = start
    self.backupFailure = backupFailure
    backupMetadata = taken
    self.isReadOnly = options.isReadOnly
    self.options = options
    engine = ReasoningEngine(
      state: state, generation: generation, session: ByteString(session.id), host: context.host,
      wall: context.wallClock())
  }

  /// What is known to be missing from the state.
  public private(set) var losses: RecordLosses
  /// Sessions of which the journal has less than the latest backup had from it, and how far that backup goes.
  public let shortfall: JournalPosition
  /// Records that were lost before the latest backup, as it says.
  private let lostBefore: UInt64
  private let startPosition: JournalPosition
  private let isReadOnly: Bool
  private let options: Options

  /// The file a session was written to: a copy elsewhere is another place, and takes a new session.
  private static func place(of journal: String, _ context: CRSContext) -> String {
    let file = (try? context.fileSystem.information(journal)).flatMap { $0 }
    return "\(context.host) \(context.machine) \(file?.device ?? 0):\(file?.inode ?? 0)"
  }

  /// What tells the journal's file from a copy of it, or from the same file with older bytes: nobody can set the time of
  /// a file's last change of status.
  private static func mark(of folder: ProjectFolder, _ context: CRSContext) -> [UInt8]? {
    guard let file = (try? context.fileSystem.information(folder.journal)).flatMap({ $0 }) else { return nil }
    return Array("\(file.device) \(file.inode) \(file.changedNanoseconds) \(file.sizeBytes)\n".utf8)
  }

  /// Whether the journal is as its last writer left it. After a writer was killed, or had to
  /// keep changes in memory, it is not: that costs a new session.
  private static func isUntouched(_ folder: ProjectFolder, _ context: CRSContext) -> Bool {
    guard let mark = mark(of: folder, context) else { return false }
    return (try? context.fileSystem.read(folder.journalMark, limitBytes: 256)) == mark
  }

  /// Whether the journal has everything that the backup says it had: one put back to an older state does not.
  private static func isUpToDate(_ journal: Journal?, with start: JournalPosition) throws(CRSError) -> Bool {
    guard let there = try journal?.position() else { return false }
    return start.allSatisfy { session, sequence in (there[session] ?? sequence) >= sequence }
  }

  public var sessionID: String { session.id }
  public var snapshot: Snapshot { engine.snapshot }
  /// Records applied and not in the journal.
  public var pendingCount: Int { pending.count }
  /// Records of the journal that are not in the state, as far as they can be counted.
  public var lostRecords: UInt64 { losses.isUnbounded ? max(losses.count, lostBefore) : losses.count }
  /// Records of the journal in the state.
  public var deltaCount: UInt64 { position.values.reduce(0) { $0 + $1 } }

  /// Whether the state holds all that a backup of this host held, as far as its journal tells.
  func covers(_ metadata: BackupMetadata) -> Bool {
    metadata.isComplete && metadata.position.allSatisfy { session, sequence in (position[session] ?? 0) >= sequence }
  }

  /// Applies deltas in order, each all or nothing; what was accepted is on stable storage when this returns, unless the
  /// session is degraded.
  /// - Returns: for each delta why it was refused, or `nil`.
  public func apply(_ deltas: [Delta]) throws(CRSError) -> [CRSError?] {
    try demandWritable()
    var records: [[UInt8]] = []
    var outcomes: [CRSError?] = []
    let wall = context.wallClock()
    for delta in deltas {
      do throws(CRSError) {
        records.append(ChangeRecord(try engine.apply(delta, wall: wall)).bytes)
        outcomes.append(nil)
      } catch {
        outcomes.append(error)
      }
    }
    append(records)
    return outcomes
  }

  /// Joins another state, such as a backup of another host.
  /// - Returns: how many elements were new here.
  public func join(_ other: ReasoningState) throws(CRSError) -> Int {
    try demandWritable()
    if engine.isBehind(other) {
      session.id = context.newSessionID()
      session.created = context.wallClock()
      engine.renew(session: ByteString(session.id))
    }
    let changes = engine.join(other, wall: context.wallClock())
    let pieceCount = 500
    var rest = changes[...]
    var records: [[UInt8]] = []
    while !rest.isEmpty {
      records.append(ChangeRecord(Array(rest.prefix(pieceCount))).bytes)
      rest = rest.dropFirst(pieceCount)
    }
    append(records)
    return changes.count
  }

  /// Takes note that a whole state was joined which holds all of those records.
  func noteRecovery(through metadata: BackupMetadata) throws(CRSError) {
    guard metadata.isComplete, degradation == nil, !losses.isNone else { return }
    losses.recover(through: metadata.position)
    if losses.isUnbounded, metadata.host == context.host.text, losses.lost.isEmpty,
      startPosition.allSatisfy({ metadata.position[$0.key] ?? 0 >= $0.value })
    {
      losses.isUnbounded = false
    }
    try losses.write(folder, context)
  }

  /// Takes note that the state was saved: what was mended is in the backup.
  func noteSave() throws(CRSError) {
    guard try RecordLosses.read(folder, context) ?? RecordLosses() != losses else { return }
    try losses.write(folder, context)
  }

  /// How the loss is called.
  public var lossMessage: String {
    losses.isUnbounded
      ? "changes were lost that cannot be counted"
      : "\(losses.count) \(losses.count == 1 ? "record of the journal is" : "records of the journal are") not in the state"
  }

  private func append(_ records: [[UInt8]]) {
    guard !records.isEmpty else { return }
    guard degradation == nil, let journal else {
      pending += records
      return
    }
    do throws(CRSError) {
      if !isMarkTaken {
        let mark = folder.journalMark
        try storing { () throws(StorageError) in _ = try context.fileSystem.remove(mark) }
        isMarkTaken = true
      }
      position[session.id] = try journal.append(records, to: session)
    } catch {
      pending += records
      degradation = error
    }
  }

  /// Opens the journal again and writes what was kept in memory. Does nothing when it is attached.
  /// - Throws: what still keeps the journal from working; what was kept stays kept.
  public func reattach() throws(CRSError) {
    guard degradation != nil else { return }
    try demandWritable()
    let journal: Journal
    if let there = self.journal {
      journal = there
    } else {
      journal = try Journal(folder.journal, waitSeconds: options.journalWaitSeconds)
      // What the journal had before was never read: it joins what was applied since.
      var state = ReasoningState()
      let report = try journal.replay { record throws(CRSError) in
        for change in try ChangeRecord(record.payload).changes { state.apply(change) }
      }
      if let stop = report.stop { throw stop }
      _ = engine.join(state, wall: context.wallClock())
      position = report.position
      session.place = Self.place(of: folder.journal, context)
    }
    if !pending.isEmpty { position[session.id] = try journal.append(pending, to: session) }
    self.journal = journal
    pending = []
    degradation = nil
  }

  /// Packs the state as it is now.
  /// - Parameter allowsIncomplete: also in degraded mode; the backup then says that it is incomplete.
  /// - Throws: `degraded`.
  public func backup(allowsIncomplete: Bool = false) throws(CRSError) -> Backup {
    let isComplete = degradation == nil && replay.stop == nil && losses.isNone
    if !isComplete && !allowsIncomplete {
      let reason = degradation ?? replay.stop
      throw CRSError(
        .degraded,
        "a backup would be incomplete: "
          + (reason?.message ?? lossMessage),
        remedy:
          "Nothing was saved. Mend the journal, load a backup that holds them with `crdt-agent crs load`, or save what "
          + "there is with --incomplete")
    }
    return try traced("journal.Backup") { span throws(CRSError) in
      let backup = try Backup(
        engine.snapshot, project: project, created: context.wallClock(), host: context.host.text, session: session.id,
        deltaCount: deltaCount, position: position.filter { shortfall[$0.key] == nil }, isComplete: isComplete,
        lostRecords: lostRecords)
      span.attributes["crs.backup.size_bytes"] = backup.metadata.compressedBytes
      return backup
    }
  }

  /// Closes the journal and lets go of the project. What is pending in a degraded session is lost with it.
  public func close() throws(CRSError) {
    isClosed = true
    defer { lock = nil }
    guard let journal else { return }
    try journal.close()
    self.journal = nil
    guard isMarkTaken, degradation == nil, let mark = Self.mark(of: folder, context) else { return }
    // Without it the next writer takes a new session, and nothing else.
    _ = try? context.fileSystem.replaceIfChanged(folder.journalMark, with: mark)
  }

  private func demandWritable() throws(CRSError) {
    if isClosed { throw CRSError(.closed, "the session of \(folder.path) is closed") }
    if isReadOnly { throw CRSError(.usage, "the session was opened to read only") }
  }
}
