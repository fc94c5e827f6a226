import ArgumentParser
import CRDT
import CommandSupport
import Git
import Memory
import Replication

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Write the memory of now, of a time or of a commit to a file or stdout; or bring one value back.",
    discussion: """
      Without --apply nothing in the store changes. With --apply the id's value of then becomes its newest value, under \
      a new stamp so that it stays, on this host and after the sync on all others; a memory file that is written back is \
      backed up before and then shows it.
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
    let isWritten = dryRun ? false : try UserFiles.write(bytes, to: output)
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
    let id = ByteString(id ?? "")
    if dryRun {
      let count = try store.restoreIntoState(point, id: id, in: sourceOptions.choice, options: options)
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
    return try store.changeAndShare(options, command: "restore", console: console) { options in
      let count = try store.restoreIntoState(point, id: id, in: sourceOptions.choice, options: options)
      console.say(count == 0 ? "\(id) has that value already" : "Restored \(count) entr\(count == 1 ? "y" : "ies")")
      return { $0.member("restored", count) }
    }
  }
}
