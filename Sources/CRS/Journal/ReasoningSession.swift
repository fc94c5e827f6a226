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
  /// Why nothing can be written here; `nil` where nothing speaks against it.
  public let writeRefusal: CRSError?
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
  /// The session of which the journal's account tells, while this one writes.
  private var begun: Journal.Session?

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
    var refusal: CRSError?
    lock = try Self.lock(folder, context, options, &refusal)
    let opening = try SessionOpening(folder, context, options, writeRefusal: refusal)
    session = opening.session
    losses = opening.losses
    shortfall = opening.shortfall
    journal = opening.journal
    degradation = opening.degradation
    replay = opening.report
    position = opening.report.position
    startPosition = opening.start
    backupFailure = opening.backupFailure
    backupMetadata = opening.backup
    isReadOnly = options.isReadOnly
    account = opening.account
    writeRefusal = options.isReadOnly ? folder.writeRefusal() : refusal
    self.options = options
    engine = ReasoningEngine(
      state: opening.state, generation: opening.generation, session: ByteString(opening.session.id),
      host: context.host, wall: context.wallClock())
    if account.isOfOlderVersion, !isReadOnly, degradation == nil, let journal {
      try account.settle(journal, lacking: [:])
    }
  }

  /// What is known to be missing from the state.
  public private(set) var losses: RecordLosses
  /// Sessions of which the journal has less than it once had, as its last writer or the latest backup says, and how much
  /// that was.
  public private(set) var shortfall: JournalPosition
  private let startPosition: JournalPosition
  private let isReadOnly: Bool
  private var account: JournalAccount
  private let options: Options

  /// The lock of who writes.
  /// - Parameter refusal: why nothing can be written, where degraded is good enough.
  private static func lock(
    _ folder: ProjectFolder, _ context: CRSContext, _ options: Options, _ refusal: inout CRSError?
  ) throws(CRSError) -> FileLock? {
    if options.isReadOnly { return nil }
    do throws(CRSError) {
      try storing { () throws(StorageError) in try context.fileSystem.createFolder(folder.path) }
      refusal = folder.writeRefusal()
      if let refusal { throw refusal }
      return try storing { () throws(StorageError) in
        try FileLock.acquire(folder.journalLock, waitSeconds: context.lockWaitSeconds)
      }
    } catch {
      guard options.allowsDegraded, error.code == .permission || error.code == .storage else { throw error }
      refusal = error
      return nil
    }
  }

  public var sessionID: String { session.id }
  public var snapshot: Snapshot { engine.snapshot }
  /// Records applied and not in the journal.
  public var pendingCount: Int { pending.count }
  /// Records of the journal that are not in the state, as far as they can be counted.
  public var lostRecords: UInt64 {
    losses.isUnbounded ? max(losses.count, backupMetadata?.lostRecords ?? 0) : losses.count
  }
  /// Records of the journal in the state.
  public var deltaCount: UInt64 { position.values.reduce(0) { $0 > .max - $1 ? .max : $0 + $1 } }

  /// Whether the state holds all that a backup of this host held, as far as its journal tells.
  func covers(_ metadata: BackupMetadata) -> Bool {
    metadata.isComplete && metadata.position.allSatisfy { session, sequence in (position[session] ?? 0) >= sequence }
  }

  /// Whether the journal goes as far as a backup of this host.
  func isAhead(of metadata: BackupMetadata) -> Bool {
    !metadata.position.isEmpty && metadata.position.allSatisfy { (position[$0.key] ?? 0) >= $0.value }
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
    append(records(of: changes))
    return changes.count
  }

  private func records(of changes: [Change]) -> [[UInt8]] {
    let pieceCount = 500
    return stride(from: 0, to: changes.count, by: pieceCount).map {
      ChangeRecord(Array(changes[$0..<min($0 + pieceCount, changes.count)])).bytes
    }
  }

  /// Takes note that the state of a backup was joined.
  ///
  /// A complete one holds all records up to its position. One of this host that is not, and of which nothing is known
  /// here, as after the loss of the data folder, lacks something that is missing here too.
  func noteJoin(of metadata: BackupMetadata) throws(CRSError) {
    guard degradation == nil else { return }
    var losses = losses
    let isOwn = metadata.host == context.host.text
    if isOwn, !metadata.isComplete, !knows(metadata) { losses.isJournalUncounted = true }
    if metadata.isComplete {
      losses.recover(through: metadata.position)
      if isOwn, losses.lost.isEmpty, startPosition.allSatisfy({ metadata.position[$0.key] ?? 0 >= $0.value }) {
        losses.isBackupUncounted = false
      }
    }
    guard losses != self.losses else { return }
    self.losses = losses
    try losses.write(folder, context)
  }

  /// Before a backup takes the place of one of this host: a generation that is not of what is here is not used again.
  func pass(_ metadata: BackupMetadata) {
    if !knows(metadata) { engine.raise(above: metadata.generation) }
  }

  /// Whether a backup of this host was made of what is here, and before.
  private func knows(_ metadata: BackupMetadata) -> Bool {
    metadata == backupMetadata || isAhead(of: metadata)
  }

  /// Takes what is here for all there is: a loss that cannot be made good is not told any more.
  /// - Throws: `degraded` where more could be read than is.
  public func giveUpLosses() throws(CRSError) {
    try demandWritable()
    if let reason = degradation ?? replay.stop {
      throw CRSError(
        .degraded, "there may be more than what is here: \(reason.message)",
        remedy: "Nothing was given up. Mend the journal, or move it away and load a backup")
    }
    guard !losses.isNone, let journal else { return }
    try mendJournal()
    losses.giveUp()
    try losses.write(folder, context)
    try account.settle(journal, lacking: [:])
  }

  /// Puts the whole state into a journal that lacks records of it: the journal alone holds everything again, and what it
  /// lacked is not told any more, but by the losses.
  func mendJournal() throws(CRSError) {
    guard !shortfall.isEmpty, degradation == nil, replay.stop == nil, let journal else { return }
    append(records(of: ReasoningState().changes(joining: engine.state)))
    if let degradation { throw degradation }
    try account.settle(journal, lacking: shortfall)
    position = account.position
    shortfall = [:]
  }

  /// Takes note that the state was saved: what was mended is in the backup.
  func noteSave() throws(CRSError) {
    guard try RecordLosses.read(folder, context) ?? RecordLosses() != losses else { return }
    try losses.write(folder, context)
  }

  /// How the loss is called.
  public var lossMessage: String {
    losses.isUnbounded
      ? "changes may be lost that nothing here counts"
      : "\(losses.count) \(losses.count == 1 ? "record of the journal is" : "records of the journal are") not in the state"
  }

  private func append(_ records: [[UInt8]]) {
    guard !records.isEmpty else { return }
    guard degradation == nil, let journal else {
      pending += records
      return
    }
    do throws(CRSError) {
      try append(records, to: journal)
    } catch {
      pending += records
      degradation = error
    }
  }

  private func append(_ records: [[UInt8]], to journal: Journal) throws(CRSError) {
    if begun != session {
      try account.begin(session, in: journal)
      begun = session
    }
    let sequence = try journal.append(records, to: session)
    account.acknowledge(session, sequence)
    position[session.id] = sequence
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
      session.place = JournalFile.place(of: folder.journal, context)
    }
    if !pending.isEmpty { try append(pending, to: journal) }
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
          "Nothing was saved. Mend the journal, load a backup that holds them with `crdt-agent crs load`, save what "
          + "there is with --incomplete, or give up what is lost with --accept-loss")
    }
    return try traced("journal.Backup") { span throws(CRSError) in
      let backup = try Backup(
        engine.snapshot, project: project, created: context.wallClock(), host: context.host.text, session: session.id,
        deltaCount: deltaCount, position: position, isComplete: isComplete,
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
    // Opening it to write changed the file, also where nothing was appended.
    let isOwn = begun != nil || (account.isUntouched && shortfall.isEmpty && !isReadOnly)
    let end = isOwn && degradation == nil ? try? journal.position() : nil
    try journal.close()
    self.journal = nil
    if let end { account.close(end) }
  }

  private func demandWritable() throws(CRSError) {
    if isClosed { throw CRSError(.closed, "the session of \(folder.path) is closed") }
    if isReadOnly { throw CRSError(.usage, "the session was opened to read only") }
  }
}
