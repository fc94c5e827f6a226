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
        _ = try Store.readDocument(memory, format: request.format, effects: .real)
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

  private func backUp(_ store: Store, console: Console, command: String) throws -> Int32 {
    var options = BackupOptions(defaultHost: store.settings.requestedHost ?? Machine.defaultHost)
    options.isOffline = offline
    options.isDryRun = dryRun
    options.timeoutSeconds = timeout
    options.context = Machine.runContext
    let report = try store.backup(
      options, connect: { url throws(GitError) in try store.repository.remote(url: url) }, progress: console.progress)
    console.endProgress()
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
    let document = try Store.readDocument(memory, format: request.format, effects: .real)
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
    console.say(
      request.remote.map { "Would merge with \(Redaction.url($0))" } ?? "No --remote given: on this host only")
    return 0
  }
}

/// Prints what a backup did, for people or as JSON.
struct BackupPrinter {
  let console: Console
  let folder: String

  /// - Parameter change: members of the JSON object that say what the command changed before.
  func show(_ report: BackupReport, command: String, change: (inout JSONWriter) -> Void = { _ in }) {
    for warning in report.warnings { console.warn(warning) }
    if !report.heldBack.isEmpty { console.warn(HeldBackText.warning(report.heldBack)) }
    if console.options.json {
      console.object(command) { object in
        change(&object)
        json(report, &object)
      }
    } else {
      text(report)
    }
    if case .notOnRemote(let error) = report.outcome { console.fail(error.description) }
  }

  private func text(_ report: BackupReport) {
    if let old = report.renamedFrom {
      console.say("Another installation writes as \(old): this one is \(report.host) from now on")
    }
    if let ingest = report.ingest, let memory = report.memory {
      let would = report.isDryRun ? "would be " : ""
      let parts = [
        ingest.added > 0 ? "\(ingest.added) \(would)added" : nil,
        ingest.changed > 0 ? "\(ingest.changed) \(would)changed" : nil,
        ingest.recognised > 0 ? "\(ingest.recognised) known from elsewhere" : nil,
        ingest.unchanged > 0 ? "\(ingest.unchanged) unchanged" : nil,
        ingest.heldBack.isEmpty ? nil : "\(ingest.heldBack.count) \(would)held back",
      ].compactMap(\.self)
      console.say(
        bold: report.host.text,
        ": \(memory) (\(ingest.format.rawValue)): "
          + (parts.isEmpty ? "no entries" : parts.joined(separator: ", ")))
      if ingest.quarantined > 0 {
        console.say(
          "\(ingest.quarantined) line\(ingest.quarantined == 1 ? "" : "s") that cannot be read, kept as they are")
      }
      if ingest.vanished > 0 { console.say("\(ingest.vanished) no longer in the memory file, kept") }
    } else if report.memory == nil {
      console.say(
        bold: report.host.text, ": no memory file is set (give one with --memory); only merging")
    }
    if report.isDryRun {
      console.say("Nothing was written (--dry-run)")
      return
    }
    let remote = report.remote.map(Redaction.url) ?? "the remote"
    let commit = report.commit.map { "commit \($0.short)" } ?? "no commit"
    console.say("Saved in \(folder) (\(commit))")
    switch report.outcome {
    case .verified: console.say("Verified on \(remote), branch \(report.branch)")
    case .noRemote where report.isOffline && report.remote != nil:
      console.say("Offline: not verified on \(remote); the next run without --offline does that")
    case .noRemote: console.say("No remote is set: on this host only (give one with --remote)")
    case .notOnRemote: break
    }
  }

  private func json(_ report: BackupReport, _ object: inout JSONWriter) {
    object.member("host", report.host.text)
    object.member("renamedFrom", report.renamedFrom?.text)
    object.member("store", folder)
    object.member("memory", report.memory)
    object.member("remote", report.remote.map(Redaction.url))
    object.member("branch", report.branch)
    object.member("dryRun", report.isDryRun)
    if let ingest = report.ingest {
      object.object("ingest") { object in
        object.member("format", ingest.format.rawValue)
        object.member("added", ingest.added)
        object.member("changed", ingest.changed)
        object.member("unchanged", ingest.unchanged)
        object.member("recognised", ingest.recognised)
        object.member("vanished", ingest.vanished)
        object.member("quarantined", ingest.quarantined)
      }
    }
    object.member("commit", report.commit?.description)
    switch report.outcome {
    case .verified: object.member("outcome", "verified")
    case .noRemote: object.member("outcome", report.isOffline && report.remote != nil ? "offline" : "no-remote")
    case .notOnRemote(let error):
      object.member("outcome", "not-on-remote")
      object.object("error") { object in
        object.member("code", error.code.rawValue)
        object.member("message", error.message)
        object.member("remedy", error.remedy)
      }
    }
    object.member("attempts", report.attempts)
    HeldBackText.json(report.heldBack, &object)
    object.array("warnings") { array in for warning in report.warnings { array.element(warning) } }
    object.member("exitCode", Int(report.exitCode))
  }
}

/// Credentials in URLs are never shown.
enum Redaction {
  /// The URL as it may be printed.
  static func url(_ text: String) -> String { RemoteURL.withoutCredentials(text) }
}
