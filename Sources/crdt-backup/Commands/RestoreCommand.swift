import ArgumentParser
import CRDT
import CommandSupport
import Durability
import Git
import Memory
import Replication

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Write the memory of now, of a time or of a commit to a file or stdout; or bring one value back.",
    discussion: """
      Without --apply nothing in the store changes. With --apply the id's value of then becomes its newest value, under \
      a new stamp so that it stays, on this host and after the sync on all others.
      """)

  @Argument(help: ArgumentHelp("Only this id (an entity comes with its observations); default: all.", valueName: "id"))
  var id: String?
  @Option(
    help: ArgumentHelp("What was backed up by then: RFC 3339, or a time ago such as 2h or 3d.", valueName: "time"))
  var at: String?
  @Option(help: ArgumentHelp("The state of a commit of the store (at least four digits).", valueName: "commit"))
  var commit: String?
  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Write there instead of stdout.", valueName: "file"),
    completion: .file())
  var output: String?
  @Option(
    help: ArgumentHelp(
      "The form to write: " + MemoryFormat.files.map(\.rawValue).joined(separator: ", ")
        + " (default: the memory file's; json where that is a folder).", valueName: "format"))
  var format: String?
  @Flag(help: "Bring the value of ID back into the state, under a new stamp.")
  var apply = false
  @Flag(help: "With --apply: save here only.")
  var offline = false
  @Flag(help: "Tell what would be written, and write nothing.")
  var dryRun = false
  @OptionGroup var sourceOptions: SourceOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if at != nil && commit != nil { throw ValidationError("--at and --commit exclude each other") }
    if apply && id == nil { throw ValidationError("--apply needs the ID of the value to bring back") }
    if apply && output != nil { throw ValidationError("--apply and --output exclude each other") }
    if apply && at == nil && commit == nil {
      throw ValidationError("--apply needs --at or --commit to say which value")
    }
  }

  func run() throws {
    let console = Console(outputOptions)
    try console.run("restore", printsResult: !apply) {
      let store = try storeOptions.open()
      let point: RestorePoint
      if let at {
        point = .time(try TimeText.parse(at, now: store.wall))
      } else if let commit {
        point = .commit(commit)
      } else {
        point = .now
      }
      if apply { return try applyValue(store, point, console) }
      let bytes = try store.restored(
        point, id: id.map { ByteString($0) }, in: sourceOptions.choice,
        format: try format.map { try MemoryFormat.ofFile(named: $0) })
      return try deliver(bytes, console)
    }
  }

  private func deliver(_ bytes: [UInt8], _ console: Console) throws -> Int32 {
    guard let output else {
      if outputOptions.json {
        console.object("restore") { object in
          object.member("dryRun", dryRun)
          object.member("bytes", bytes.count)
          if !dryRun { object.member("memory", ByteString(bytes)) }
          object.member("exitCode", 0)
        }
      } else if dryRun {
        console.say("Would write \(bytes.count) bytes to stdout")
      } else {
        console.result(bytes)
      }
      return 0
    }
    let path = Machine.absolute(output)
    var isWritten = false
    if !dryRun {
      do {
        isWritten = try RealFileSystem().replaceIfChanged(path, with: bytes, mode: .keep(orElse: 0o600))
      } catch {
        throw ReplicationError(error.codeOfOutput, "cannot write \(output): \(error)")
      }
    }
    if outputOptions.json {
      console.object("restore") { object in
        object.member("file", path)
        object.member("bytes", bytes.count)
        object.member("written", isWritten)
        object.member("exitCode", 0)
      }
    }
    console.say(
      dryRun
        ? "Would write \(bytes.count) bytes to \(output)"
        : isWritten ? "Wrote \(output)" : "\(output) is the same already")
    return 0
  }

  private func applyValue(_ store: Store, _ point: RestorePoint, _ console: Console) throws -> Int32 {
    let options = BackupOptions.following(store, offline: offline, dryRun: dryRun)
    let count = try store.restoreIntoState(
      point, id: ByteString(id ?? ""), in: sourceOptions.choice, options: options)
    if dryRun {
      if outputOptions.json {
        console.object("restore") { object in
          object.member("dryRun", true)
          object.member("entries", count)
          object.member("exitCode", 0)
        }
      }
      console.say("Would restore \(count) entries")
      return 0
    }
    console.say(count == 0 ? "\(id ?? "") has that value already" : "Restored \(count) entr\(count == 1 ? "y" : "ies")")
    return try store.shareChange(options, command: "restore", console: console) { $0.member("restored", count) }
  }
}

extension StorageError {
  /// Whether a file that could not be written is the place's fault, the disk's or the permissions'.
  fileprivate var codeOfOutput: ReplicationError.Code {
    switch code {
    case .permission, .notOwned: .permission
    // Too large is the kernel's word for a limit on sizes (EFBIG).
    case .noSpace, .io, .tooLarge: .storage
    default: .cannotCreate
    }
  }
}

struct ForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Delete an id on all hosts: a tombstone, merged like any other value.",
    discussion: """
      The values stay in the store's git history (`log` shows them, `restore` brings them back). Your memory file is \
      not touched: take the entry out there too. One that is written back loses it with the next backup.
      """)

  @Argument(help: ArgumentHelp("The entry's id; for a knowledge graph an entity's name.", valueName: "id"))
  var id: String
  @Flag(help: "Save here only.")
  var offline = false
  @Flag(help: "Tell what would be deleted, and write nothing.")
  var dryRun = false
  @OptionGroup var sourceOptions: SourceOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("forget", printsResult: false) {
      let store = try storeOptions.open()
      let options = BackupOptions.following(store, offline: offline, dryRun: dryRun)
      let report = try store.forget(ByteString(id), in: sourceOptions.choice, options: options)
      let ids = report.ids.prefix(5).map(\.description).joined(separator: ", ")
      if dryRun {
        if output.json {
          console.object("forget") { object in
            object.member("dryRun", true)
            object.array("ids") { array in report.ids.forEach { array.element($0.description) } }
            object.member("exitCode", 0)
          }
        }
        console.say("Would forget \(ids)")
        return 0
      }
      console.say("Forgot \(ids)")
      console.say("Git history still has the values: `crdt-backup log \(id)` shows them")
      return try store.shareChange(options, command: "forget", console: console) { object in
        object.array("forgotten") { array in report.ids.forEach { array.element($0.description) } }
      }
    }
  }
}

extension BackupOptions {
  /// The options of a change that is then shared. The memory file is no part of it and may be missing.
  static func following(_ store: Store, offline: Bool, dryRun: Bool) -> BackupOptions {
    var options = BackupOptions(defaultHost: store.settings.requestedHost ?? Machine.defaultHost)
    options.isOffline = offline
    options.isDryRun = dryRun
    options.skipsIngest = true
    return options
  }
}

extension Store {
  /// Brings a change that is committed here to the remote, as a backup would, and tells how that ended.
  /// - Parameter change: the members of the JSON object that say what was changed.
  func shareChange(
    _ options: BackupOptions, command: String, console: Console, change: (inout JSONWriter) -> Void
  ) throws -> Int32 {
    do {
      let report = try backup(
        options, connect: { url throws(GitError) in try self.repository.remote(url: url) }, progress: console.progress)
      console.endProgress()
      BackupPrinter(console: console, folder: paths.folder).show(report, command: command, change: change)
      return report.exitCode
    } catch {
      console.endProgress()
      let failure = savedAllTheSame(error)
      if console.options.json {
        console.object(command) { object in
          change(&object)
          object.member("commit", (try? tip())?.description)
          object.object("error") { object in
            object.member("code", failure.code.rawValue)
            object.member("message", failure.message)
            object.member("remedy", failure.remedy)
          }
          object.member("exitCode", Int(failure.exitCode))
        }
      }
      console.fail(failure.description)
      return failure.exitCode
    }
  }

  /// What went wrong behind a change that was committed before: the error's own remedy may say that nothing changed.
  private func savedAllTheSame(_ error: ReplicationError) -> ReplicationError {
    let commit = (try? tip()).map { " (commit \($0.short))" } ?? ""
    let place: String =
      if settings.remote == nil {
        "no remote is set"
      } else if let report = try? status() {
        report.unpushedCommits == 0 ? "it is on the remote" : "it is not on the remote yet"
      } else {
        "whether it is on the remote cannot be told"
      }
    return ReplicationError(
      error.code, "the change is saved in the store\(commit), and \(place), but: \(error.message)",
      remedy: "The next backup goes on from there", isRetryable: error.isRetryable)
  }
}
