import CRDT
import Durability
import Git
import Memory
import Processes

/// What one backup is asked to do.
public struct BackupOptions: Sendable {
  /// Stay off the network.
  public var isOffline = false
  /// Tell what would be done, and write nothing.
  public var isDryRun = false
  /// Leave the memory file alone: only what is in the store is shared.
  public var skipsIngest = false
  /// Take so many deletions that it looks like an accident.
  public var allowsMassDeletion = false
  /// Seconds for all work on the remote; `nil` takes `crdt.timeout`.
  public var timeoutSeconds: Double?
  /// A host name to use when the store has none yet.
  public var defaultHost: HostName

  /// Who asks; where given, a verified run notes what it saw for ``Store/unchangedSinceVerified(_:context:effects:)``.
  public var context: RunContext?

  public init(defaultHost: HostName) { self.defaultHost = defaultHost }
}

/// What one backup did.
public struct BackupReport: Sendable {
  public var host: HostName
  /// The host name before this run, where it had to change.
  public var renamedFrom: HostName?
  public var remote: String?
  public var branch: String
  /// What was done for each memory of this host.
  public var sources: [SourceReport] = []
  /// The store's newest commit.
  public var commit: ObjectID?
  public var outcome: SyncOutcome
  /// Attempts on the remote.
  public var attempts = 0
  /// Entries that look like secrets: not in the store, and so on this host only.
  public var heldBack: [HeldBackEntry] { sources.flatMap { $0.ingest?.heldBack ?? [] } }
  /// The memory without a name.
  public var unnamed: SourceReport? { sources.first { $0.source.name == nil } }
  public var memory: String? { unnamed?.source.memory }
  /// What ingest found in it; `nil` when no memory file is set.
  public var ingest: IngestCounts? { unnamed?.ingest }
  /// Damaged peers, drift and the like, one line each.
  public var warnings: [String] = []
  public var isDryRun = false
  public var isOffline = false
  /// The number the command ends with. What is held back does not change it: it was left out on purpose, and is named.
  public var exitCode: Int32 {
    let own = sources.lazy.compactMap(\.failure).first?.exitCode ?? 0
    if isDryRun { return own }
    return switch outcome {
    case .verified: own
    case .noRemote: own != 0 ? own : isOffline && remote != nil ? 75 : 0
    case .notOnRemote(let error): error.exitCode
    }
  }
}

/// What one backup did for one memory.
public struct SourceReport: Sendable {
  public var source: MemorySource
  /// `nil` when it was not looked at.
  public var ingest: IngestCounts?
  /// `nil` when it is not written back, or that failed.
  public var writeBack: WriteBackReport?
  /// Why the file was not brought up to date. What it says is in the store all the same.
  public var writeBackFailure: ReplicationError?
  /// Why it was not taken in: nothing of it was changed, and the other memories were backed up.
  public var ingestFailure: ReplicationError?
  /// What the user has to see to.
  public var failure: ReplicationError? { ingestFailure ?? writeBackFailure }
}

/// What an ingest changed.
public struct IngestCounts: Sendable, Hashable {
  public var format: MemoryFormat
  public var added = 0
  public var changed = 0
  public var unchanged = 0
  public var recognised = 0
  /// No longer in the memory file, and kept.
  public var vanished = 0
  /// No longer in the memory file, and so deleted everywhere.
  public var deleted = 0
  /// No longer in the memory file, but somebody else wrote something there that this file had never shown: it lives on.
  public var outlived = 0
  /// Lines that cannot be read, and are kept as they are.
  public var quarantined = 0
  /// Looks like a secret, and was not taken up.
  public var heldBack: [HeldBackEntry] = []

  public init(format: MemoryFormat) { self.format = format }
}

extension Store {
  /// Backs up this host's memory file and merges with all hosts through the remote.
  ///
  /// The memory is committed here before the remote is spoken to, so that whatever the network does is an outcome in
  /// the report. Throws only for trouble on this host or with the memory file; what was accepted before is untouched.
  /// - Parameters:
  ///   - connect: makes the connection to a URL; called only when the network is needed.
  ///   - progress: told each step, one short line.
  public func backup(
    _ options: BackupOptions, connect: (String) throws(GitError) -> any Remote, progress: (String) -> Void = { _ in }
  ) throws(ReplicationError) -> BackupReport {
    try locked(unless: options.isDryRun) { () throws(ReplicationError) in
      do throws(ReplicationError) { return try backupLocked(options, connect: connect, progress: progress) } catch {
        if !options.isDryRun { noteFailure(error) }
        throw error
      }
    }
  }

  private func backupLocked(
    _ options: BackupOptions, connect: (String) throws(GitError) -> any Remote, progress: (String) -> Void
  ) throws(ReplicationError) -> BackupReport {
    let deadline = Deadline.after(seconds: options.timeoutSeconds ?? settings.timeoutSeconds)
    let reader = StateReader(repository: repository)
    if !options.isDryRun { try settleBases() }

    let remote = try connection(options, connect)
    if case .open(let remote) = remote, !options.isDryRun {
      let branch = settings.branch
      // A disk that lost an object here is mended from the remote, before anything is derived from what is left.
      reader.recover = { id in try? remote.recover(id, branch: branch, deadline: deadline) }
    }
    // The name this store has or was asked to have: what it ends up with may be another.
    let nameBefore = settings.host ?? options.defaultHost
    var firstContact: ReplicationError?
    var identity = try identify(options, tree: try tree(of: try tip()))
    if try tip() == nil, case .open(let remote) = remote, !options.isDryRun {
      progress("reading the remote")
      firstContact = try takeOver(remote, deadline: deadline, identity: &identity, reader: reader)
    }

    var report = BackupReport(
      host: identity.host, remote: settings.remote, branch: settings.branch,
      outcome: .noRemote, isDryRun: options.isDryRun, isOffline: options.isOffline)
    report.sources = settings.sources.map { SourceReport(source: $0) }
    if options.isDryRun {
      if !options.skipsIngest {
        let passes = try ingestAll(options, identity: identity, reader: reader, &report, progress)
        previewWriteBack(passes, identity: identity, reader: reader, &report)
      }
      report.commit = try tip()
      report.warnings = reader.warnings
      return report
    }
    // Whose writer was at work while the view was written back is taken in once more, and shared, before it is tried again.
    for attempt in 0... {
      let passes =
        options.skipsIngest ? [] : try ingestAll(options, identity: identity, reader: reader, &report, progress)
      try commitIfNew(identity: identity, reader: reader)
      try recordSeenOnceADay(identity: identity, reader: reader)
      if attempt == 0 || report.outcome.isVerified {
        switch remote {
        case .none: break
        case .failed(let error): report.outcome = .notOnRemote(error)
        case .open(let remote):
          if let firstContact, !firstContact.isRetryable {
            report.outcome = .notOnRemote(firstContact)
            break
          }
          progress("syncing with the remote")
          let result = try sync(
            with: remote, deadline: deadline, identity: &identity, reader: reader, progress: progress)
          report.outcome = result.outcome
          report.attempts += result.attempts
        }
      }
      try noteIngestedCommit()
      let isSettled = writeBackAll(passes, reader: reader, isLast: attempt == 4, &report, progress)
      if isSettled { break }
      effects.sleepMilliseconds(50 << attempt)
    }
    report.host = identity.host
    if identity.host != nameBefore { report.renamedFrom = nameBefore }
    report.commit = try tip()
    try publish(identity: identity, report: &report)
    report.warnings += reader.warnings
    try remember(report)
    try noteVerifiedState(report, context: options.skipsIngest ? nil : options.context)
    return report
  }

  /// Takes in all memories of this host, and notes in the report what came of it.
  private func ingestAll(
    _ options: BackupOptions, identity: Identity, reader: StateReader, _ report: inout BackupReport,
    _ progress: (String) -> Void
  ) throws(ReplicationError) -> [IngestPass?] {
    var passes: [IngestPass?] = []
    for index in report.sources.indices {
      let source = report.sources[index].source
      let pass: IngestPass
      do throws(ReplicationError) {
        pass = try ingest(source, options, identity: identity, reader: reader, progress: progress)
      } catch {
        // One bad memory among several keeps no other from being backed up.
        guard source.name != nil, [.badData, .noInput, .permission].contains(error.code) else { throw error }
        report.sources[index].ingestFailure = error
        passes.append(nil)
        continue
      }
      report.sources[index].ingest = report.sources[index].ingest?.followed(by: pass.counts) ?? pass.counts
      passes.append(pass)
    }
    return passes
  }

  /// Brings the view into every memory that is written back. What fails there is noted in the report: the backup is done.
  /// - Returns: whether nothing is to be tried again.
  private func writeBackAll(
    _ passes: [IngestPass?], reader: StateReader, isLast: Bool, _ report: inout BackupReport,
    _ progress: (String) -> Void
  ) -> Bool {
    var isSettled = true
    for (index, pass) in passes.enumerated() where report.sources[index].source.isWrittenBack {
      guard let pass else { continue }
      let source = report.sources[index].source
      do throws(ReplicationError) {
        switch try writeBack(source, after: pass, reader: reader, progress: progress) {
        case .done(let done):
          report.sources[index].writeBack = report.sources[index].writeBack.map { $0 + done } ?? done
        case .changed:
          isSettled = isSettled && isLast
          guard isLast else { continue }
          report.sources[index].writeBackFailure = ReplicationError(
            .notOnRemote, "\(source.memory): the memory file keeps changing, and was not overwritten",
            remedy: "Everything is saved in the store on this host; run again when its writer rests", isRetryable: true)
        }
      } catch {
        report.sources[index].writeBackFailure = error
      }
    }
    return isSettled
  }

  /// What a dry run tells of the memories that would be written back.
  private func previewWriteBack(
    _ passes: [IngestPass?], identity: Identity, reader: StateReader, _ report: inout BackupReport
  ) {
    for (index, pass) in passes.enumerated() where report.sources[index].source.isWrittenBack {
      guard let pass else { continue }
      do throws(ReplicationError) {
        report.sources[index].writeBack = try previewWriteBack(
          report.sources[index].source, after: pass, identity: identity, reader: reader)
      } catch {
        report.sources[index].writeBackFailure = error
      }
    }
  }

  private enum Connection {
    case none
    case open(any Remote)
    case failed(ReplicationError)
  }

  private func connection(_ options: BackupOptions, _ connect: (String) throws(GitError) -> any Remote)
    throws(ReplicationError) -> Connection
  {
    guard let url = settings.remote, !options.isOffline else { return .none }
    do { return .open(try connect(url)) } catch { return .failed(ReplicationError(remote: error)) }
  }

  /// The replica and host name of this store, chosen now where it has none.
  func identify(_ options: BackupOptions, tree: StoreTree) throws(ReplicationError) -> Identity {
    if options.isDryRun, try privateState.readReplica() == nil {
      let replica = PrivateState.Replica(identity: String(repeating: "0", count: 32), created: wall, machineDigest: nil)
      return Identity(host: settings.host ?? options.defaultHost, replica: replica)
    }
    let replica = try loadReplica(tree: tree)
    let wanted = settings.host ?? options.defaultHost
    let host = try freeHostName(wanted, replica: replica.identity, trees: [tree])
    if !options.isDryRun { try adopt(host, requested: settings.requestedHost ?? wanted) }
    return Identity(host: host, replica: replica)
  }

  /// A new store begins with what the remote has, so that values known there are recognised and not added again.
  /// - Returns: what kept it from doing so; ingest goes on all the same.
  private func takeOver(_ remote: any Remote, deadline: Deadline, identity: inout Identity, reader: StateReader)
    throws(ReplicationError) -> ReplicationError?
  {
    let fetched: ObjectID?
    do { fetched = try remote.fetch(branch: settings.branch, deadline: deadline) } catch {
      return ReplicationError(remote: error)
    }
    guard let fetched, try isStoreOrFresh(fetched) else { return nil }
    do {
      _ = try integrate(remote: fetched, identity: &identity, reader: reader)
    } catch {
      guard error.code == .notOnRemote else { throw error }
      return error
    }
    return nil
  }

  /// A store's first commit, when ingest had nothing to write: the host is known from then on.
  private func commitIfNew(identity: Identity, reader: StateReader) throws(ReplicationError) {
    let old = try tip()
    guard try tree(of: old).hostRecords[StoreTree.hostRecordName(of: identity.host.text)] == nil else { return }
    var clock = try loadClock()
    let tree = try completed(
      try tree(of: old), as: identity, clock: &clock, reader: reader, tips: [old].compactMap(\.self))
    let commit = try commit(
      tree, parents: [old].compactMap(\.self), host: identity.host, message: "\(identity.host): joined the store")
    try move(from: old, to: commit, message: "crdt-backup: new host")
  }

  /// Commits what this host has seen of the others, when nothing else has for a day: others drop tombstones by it.
  private func recordSeenOnceADay(identity: Identity, reader: StateReader) throws(ReplicationError) {
    var run = try privateState.readLastRun()
    guard let last = run.recordWritten, wall.seconds(since: last) < 86_400, wall >= last else {
      let isFirst = run.recordWritten == nil
      run.recordWritten = wall
      if !isFirst, let old = try tip() {
        let tree = try tree(of: old)
        let table = try reader.table(of: tree, tips: [old])
        let updated = try recordingSeen(
          of: table, in: tree, as: identity, clock: try loadClock(), reader: reader)
        if updated != tree {
          let commit = try commit(
            updated, parents: [old], host: identity.host, message: "\(identity.host): seen what the others wrote")
          try move(from: old, to: commit, message: "crdt-backup: seen")
        }
      }
      try privateState.write(run)
      return
    }
  }

  /// Notes a run that ended before the remote was spoken to. The failure itself is what the user has to see, so one of
  /// this note's own is left unsaid.
  private func noteFailure(_ error: ReplicationError) {
    guard var run = try? privateState.readLastRun() else { return }
    run.ended = wall
    run.exitCode = error.exitCode
    run.message = error.message
    try? privateState.write(run)
  }

  /// Notes how this run ended, for `status` and the next one.
  private func remember(_ report: BackupReport) throws(ReplicationError) {
    var run = try privateState.readLastRun()
    // The same said again within a minute is no news, and not worth a write.
    if case .verified(let commit) = report.outcome, run.exitCode == 0, report.exitCode == 0,
      run.verifiedCommit == commit.description,
      let before = run.verified, run.unpushedSince == nil, (0..<60).contains(wall.seconds(since: before))
    {
      return
    }
    run.ended = wall
    run.exitCode = report.exitCode
    switch report.outcome {
    case .verified(let commit):
      run.verified = wall
      run.verifiedCommit = commit.description
      run.unpushedSince = nil
      run.message = "verified on the remote"
    case .noRemote:
      run.message = report.isOffline && report.remote != nil ? "offline" : "no remote"
      if report.remote != nil, try hasUnpushed() { run.unpushedSince = run.unpushedSince ?? wall }
    case .notOnRemote(let error):
      run.message = error.message
      if try hasUnpushed() { run.unpushedSince = run.unpushedSince ?? wall }
    }
    if run.exitCode != 0, let failure = report.sources.lazy.compactMap(\.failure).first,
      failure.exitCode == run.exitCode
    {
      run.message = failure.message
    }
    try privateState.write(run)
  }

  /// Whether the store has commits the remote is not known to have.
  func hasUnpushed() throws(ReplicationError) -> Bool {
    guard let local = try tip() else { return false }
    guard let tracked = try trackedTip() else { return true }
    return try replicating { () throws(GitError) in !(try repository.isAncestor(local, of: tracked)) }
  }
}
