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

  @Option(help: "The form of the view: \(ViewFormat.names).")
  var format: ViewFormat?

  @Flag(help: "With -o: print what was done as one JSON object (see MergeSummary).")
  var json = false

  func validate() throws {
    if inputs.contains("") { throw ValidationError("A file name is empty.") }
    if format != nil, !view { throw ValidationError("--format is for --view: a state has one form only.") }
    if json, output == nil { throw ValidationError("--json needs -o: standard output carries the result.") }
    if output == "" { throw ValidationError("The name of the output is empty.") }
  }

  func run() throws {
    let table = try EntryTable.reading(try InputFiles.read(inputs))
    let winners = table.join()
    let shown = view ? table.view(of: winners) : nil
    let rendered = shown.map { (format ?? .json).render(table, $0) }
    let count = rendered?.count ?? table.writtenCount(winners)
    let produce = { (consume: (RawSpan) throws(SystemError) -> Void) throws(SystemError) in
      if let rendered { try consume(rendered.span.bytes) } else { try table.write(winners, to: consume) }
    }
    guard let output else {
      do throws(SystemError) {
        try AtomicOutput.write(to: STDOUT_FILENO, produce)
      } catch {
        throw CommandFailure(writing: "standard output", errno: error.number)
      }
      return
    }
    let changed = try AtomicOutput.replaceIfChanged(output, count: count, produce: produce)
    if json {
      let tombstones = winners.count { table.isDeleted($0) }
      let summary = MergeSummary(
        output: output, changed: changed, sources: table.sources.count, entries: table.count,
        uniqueIDs: winners.count, tombstones: tombstones, bytes: count, shown: shown?.count)
      try StandardStreams.writeOutput(summary.json + "\n")
    }
  }
}

extension EntryTable {
  /// Reads all sources, and reports each one that is refused.
  static func reading(_ sources: [Source]) throws(CommandFailure) -> EntryTable {
    var table = EntryTable()
    var failure: CommandFailure?
    for source in sources {
      do throws(MemoryError) {
        try table.add(source)
      } catch {
        let refused = CommandFailure(error)
        if failure == nil { failure = refused } else { failure?.lines += refused.lines }
      }
    }
    if let failure { throw failure }
    return table
  }
}
