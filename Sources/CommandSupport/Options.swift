import ArgumentParser
import CRDT
import Memory
import Processes
import Replication

/// Which store.
package struct StoreOptions: ParsableArguments {
  package init() {}

  @Option(
    help: ArgumentHelp(
      "The store's folder.",
      discussion: "Default: $CRDT_STORE, else $XDG_DATA_HOME/crdt-backup, else ~/.local/share/crdt-backup.",
      valueName: "dir"),
    completion: .directory)
  package var store: String?

  /// The folder, absolute.
  package func folder() throws -> String {
    if let store { return Machine.absolute(try given(store, "--store")) }
    guard let folder = StorePaths.defaultFolder(environment: Environment.current.variables) else {
      throw ReplicationError(.configuration, "HOME is not set", remedy: "Give the store's folder with --store")
    }
    return Machine.absolute(folder)
  }

  /// The store, which has to be there.
  package func open() throws -> Store { try Store.open(try folder(), effects: .real) }
}

/// Which memory, where an id is in several.
package struct SourceOptions: ParsableArguments {
  package init() {}

  @Option(
    help: ArgumentHelp(
      "Only this source, where an id is in several; - is the memory without a name.", valueName: "name"))
  package var source: String?

  package var choice: SourceChoice {
    guard let source else { return .any }
    return .one(source == "-" ? nil : ByteString(source))
  }
}

/// How much is said, and in which form.
package struct OutputOptions: ParsableArguments {
  package init() {}

  @Flag(help: "Print one JSON object (with a schema number) and nothing else on stdout.")
  package var json = false
  @Flag(name: [.short, .long], help: "Say nothing unless something is wrong.")
  package var quiet = false
  @Flag(name: [.short, .long], help: "Tell every step on stderr.")
  package var verbose = false

  package func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
  }
}

/// Settings of the store that can be given with a backup.
package struct SetupOptions: ParsableArguments {
  package init() {}

  @Option(help: ArgumentHelp("The memory file of this host.", valueName: "file"), completion: .file())
  package var memory: String?
  @Option(
    help: ArgumentHelp(
      "Where stores meet: a path, file://, ssh://, user@host:path, http(s):// or git:// URL.", valueName: "url"))
  package var remote: String?
  @Option(help: ArgumentHelp("This host's name (default: the machine's).", valueName: "name"))
  package var host: String?
  @Option(help: ArgumentHelp("The branch of the store and the remote (default: main).", valueName: "name"))
  package var branch: String?
  @Option(
    help: ArgumentHelp(
      "The memory file's format, where it cannot be told from its content: "
        + MemoryFormat.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "format"))
  package var format: String?

  @Flag(
    inversion: .prefixedNo, exclusivity: .exclusive,
    help: "Bring the merged memory into the memory file, and take what vanishes from it as deleted.")
  package var writeBack: Bool?

  package func request(folder: String) throws -> StoreRequest {
    var request = StoreRequest(folder: folder)
    request.memory = try memory.map { Machine.absolute(try given($0, "--memory")) }
    request.remote = try remote.map { Machine.remote(try given($0, "--remote")) }
    request.branch = try branch.map { try given($0, "--branch") }
    if let host = try host.map({ try given($0, "--host") }) { request.host = EntryIdentity.hostName(folding: host) }
    request.isWrittenBack = writeBack
    if let format { request.format = try MemoryFormat.named(format) }
    return request
  }
}

/// An option's value, which an unset variable of a script may have left empty: never taken for "here" or "none".
private func given(_ value: String, _ option: String) throws -> String {
  guard !value.isEmpty else { throw ValidationError("\(option) is empty") }
  return value
}

extension MemoryFormat {
  /// The format a user named.
  package static func named(_ text: String) throws -> MemoryFormat {
    guard let format = MemoryFormat(rawValue: text) else {
      throw ValidationError(
        "unknown format '\(text)'; formats are " + MemoryFormat.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return format
  }

  /// The format of one file that a user named.
  package static func ofFile(named text: String) throws -> MemoryFormat {
    let names = MemoryFormat.files.map(\.rawValue).joined(separator: ", ")
    guard let format = MemoryFormat(rawValue: text) else {
      throw ValidationError("unknown format '\(text)'; formats of a file are \(names)")
    }
    guard !format.isFolder else {
      throw ValidationError("'\(text)' is a folder, and one file is written here; formats of a file are \(names)")
    }
    return format
  }
}
