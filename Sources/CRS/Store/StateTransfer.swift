import CRDT
import Memory
import Tracing

/// Saving a session's state as a backup, and loading backups into it: on this host, and through the store.
public enum StateTransfer {
  /// What a save did.
  public struct Saved: Sendable {
    public var backup: Backup
    /// The entry in the store; `nil` where none was asked for, or the store holds that backup already.
    public var entry: Entry?
    /// Why the backup is only in the store, as where this host's folder cannot be written.
    public var localFailure: CRSError?
  }

  /// Saves the whole state on this host and, with a store, puts it there.
  /// - Parameter givesUpLosses: takes what is here for all there is, once what the store holds was joined.
  /// - Throws: `degraded` unless `allowsIncomplete`; with a store, `secretFound`; else what saving throws.
  public static func save(
    _ session: ReasoningSession, project: ProjectIdentity, to store: BackupStore?, context: CRSContext,
    allowsIncomplete: Bool = false, givesUpLosses: Bool = false, scanner: SecretScanner = SecretScanner()
  ) throws(CRSError) -> Saved {
    try measured(.save, session.folder, context) { () throws(CRSError) in
      try traced("crs.SaveCheckpointToDisk") { span throws(CRSError) in
        span.attributes["crs.project"] = project.key.description
        if let store { try keepWhatWasSaved(session, project, store, context) }
        if store != nil {
          // What goes into the store goes to every host.
          try SecretRefusal.check(session.engine.state.canonicalBytes, scanner)
        }
        if givesUpLosses { try session.giveUpLosses() }
        if allowsIncomplete || session.losses.isNone { try session.mendJournal() }
        var backup = try session.backup(allowsIncomplete: allowsIncomplete)
        var localFailure: CRSError?
        do throws(CRSError) {
          // Saved again, nothing changes: no write here, no commit in the store.
          backup = try PersistenceManager(session.folder, context: context).save(backup)
          try session.noteSave()
        } catch {
          // What can be read here is better kept elsewhere than nowhere; it is called incomplete.
          guard store != nil, !backup.metadata.isComplete, session.degradation != nil else { throw error }
          localFailure = error
        }
        if let store, try holds(store, backup, project, context) {
          return Saved(backup: backup, entry: nil, localFailure: localFailure)
        }
        return Saved(
          backup: backup, entry: try store?.publish(backup, of: project, defaultHost: context.host),
          localFailure: localFailure)
      }
    }
  }

  /// Whether the store has that very backup of this host, undamaged.
  private static func holds(
    _ store: BackupStore, _ backup: Backup, _ project: ProjectIdentity, _ context: CRSContext
  ) throws(CRSError) -> Bool {
    let own = try store.newest(of: project).backups.first {
      $0.stamp.host == context.host.bytes && $0.project.key == project.key
    }
    let project = project.alsoKnown(as: backup.metadata.project).withoutSecrets()
    guard let own, own.metadata == backup.metadata, Set(own.project.aliases) == Set(project.aliases)
    else { return false }
    return (try? store.state(of: own)) != nil
  }

  /// Joins this host's own newest backup where the state here may lack some of it, as after the loss of the journal: the
  /// backup that takes its place must hold all that it held.
  private static func keepWhatWasSaved(
    _ session: ReasoningSession, _ project: ProjectIdentity, _ store: BackupStore, _ context: CRSContext
  ) throws(CRSError) {
    // What a host calls the same here is another project all the same, until a load joins it.
    let ownership = ProjectOwnership(of: project, known: store.known)
    var selection = BackupSelection(host: context.host.bytes)
    selection.ownership = ownership
    let listing = try store.newest(of: project, selection)
    // One that is newer than what cannot be read has all that was in that.
    let own = listing.backups.first { $0.project.key == project.key }
    let unread = listing.failures.filter {
      $0.stamp.host == context.host.bytes && $0.stamp > own?.stamp ?? Stamp(instant: .epoch, host: "")
    }
    // What a newer version saved here may hold more than this one can tell.
    if let newer = unread.first(where: { $0.error.code == .versionMismatch }) {
      throw newer.error.told("Nothing was saved")
    }
    if !unread.isEmpty || listing.backups.contains(where: { !session.covers($0.metadata) }) {
      let found = try store.load(project, selection)
      for (stored, state) in found.backups {
        _ = try session.join(state)
        try session.noteJoin(of: stored.metadata)
        session.pass(stored.metadata)
      }
    }
    // What is lost here may be in an older one.
    guard !session.losses.isNone else { return }
    for stored in try store.history(of: project).backups where stored.metadata.isComplete && !session.losses.isNone {
      guard ownership.holds(stored.project), session.losses.isRecoverable(through: stored.metadata.position) else {
        continue
      }
      guard let state = try? store.state(of: stored) else { continue }
      _ = try session.join(state)
      try session.noteJoin(of: stored.metadata)
    }
  }

  /// This host's newest good backups in the store that hold something which is not in the state here, as where its
  /// folder was put back to an older copy.
  /// - Complexity: unpacks those that were not made of what is here.
  public static func newerBackups(
    than session: ReasoningSession, project: ProjectIdentity, in store: BackupStore, _ listing: BackupStore.Listing,
    context: CRSContext
  ) throws(CRSError) -> [StoredBackup] {
    var newer: [StoredBackup] = []
    for stored in listing.backups
    where stored.stamp.host == context.host.bytes && stored.project.key == project.key
      && !session.isAhead(of: stored.metadata)
    {
      guard let state = try? store.state(of: stored) else { continue }
      if !session.engine.state.changes(joining: state).isEmpty { newer.append(stored) }
    }
    return newer
  }

  /// What a load did.
  public struct Loaded: Sendable {
    public var found: BackupStore.Found
    /// Elements that were new here.
    public var newElements: Int
  }

  /// Joins the wanted backups of the store into the session; the session's journal takes what is new.
  /// - Throws: `notFound` where no good backup is wanted; `corrupted` where all that are wanted are damaged;
  ///   `versionMismatch` where none of them is good and one is of a version that is not known here.
  public static func load(
    into session: ReasoningSession, project: ProjectIdentity, from store: BackupStore, _ selection: BackupSelection,
    context: CRSContext
  ) throws(CRSError) -> Loaded {
    try measured(.load, session.folder, context) { () throws(CRSError) in
      try traced("crs.LoadCheckpointFromDisk") { span throws(CRSError) in
        span.attributes["crs.project"] = project.key.description
        try store.demandOneProject(project, selection)
        let found = try store.load(project, selection)
        guard !found.backups.isEmpty else {
          if let failure = found.failures.first(where: { $0.error.code == .versionMismatch }) {
            throw failure.error.told("Nothing was loaded")
          }
          if let failure = found.failures.first {
            throw CRSError(
              .corrupted, "no good backup of \(project.key): \(failure.error.message)",
              remedy: "Nothing was loaded. Run crdt-backup on the host that made it, then again here")
          }
          throw BackupStore.nothing(of: project, found.unclear)
        }
        let joined = ReasoningState(joining: found.backups.map(\.state))
        let count = try session.join(joined)
        for (stored, _) in found.backups { try session.noteJoin(of: stored.metadata) }
        if session.losses.isNone { try session.mendJournal() }
        span.attributes["crs.backups"] = found.backups.count
        return Loaded(found: found, newElements: count)
      }
    }
  }

  /// Joins an export.
  /// - Throws: `secretFound`; else what joining throws.
  public static func `import`(
    _ export: StateExport, into session: ReasoningSession, context: CRSContext,
    scanner: SecretScanner = SecretScanner()
  ) throws(CRSError) -> Int {
    try SecretRefusal.check(export.state.canonicalBytes, scanner)
    return try measured(.import, session.folder, context) { () throws(CRSError) in try session.join(export.state) }
  }

  /// Exports a session's state.
  public static func export(_ session: ReasoningSession, project: ProjectIdentity, context: CRSContext)
    throws(CRSError) -> StateExport
  {
    try measured(.export, session.folder, context) { () throws(CRSError) in
      // A state that is not all there is must not pass for it elsewhere.
      if let failure = session.replay.stop ?? session.degradation { throw failure }
      return StateExport(
        project: project.key, created: context.wallClock(), host: context.host.text,
        generation: session.engine.generation, state: session.engine.state)
    }
  }

  private static func measured<Value>(
    _ operation: BackupMetrics.Operation, _ folder: ProjectFolder, _ context: CRSContext,
    _ body: () throws(CRSError) -> Value
  ) throws(CRSError) -> Value {
    let start = ContinuousClock.now
    func record(isSuccess: Bool) {
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      BackupMetrics.record(
        operation, seconds: Double(seconds) + Double(attoseconds) / 1e18, isSuccess: isSuccess, folder: folder,
        context: context)
    }
    do throws(CRSError) {
      let value = try body()
      record(isSuccess: true)
      return value
    } catch {
      record(isSuccess: false)
      throw error
    }
  }
}
