import ArgumentParser
import CRDT
import CRS
import CommandSupport
import Memory

struct CRSSaveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Save the whole state, on this host and in the store for crdt-backup to carry.")

  @Flag(help: "Save on this host only.")
  var local = false
  @Flag(help: "Save also what is known not to be all; the backup says so.")
  var incomplete = false
  @Flag(
    help: """
      Give up what is known to be lost and in no backup: from here on what there is counts as all, and is saved. \
      Records that turn up again are taken all the same.
      """)
  var acceptLoss = false
  @Flag(help: "Go on behind corrupt records of the journal.")
  var skipCorrupted = false
  @OptionGroup var secrets: CRSSecretOptions
  @OptionGroup var options: CRSOptions

  func validate() throws {
    if incomplete && acceptLoss { throw ValidationError("--incomplete and --accept-loss exclude each other") }
  }

  func run() throws {
    try options.run("save", printsResult: false) { console in
      let access = try options.access()
      let (project, folder) = try access.known()
      let session = try access.session(project, folder) {
        $0.skipsCorrupted = skipCorrupted || acceptLoss
        $0.allowsDegraded = incomplete
      }
      for problem in session.problems { console.warn(problem) }
      let store = local ? nil : try access.madeStore()
      let saved = try StateTransfer.save(
        session, project: project.identity, to: store, context: access.context, allowsIncomplete: incomplete,
        givesUpLosses: acceptLoss, scanner: try access.secretScanner(secrets))
      try session.close()
      if let failure = saved.localFailure { console.warn("the backup is in the store only: \(failure)") }
      let metadata = saved.backup.metadata
      console.say(
        "saved generation \(metadata.generation)"
          + (metadata.isComplete ? "" : ", incomplete")
          + ": \(metadata.compressedBytes) bytes, sha256 \(metadata.digest)")
      if local == false { console.say("in the store; crdt-backup carries it to the other hosts") }
      if options.output.json {
        console.object("crs save") { object in
          object.member("project", project.identity.key)
          object.raw("metadata", Array(metadata.bytes.dropLast()))
          object.member("file", saved.localFailure == nil ? folder.latestBackup : nil)
          object.member("inStore", store != nil)
          object.member("uniqueID", saved.entry.map { $0.metadata.uniqueID.description })
        }
      }
      return 0
    }
  }
}

struct CRSLoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Join what was saved into the state here: of every host the newest good backup, or those that are named.")

  @Option(help: ArgumentHelp("Only what this host saved.", valueName: "name"))
  var host: String?
  @Option(
    help: ArgumentHelp(
      "The newest saved at that time or before: RFC 3339, or a time ago such as 90m, 2h or 3d.", valueName: "time"))
  var at: String?
  @Option(help: ArgumentHelp("This generation.", valueName: "number"))
  var generation: UInt64?
  @Flag(help: "Go on behind corrupt records of the journal.")
  var skipCorrupted = false
  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("load", printsResult: false) { console in
      let access = try options.access()
      let time = try at.map { try TimeText.parse($0, now: access.context.wallClock()) }
      let store = try access.openedStore()
      let selection = BackupSelection(host: host.map { ByteString($0) }, at: time, generation: generation)
      // A project is taken up when there is something of it, and it is clear that it is.
      let known = try access.found()?.project.identity
      try store.demandOneProject(known ?? access.identity, selection)
      if try known == nil || access.isFolderGone() { try store.demand(known ?? access.identity, selection) }
      let (project, folder) = try access.register(loading: selection, renewsGone: true)
      let session = try access.session(project, folder) { $0.skipsCorrupted = skipCorrupted }
      let loaded = try StateTransfer.load(
        into: session, project: project.identity, from: store, selection, context: access.context)
      if let degradation = session.degradation { throw degradation }
      let generation = session.engine.generation
      try session.close()
      let name = try access.adoptNames(of: loaded.found.backups.map(\.stored.project), project)
      if let name { console.say("this project, which has no remote, is \(name) from now on") }
      for failure in loaded.found.failures {
        let other = loaded.found.backups.first { $0.stored.stamp.host == failure.stamp.host }?.stored.metadata
        console.warn(
          "\(failure.name) was passed over"
            + (other.map { " for the one of \($0.created), generation \($0.generation)" } ?? "") + ": \(failure.error)")
      }
      for stored in loaded.found.unclear { console.warn(stored.whyUnclear) }
      if loaded.newElements > 0 {
        let future = FutureElements(loaded.found.backups.map(\.state), wall: access.context.wallClock())
        if let warning = future.warning { console.warn(warning) }
      }
      let names = Set([project.identity.key] + project.identity.aliases)
      func savedAs(_ stored: StoredBackup) -> String {
        names.contains(stored.project.tellingName) ? "" : ", saved as \(stored.project.tellingName.shownName)"
      }
      for (stored, _) in loaded.found.backups {
        console.say(
          "joined \(stored.stamp.host), generation \(stored.metadata.generation) of \(stored.metadata.created)"
            + (stored.metadata.isComplete ? "" : ", incomplete") + savedAs(stored))
      }
      console.say("\(counted(loaded.newElements, "element was", "elements were")) new here, generation \(generation)")
      if options.output.json {
        console.object("crs load") { object in
          object.member("project", project.identity.key)
          object.array("joined") { list in
            for (stored, _) in loaded.found.backups {
              list.object { backup in
                backup.stored(stored)
                backup.member("project", stored.project.key)
              }
            }
          }
          object.array("passedOver") { list in
            for failure in loaded.found.failures { list.object { $0.failure(failure) } }
          }
          object.unclear(loaded.found.unclear)
          object.member("newElements", loaded.newElements)
          object.raw("generation", Array(String(generation).utf8))
        }
      }
      // What was loaded is not all that was asked for.
      return loaded.found.failures.exitCode
    }
  }
}

struct CRSHistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "List what every host saved, newest first: what `load` can be asked for.")

  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("history") { console in
      let access = try options.access()
      let listing = try access.openedStore().history(of: access.allNames())
      let backups = listing.backups
      for failure in listing.failures { console.warn("\(failure.name) cannot be used: \(failure.error)") }
      for stored in listing.unclear { console.warn(stored.whyUnclear) }
      if options.output.json {
        console.object("crs history") { object in
          object.member("project", access.identity.key)
          object.array("backups") { list in
            for stored in backups { list.object { $0.stored(stored) } }
          }
          object.array("unreadable") { list in
            for failure in listing.failures { list.object { $0.failure(failure) } }
          }
          object.unclear(listing.unclear)
        }
      } else {
        let rows = backups.map { stored in
          [
            stored.metadata.created.description, stored.stamp.host.description, String(stored.metadata.generation),
            String(stored.metadata.compressedBytes), stored.metadata.isComplete ? "yes" : "no",
            String(stored.metadata.digest.prefix(12)),
          ]
        }
        for line in TextTable.lines(["SAVED", "HOST", "GENERATION", "BYTES", "COMPLETE", "SHA256"], rows) {
          console.say(line)
        }
      }
      // What cannot be read is missing from the list.
      return listing.failures.exitCode
    }
  }
}

extension JSONWriter {
  /// The members that tell of a backup in the store.
  mutating func stored(_ stored: StoredBackup) { backup(of: stored.stamp.host, stored.metadata) }

  private mutating func backup(of host: ByteString, _ metadata: BackupMetadata) {
    member("host", host)
    member("created", metadata.created.description)
    raw("generation", Array(String(metadata.generation).utf8))
    member("session", metadata.session)
    member("complete", metadata.isComplete)
    member("sizeBytes", metadata.sizeBytes)
    member("compressedBytes", metadata.compressedBytes)
    member("sha256", metadata.digest)
  }

  /// The member that tells of backups that may be of another project; only where there are any.
  mutating func unclear(_ backups: [StoredBackup]) {
    if backups.isEmpty { return }
    array("unclear") { list in
      for stored in backups {
        list.object { backup in
          backup.stored(stored)
          backup.member("project", stored.project.key)
        }
      }
    }
  }

  /// The members that tell of a backup that cannot be used.
  mutating func failure(_ failure: BackupStore.Failure) {
    if let metadata = failure.metadata {
      backup(of: failure.stamp.host, metadata)
    } else {
      member("host", failure.stamp.host)
      member("created", failure.stamp.instant.description)
    }
    member("code", failure.error.code.rawValue)
    member("error", failure.error.message)
  }
}

extension StoredBackup {
  /// Why it was passed over, for people.
  var whyUnclear: String {
    "\(name) may be of this project or of another one of its root commit, and was passed over. Where it is of this one, "
      + "`crdt-agent crs load --host \(stamp.host)` joins it"
  }
}

extension [BackupStore.Failure] {
  /// What a command ends with that met them: damage comes before what only another version reads.
  var exitCode: Int32 {
    contains { $0.error.code != .versionMismatch } ? CRSError(.corrupted, "").exitCode : first?.error.exitCode ?? 0
  }
}

extension BackupStore.Failure {
  /// Which backup it is, for people.
  var name: String { "the backup of \(stamp.host) of \(metadata?.created ?? stamp.instant)" }
}
