import ArgumentParser
import CRDT
import CommandSupport
import Git
import Memory
import Replication

struct SyncCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Back up this host's memory and merge with all hosts (the default).",
    discussion: """
      Reads the memory file, commits what is new in the store on this host, then fetches, merges, pushes, and reads \
      the remote again. Running it again changes nothing.
      """)

  @OptionGroup var setup: SetupOptions
  @OptionGroup var storeOptions: StoreOptions
  @Flag(help: "Stay off the network: save here only (exit 75 where the store has a remote).")
  var offline = false
  @Flag(help: "Tell what would be backed up, and write nothing.")
  var dryRun = false
  @Flag(help: "With write-back: take deletions even where most of the memory file is gone.")
  var allowMassDeletion = false
  @Option(
    help: ArgumentHelp("Give up on the remote after this long (default: crdt.timeout, 120).", valueName: "seconds"))
  var timeout: Double?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let timeout, !(timeout > 0 && timeout <= 86_400) {
      throw ValidationError("--timeout takes seconds, more than 0 and at most 86400")
    }
  }

  func run() throws {
    let console = Console(output)
    try console.run("sync", printsResult: false) {
      let folder = try storeOptions.folder()
      let request = try setup.request(folder: folder)
      let context = Machine.runContext
      if request.isPlain, !dryRun, !offline,
        let report = Store.unchangedSinceVerified(folder, context: context, effects: .real)
      {
        console.progress("nothing has changed since the last verified run")
        console.endProgress()
        BackupPrinter(console: console, folder: folder).show(report, command: "sync")
        return report.exitCode
      }
      if dryRun, !(try Store.isThere(folder, effects: .real)) {
        return try previewOfNewStore(request, console)
      }
      if let memory = request.memory {
        // A file that cannot be read as memory is refused before any setting is changed for it.
        try Store.checkMemory(
          memory, format: request.format, mayBeCreated: try mayCreate(request), effects: .real)
      }
      let store: Store
      if dryRun {
        store = try Store.open(folder, effects: .real)
        try store.assume(request)
      } else {
        store = try Store.openOrCreate(request, effects: .real)
      }
      return try backUp(store, console: console, command: "sync")
    }
  }

  /// Whether a memory file that is not there yet is created from what the store has.
  private func mayCreate(_ request: StoreRequest) throws -> Bool {
    if let isWrittenBack = request.isWrittenBack { return isWrittenBack }
    guard try Store.isThere(request.folder, effects: .real) else { return false }
    return (try? Store.open(request.folder, effects: .real))?.settings.isWrittenBack ?? false
  }

  private func backUp(_ store: Store, console: Console, command: String) throws -> Int32 {
    var options = BackupOptions(defaultHost: store.settings.requestedHost ?? Machine.defaultHost)
    options.isOffline = offline
    options.isDryRun = dryRun
    options.allowsMassDeletion = allowMassDeletion
    options.timeoutSeconds = timeout
    options.context = Machine.runContext
    let report = try store.backUp(options, console)
    BackupPrinter(console: console, folder: store.paths.folder).show(report, command: command)
    return report.exitCode
  }

  /// What a first use would read, without making a store.
  private func previewOfNewStore(_ request: StoreRequest, _ console: Console) throws -> Int32 {
    guard let memory = request.memory else {
      throw ReplicationError(
        .usage, "there is no store in \(request.folder) yet",
        remedy: "Give --memory FILE to see what would be backed up")
    }
    let isToCreate = request.isWrittenBack == true
    let document =
      try Store.checkMemory(memory, format: request.format, mayBeCreated: isToCreate, effects: .real)
      ?? MemoryDocument(format: request.format ?? .jsonArray, items: [])
    if output.json {
      console.object("sync") { object in
        object.member("dryRun", true)
        object.member("store", request.folder)
        object.member("memory", memory)
        object.member("format", document.format.rawValue)
        object.member("added", document.items.count)
        object.member("exitCode", 0)
      }
    }
    console.say("Would make a store in \(request.folder)")
    console.say("Would back up \(document.items.count) entries (\(document.format.rawValue)) from \(memory)")
    if isToCreate { console.say("Would write the merged memory back into it") }
    console.say(
      request.remote.map { "Would merge with \(Redaction.url($0))" } ?? "No --remote given: on this host only")
    return 0
  }
}

/// Credentials in URLs are never shown.
enum Redaction {
  /// The URL as it may be printed.
  static func url(_ text: String) -> String { RemoteURL.withoutCredentials(text) }
}
