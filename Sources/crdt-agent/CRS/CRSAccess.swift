import ArgumentParser
import CRDT
import CRS
import CommandSupport
import Durability
import Glibc
import Memory
import Processes
import Replication
import Tracing

/// Which project, where its state is, and how much is said.
struct CRSOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The project's name, where it is in no git repository.", valueName: "name"))
  var project: String?
  @Option(
    help: ArgumentHelp("The project's folder (default: the working folder).", valueName: "dir"),
    completion: .directory)
  var folder: String?
  @Option(
    help: ArgumentHelp(
      "Where states are kept on this host.",
      discussion: "Default: $CRDT_AGENT_DATA, else $XDG_DATA_HOME/crdt-agent, else ~/.local/share/crdt-agent.",
      valueName: "dir"),
    completion: .directory)
  var data: String?
  @Option(
    help: ArgumentHelp("Append what was done to this file, as OTLP spans in JSON lines.", valueName: "file"),
    completion: .file())
  var trace: String?
  @OptionGroup var store: StoreOptions
  @OptionGroup var output: OutputOptions

  var console: Console { Console(agent: output) }

  /// Runs a command's work in the tracer asked for.
  /// - Parameter printsResult: as in ``Console/run(_:printsResult:_:)``; false for what changes something.
  func run(_ name: String, printsResult: Bool = true, _ body: (Console) throws -> Int32) throws {
    let console = console
    guard let trace else {
      return try console.run("crs \(name)", printsResult: printsResult) { try body(console) }
    }
    let recorder = TraceRecorder()
    InstrumentationSystem.bootstrap(recorder.tracer)
    try console.run("crs \(name)", printsResult: printsResult) {
      try TraceRecorder.prepare(Machine.absolute(trace))
      let outcome = Result { try body(console) }
      // How the command ended comes first: what it did is done, with a trace or without.
      do throws(ReplicationError) {
        try recorder.append(to: Machine.absolute(trace))
      } catch {
        console.warn("the trace is not whole: \(error)")
      }
      return try outcome.get()
    }
  }

  /// Everything of a run that does not depend on the command.
  func access() throws -> CRSAccess {
    if folder?.isEmpty == true || data?.isEmpty == true { throw ValidationError("--folder or --data is empty") }
    let dataFolder = try dataFolder()
    let place = Machine.absolute(folder ?? ".")
    let identity = try ProjectIdentity.of(folder: place, name: project)
    let effects = Effects.real
    let storeFolder = try store.folder()
    // One that is there and cannot be opened has a name of its own, under which the others know this host.
    let there = try Store.openIfThere(storeFolder, effects: effects)
    let machine = effects.machineIdentity().map { EntryIdentity.hexDigest(of: $0).prefix(16) } ?? "none"
    let context = CRSContext(
      fileSystem: effects.fileSystem, wallClock: effects.wallClock, randomBytes: effects.randomBytes,
      sleepMilliseconds: effects.sleepMilliseconds, host: there?.settings.host ?? Machine.defaultHost,
      machine: "\(machine) \(Self.bootIdentity)", lockWaitSeconds: there?.settings.lockWaitSeconds ?? 60)
    return CRSAccess(
      identity: identity, dataFolder: dataFolder, context: context, storeFolder: storeFolder, effects: effects,
      console: console)
  }

  /// Changes with each start of the system: a disk that was put back to an older state was put back before one.
  private static var bootIdentity: String {
    let file = Glibc.open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "none" }
    defer { Glibc.close(file) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
      count = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
    }
    return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
  }

  private func dataFolder() throws -> String {
    let variables = Environment.current.variables
    func value(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let data = data ?? value("CRDT_AGENT_DATA") { return Machine.absolute(data) }
    // The XDG specification says that relative paths there are to be ignored.
    if let data = value("XDG_DATA_HOME"), data.hasPrefix("/") { return data + "/crdt-agent" }
    guard let home = value("HOME") else {
      throw ReplicationError(.configuration, "HOME is not set", remedy: "Give the folder with --data")
    }
    return Machine.absolute(home + "/.local/share/crdt-agent")
  }
}

/// Which rules for secrets are let through.
struct CRSSecretOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Let through what this rule for secrets finds; may be given more than once.", valueName: "rule"))
  var allow: [String] = []
}

extension JSONWriter {
  /// The members that tell how far a state can be relied upon.
  mutating func reliability(of session: ReasoningSession) {
    member("mode", session.mode)
    array("problems") { problems in
      for problem in session.problems { problems.element(problem) }
    }
  }
}

/// The project of a run and the ways to its state.
struct CRSAccess {
  let identity: ProjectIdentity
  let dataFolder: String
  let context: CRSContext
  let storeFolder: String
  let effects: Effects
  let console: Console

  private func index() throws(CRSError) -> ProjectIndex {
    try ProjectIndex(dataFolder: dataFolder, fileSystem: context.fileSystem)
  }

  /// The project, taken up where it is new.
  /// - Parameters:
  ///   - selection: what is loaded into it.
  ///   - renewsGone: makes a folder that is gone again, in which the loss is told; else it is refused.
  /// - Throws: `usage` where it is not clear which one is meant, here or among what the store holds.
  func register(
    as choice: ProjectIndex.Choice = .told, loading selection: BackupSelection = BackupSelection(),
    renewsGone: Bool = false
  ) throws -> (project: ProjectIndex.Project, folder: ProjectFolder) {
    var index = try index()
    var (identity, choice) = (identity, choice)
    var gone: ProjectIndex.Project?
    if choice == .told {
      let there = try index.project(identity)
      // What is begun under a root commit alone would be the first fork's that is loaded.
      if there == nil { try storeIfAny()?.demandOneProject(identity, selection) }
      gone = there.flatMap { isGone(index.folder(of: $0)) ? $0 : nil }
      if let gone, !renewsGone {
        throw folderIsGone(gone, ", or begin anew with `crdt-agent crs init`, which tells of the loss from then on")
      }
      warnOfOtherName(there)
    } else if case .sameAs(let name) = choice, !index.knows(name), let name = try storeIfAny()?.projectName(name) {
      (identity, choice) = try index.joining(identity, name)
    }
    let project = try index.register(identity, as: choice, context: context)
    let folder = index.folder(of: project)
    if gone?.folder == project.folder { try RecordLosses.noteLostFolder(folder, context) }
    return (project, folder)
  }

  /// A project without a remote is the one whose state was joined into it: it is not to become another's later.
  /// - Returns: the name that it has from then on; `nil` where it has one already, or got none.
  func adoptNames(of joined: [ProjectIdentity], _ project: ProjectIndex.Project) throws(CRSError) -> String? {
    guard let names = project.identity.namesToAdopt(from: joined) else { return nil }
    var index = try index()
    let named = try index.register(names, as: .sameAs(project.identity.key), context: context)
    return named.identity.tellingName.description
  }

  /// The project with all names that it has here; those of the repository where it is not here.
  func allNames() throws -> ProjectIdentity { try found()?.project.identity ?? identity }

  /// The project, which has to be here.
  func known() throws -> (project: ProjectIndex.Project, folder: ProjectFolder) {
    guard let found = try found() else {
      throw CRSError(
        .notFound, "no state of \(identity.key) is kept in \(dataFolder)",
        remedy: "Begin with `crdt-agent crs apply`, or `crdt-agent crs load` what other hosts saved")
    }
    if isGone(found.folder) { throw folderIsGone(found.project) }
    warnOfOtherName(try index().project(identity))
    return found
  }

  /// The project with the names of the repository and all that it has here; `nil` where it is not here.
  /// - Throws: `usage` where it is not clear which one is meant.
  func found() throws -> (project: ProjectIndex.Project, folder: ProjectFolder)? {
    let index = try index()
    guard var project = try index.project(identity) else { return nil }
    project.identity = project.identity.known(as: identity)
    return (project, index.folder(of: project))
  }

  private func folderIsGone(_ project: ProjectIndex.Project, _ more: String = "") -> CRSError {
    CRSError(
      .notFound, "the folder of \(project.identity.key) is gone: \(dataFolder)/crs/\(project.folder)",
      remedy: "Put it back, or `crdt-agent crs load` what was saved" + more)
  }

  /// Whether nothing is there; what cannot be looked at says why when it is opened.
  private func isGone(_ folder: ProjectFolder) -> Bool {
    do throws(StorageError) {
      return try context.fileSystem.information(folder.path) == nil
    } catch {
      return false
    }
  }

  /// Whether the project is here, but for its folder.
  func isFolderGone() throws -> Bool { try found().map { isGone($0.folder) } ?? false }

  /// A project without a remote goes on under the one that its repository, or a clone of it, has now.
  private func warnOfOtherName(_ project: ProjectIndex.Project?) {
    guard let there = project?.identity, there.key != identity.key, !there.aliases.contains(identity.key) else {
      return
    }
    console.warn(
      "this project was known as \(there.key) and is \(identity.key) now; its state goes on. Another project here needs "
        + "--project NAME")
  }

  func session(
    _ project: ProjectIndex.Project, _ folder: ProjectFolder,
    _ change: (inout ReasoningSession.Options) -> Void = { _ in }
  ) throws(CRSError) -> ReasoningSession {
    var options = ReasoningSession.Options()
    change(&options)
    return try ReasoningSession(folder, project: project.identity.key, context: context, options: options)
  }

  /// The rules of the store, without those that are let through here or by `crdt-backup allow`; where there is no store
  /// yet, the built-in ones.
  /// - Throws: where the store's rules cannot be read: then nothing goes out, rather than too much.
  func secretScanner(_ options: CRSSecretOptions) throws(ReplicationError) -> SecretScanner {
    let allowed = Set(options.allow.map { ByteString($0) })
    guard let store = try Store.openIfThere(storeFolder, effects: effects) else {
      return SecretScanner(allowed: allowed)
    }
    return try store.secretScanner(allowing: allowed)
  }

  /// The state as it is, read only, with a warning where it is not all there is.
  func reader(_ console: Console) throws -> (project: ProjectIndex.Project, session: ReasoningSession) {
    let (project, folder) = try known()
    let session = try session(project, folder) { $0.isReadOnly = true }
    for problem in session.problems { console.warn(problem) }
    return (project, session)
  }

  /// The store, made where there is none.
  func madeStore() throws -> BackupStore {
    var request = StoreRequest(folder: storeFolder)
    request.makesStore = true
    return try backups(in: try Store.openOrCreate(request, effects: effects))
  }

  /// The store; `nil` where there is none yet.
  func storeIfAny() throws -> BackupStore? { try Store.openIfThere(storeFolder, effects: effects).map(backups) }

  /// The store, which has to be there.
  func openedStore() throws -> BackupStore { try backups(in: try Store.open(storeFolder, effects: effects)) }

  /// What this host saved and is not in the state here.
  func newerBackups(
    than session: ReasoningSession, _ project: ProjectIndex.Project, _ listing: BackupStore.Listing
  ) throws -> [StoredBackup] {
    guard let store = try storeIfAny() else { return [] }
    return try StateTransfer.newerBackups(
      than: session, project: project.identity, in: store, listing, context: context)
  }

  func tell(_ newer: StoredBackup) -> String {
    "this host saved more on \(newer.metadata.created), generation \(newer.metadata.generation), than is here: "
      + "`crdt-agent crs load` brings it back"
  }

  private func backups(in store: Store) throws(CRSError) -> BackupStore {
    BackupStore(store, known: try index().projects.map(\.identity))
  }
}

extension ReasoningSession {
  /// Whether what is applied is kept, and the state is all there is.
  var mode: String {
    if degradation != nil { return "degraded" }
    if replay.stop != nil { return "damaged" }
    if !losses.isNone { return "incomplete" }
    if !shortfall.isEmpty { return "damaged" }
    return writeRefusal == nil ? "journaled" : "read-only"
  }

  /// What a command that reads this state ends with: an answer from a part of it is no success.
  var exitCode: Int32 {
    degradation?.exitCode ?? replay.stop?.exitCode
      ?? (shortfall.isEmpty && losses.isNone ? 0 : CRSError(.gap, "").exitCode)
  }

  /// What keeps this state from being all there is, one line each.
  var problems: [String] {
    var problems: [String] = []
    if let degradation {
      problems.append(
        "degraded: the state lives in memory only, \(counted(pendingCount, "change is", "changes are")) not kept: \(degradation.message)"
      )
    }
    if let stop = replay.stop { problems.append("the journal was read only in part: \(stop)") }
    if !losses.isNone { problems.append("incomplete: \(lossMessage)") }
    if !shortfall.isEmpty, degradation == nil {
      problems.append(
        "the journal lacks records that it had: it was removed or put back to an older state; "
          + (losses.isNone ? "the latest backup holds all that it is known to have had; " : "")
          + "what was applied after the latest backup may be lost")
    }
    if let writeRefusal, degradation == nil { problems.append("nothing can be applied: \(writeRefusal)") }
    if let backupFailure { problems.append("the latest backup was not used: \(backupFailure.message)") }
    return problems
  }
}
