import ArgumentParser
import CRDT
import CommandSupport
import Memory
import Replication

struct ConflictsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conflicts",
    abstract: "List, show and resolve ids that hold more than one value nobody has decided between.",
    discussion: """
      The later value is the one shown, and stays shown; the others are kept until somebody decides: with `resolve`, or \
      by an edit that had seen them all.
      """,
    subcommands: [ConflictListCommand.self, ConflictShowCommand.self, ConflictResolveCommand.self],
    defaultSubcommand: ConflictListCommand.self)
}

struct ConflictListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the ids in conflict.")

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("conflicts") {
      let conflicts = try storeOptions.open().conflicts()
      if output.json {
        console.object("conflicts") { object in
          object.array("conflicts") { array in
            for conflict in conflicts {
              array.object { object in
                object.member("id", conflict.id)
                if let source = conflict.source { object.member("source", source) }
                object.object("shown") { ConflictText.members(conflict.shown, &$0) }
                object.array("others") { array in
                  for other in conflict.others { array.object { ConflictText.members(other, &$0) } }
                }
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      if conflicts.isEmpty { console.say("No conflicts") }
      for conflict in conflicts {
        console.say(bold: conflict.id.description, conflict.source.map { " (source \($0))" } ?? "")
        console.say("  shown  \(ConflictText.line(conflict.shown))")
        for other in conflict.others { console.say("  other  \(ConflictText.line(other))") }
      }
      return 0
    }
  }
}

struct ConflictShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show the values of an id in conflict, side by side where the terminal is wide.")

  @Argument(help: ArgumentHelp("The entry's id.", valueName: "id"))
  var id: String
  @OptionGroup var sourceOptions: SourceOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("conflicts") {
      let conflict = try storeOptions.open().conflict(ByteString(id), in: sourceOptions.choice)
      if output.json {
        console.object("conflicts") { object in
          object.member("id", conflict.id)
          object.array("values") { array in
            for (index, value) in conflict.values.enumerated() {
              array.object { object in
                object.member("number", index + 1)
                object.member("shown", index == 0)
                ConflictText.members(value, &object)
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      console.say(bold: conflict.id.description)
      SideBySide.lines(ConflictText.blocks(conflict), width: SideBySide.terminalWidth).forEach { console.say($0) }
      console.say("Decide with: crdt-backup conflicts resolve ID --take NUMBER|HOST|FILE")
      return 0
    }
  }
}

struct ConflictResolveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resolve",
    abstract: "Make one value the only one, on this host and after the sync on all.",
    discussion: """
      What is given up stays in the store's git history (`log` shows it). A value that another host writes meanwhile, \
      without having seen the decision, is a conflict again. A memory file that is written back is backed up \
      before and then shows the decision; edit any other yourself, or it says the old value again when it is edited.
      """)

  @Argument(help: ArgumentHelp("The entry's id.", valueName: "id"))
  var id: String
  @Option(
    help: ArgumentHelp(
      "The value to keep.",
      discussion: """
        A host's name (the value it wrote), HOST@TIMESTAMP, a number from `conflicts show`, or a file that holds one \
        JSON object (- for stdin). A host comes before a file of its name: write ./name for the file.
        """, valueName: "host|file"), completion: .file())
  var take: String
  @Flag(help: "Save here only.")
  var offline = false
  @Flag(help: "Tell what would be kept, and write nothing.")
  var dryRun = false
  @OptionGroup var sourceOptions: SourceOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("conflicts", printsResult: false) {
      let store = try storeOptions.open()
      let options = BackupOptions.following(store, offline: offline, dryRun: dryRun)
      if dryRun {
        let report = try resolve(store, options)
        if output.json {
          console.object("conflicts") { object in
            object.member("dryRun", true)
            members(report, &object)
            object.member("exitCode", 0)
          }
        }
        console.say("Would keep \(value(report)) of \(report.id), and give up \(others(report))")
        return 0
      }
      return try store.changeAndShare(options, command: "conflicts", console: console) { options in
        let report = try resolve(store, options)
        console.say("Kept \(value(report)) of \(report.id), gave up \(others(report))")
        return { members(report, &$0) }
      }
    }
  }

  private func resolve(_ store: Store, _ options: BackupOptions) throws -> ResolveReport {
    let id = ByteString(id)
    let choice = try ConflictText.choice(take, of: try store.conflict(id, in: sourceOptions.choice))
    return try store.resolveConflict(id, in: sourceOptions.choice, taking: choice, options: options)
  }

  private func value(_ report: ResolveReport) -> String {
    report.takenFrom.map { "the value of \($0.host)" } ?? "the value given"
  }

  private func others(_ report: ResolveReport) -> String {
    "\(report.settled) other\(report.settled == 1 ? "" : "s")"
  }

  private func members(_ report: ResolveReport, _ object: inout JSONWriter) {
    object.member("id", report.id)
    object.raw("value", report.value)
    object.member("takenFrom", report.takenFrom?.host.description)
    object.member("settled", report.settled)
  }
}

/// Values in conflict as people and programs see them, and as they name them.
enum ConflictText {
  static func line(_ entry: Entry) -> String {
    let stamp = entry.metadata.stamp
    return "\(TimeText.short(stamp.instant)) \(stamp.host)  \(String(decoding: entry.content, as: UTF8.self))"
  }

  static func members(_ entry: Entry, _ object: inout JSONWriter) {
    object.member("host", entry.metadata.stamp.host)
    object.member("timestamp", entry.metadata.stamp.instant.description)
    object.member("uniqueID", entry.metadata.uniqueID)
    object.raw("value", entry.content)
  }

  /// Each value as lines: who and when, then its members.
  static func blocks(_ conflict: Conflict) -> [[String]] {
    conflict.values.enumerated().map { index, entry in
      let stamp = entry.metadata.stamp
      let head = ["\(index + 1)  \(stamp.host)\(index == 0 ? "  shown" : "")", "   \(stamp.instant)"]
      return head + ((try? EntryValue.members(of: entry.content)) ?? []).map { "   " + $0 }
    }
  }

  /// What `--take` names. Hosts come before numbers, and both before files.
  static func choice(_ text: String, of conflict: Conflict) throws -> ConflictChoice {
    if text.isEmpty { throw ValidationError("--take is empty") }
    let hosts = Set(conflict.values.map(\.metadata.stamp.host))
    if hosts.contains(ByteString(text)) { return .host(ByteString(text)) }
    if let at = text.lastIndex(of: "@"), hosts.contains(ByteString(String(text[..<at]))) {
      guard let instant = Instant(rfc3339: String(text[text.index(after: at)...])) else {
        throw ValidationError("what follows @ in \(text) is no RFC 3339 time")
      }
      return .stamp(Stamp(instant: instant, host: ByteString(String(text[..<at]))))
    }
    if let number = Int(text), conflict.values.indices.contains(number - 1) { return .number(number) }
    let limitBytes = 64 << 20
    if text == "-" {
      return .value(try EntryValue.read(try UserFiles.read(text, limitBytes: limitBytes), source: "stdin"))
    }
    let bytes: [UInt8]
    do { bytes = try UserFiles.read(text, limitBytes: limitBytes) } catch {
      guard error.code == .noInput else { throw error }
      let names = hosts.sorted().map(\.description).joined(separator: ", ")
      throw ReplicationError(
        .noInput, "\(text) is neither a host with a value of \(conflict.id) nor a file",
        remedy: "Nothing was changed. Hosts: \(names); numbers: 1 to \(conflict.values.count)")
    }
    return .value(try EntryValue.read(bytes, source: text))
  }
}
