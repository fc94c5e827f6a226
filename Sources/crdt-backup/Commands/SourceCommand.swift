import ArgumentParser
import CRDT
import CommandSupport
import Memory
import Replication

struct SourceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "source",
    abstract: "Back up further memories of this host, each under a name of its own.",
    discussion: """
      The name, not the path, says which memory it is on other hosts. The same id in two sources is two entries. A source \
      that a host does not have stays in its store.
      """,
    subcommands: [SourceAdd.self, SourceList.self, SourceRemove.self])
}

struct SourceAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a memory, or change where it is and how it is treated.")

  @Argument(help: ArgumentHelp("The source's name on every host: a-z, 0-9, . and -.", valueName: "name"))
  var name: String
  @Option(help: ArgumentHelp("The memory on this host.", valueName: "path"), completion: .file())
  var memory: String
  @Option(help: ArgumentHelp("Its format, where it cannot be told from its content.", valueName: "format"))
  var format: String?
  @Flag(
    inversion: .prefixedNo, exclusivity: .exclusive,
    help: "Bring the merged memory into it, and take what vanishes from it as deleted (default: no).")
  var writeBack = false
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if memory.isEmpty { throw ValidationError("--memory is empty") }
  }

  func run() throws {
    let console = Console(output)
    try console.run("source add", printsResult: false) {
      let source = MemorySource(
        name: name, memory: Machine.absolute(memory), format: try format.map { try MemoryFormat.named($0) },
        isWrittenBack: writeBack)
      let store = try storeOptions.open()
      // A file that cannot be read as memory is refused before any setting is changed for it.
      try Store.checkMemory(source.memory, format: source.format, mayBeCreated: writeBack, effects: .real)
      let isChanged = try store.addSource(source)
      if output.json {
        console.object("source add") { object in
          object.member("changed", isChanged)
          object.object("source") { SourceText.members(source, &$0) }
          object.member("exitCode", 0)
        }
      }
      console.say(isChanged ? "Source \(SourceText.line(source)): the next backup takes it up" : "Nothing to do")
      return 0
    }
  }
}

struct SourceList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the memories of this host, and those that only other hosts have.")

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("source list") {
      let store = try storeOptions.open()
      let sources = store.settings.sources
      let own = Set(sources.map(\.key))
      let elsewhere = try store.sourceNames().filter { !own.contains($0) }
      if output.json {
        console.object("source list") { object in
          object.array("sources") { array in sources.forEach { SourceText.json($0, &array) } }
          object.array("elsewhere") { array in elsewhere.forEach { array.element($0.description) } }
          object.member("exitCode", 0)
        }
      }
      sources.forEach { console.say(SourceText.line($0)) }
      elsewhere.forEach { console.say("\($0)  not on this host") }
      if sources.isEmpty && elsewhere.isEmpty { console.say("No sources") }
      return 0
    }
  }
}

struct SourceRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Stop backing a memory up; its entries stay in the store, and its file is left alone.")

  @Argument(help: ArgumentHelp("The source's name.", valueName: "name"))
  var name: String
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("source remove", printsResult: false) {
      guard try storeOptions.open().removeSource(name) else {
        throw ReplicationError(
          .noInput, "this host has no source \(name)", remedy: "`crdt-backup source list` shows those there are")
      }
      if output.json {
        console.object("source remove") { object in
          object.member("changed", true)
          object.member("exitCode", 0)
        }
      }
      console.say("\(name) is no longer backed up here; its entries stay in the store")
      return 0
    }
  }
}

/// Sources as text and as JSON.
enum SourceText {
  static func line(_ source: MemorySource) -> String {
    "\(source.name ?? "-")  \(source.memory)" + (source.format.map { "  (\($0.rawValue))" } ?? "")
      + (source.isWrittenBack ? "  written back" : "")
  }

  static func members(_ source: MemorySource, _ object: inout JSONWriter) {
    object.member("name", source.name)
    object.member("memory", source.memory)
    object.member("format", source.format?.rawValue)
    object.member("writeBack", source.isWrittenBack)
  }

  static func json(_ source: MemorySource, _ array: inout JSONWriter) {
    array.object { members(source, &$0) }
  }
}
