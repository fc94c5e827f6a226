import ArgumentParser
import Glibc
import Memory

/// `crdt-merge [merge] FILE|FOLDER…`
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Merge files and folders into one state (the default).",
    discussion: """
      Of each unique_id the value with the latest (timestamp, host, version, bytes) is kept, deleted ones as \
      tombstones. The output holds one entry a line, sorted by timestamp and unique_id. Merging the same files in any \
      order and grouping, or an output again, gives the same bytes. Input that is no array of entries is refused with \
      file, line and column, and nothing is written.
      """)

  @Argument(
    help: ArgumentHelp(
      "Memory files; folders, which stand for their memory-*.json and memory-*/xx.json; or - for standard input.",
      valueName: "file|folder"),
    completion: .file())
  var inputs: [String]

  @Option(name: [.short, .long], help: "Write here instead of to standard output.", completion: .file())
  var output: String?

  @Flag(help: "Print the live memory, one value an id and without metadata, instead of the state.")
  var view = false

  @Option(help: "The form of the view; without it json.")
  var format: MemoryFormat?

  @Flag(help: "With -o: print what was done as one JSON object (see MergeSummary).")
  var json = false

  func validate() throws {
    if inputs.contains("") { throw ValidationError("A file name is empty.") }
    if format != nil, !view { throw ValidationError("--format is for --view: a state has one form only.") }
    if json, output == nil { throw ValidationError("--json needs -o: standard output carries the result.") }
    if output == "" { throw ValidationError("The name of the output is empty.") }
  }

  func run() throws {
    try Merge(inputs: inputs, output: output, view: view, format: format, json: json).run()
  }
}

extension MemoryFormat: ExpressibleByArgument {
  /// A format of one file: a folder is nothing to print.
  public init?(argument: String) {
    guard let format = MemoryFormat(rawValue: argument), !format.isFolder else { return nil }
    self = format
  }

  public static var allValueStrings: [String] { files.map(\.rawValue) }
}
