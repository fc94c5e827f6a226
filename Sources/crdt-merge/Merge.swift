import Durability
import Glibc
import Memory

/// One merge, however it was asked for.
struct Merge {
  /// Files, folders and `-`.
  var inputs: [String]
  /// `nil` is standard output.
  var output: String?
  var view = false
  var format: MemoryFormat?
  var json = false

  init(inputs: [String], output: String?, view: Bool = false, format: MemoryFormat? = nil, json: Bool = false) {
    self.inputs = inputs
    self.output = output
    self.view = view
    self.format = format
    self.json = json
  }

  /// Reads `FILE… [-o OUT]`, the usual command line; `nil` for any other, which ArgumentParser then reads: its
  /// reflection takes 1.5 ms (measured), a tenth of merging ten thousand entries.
  init?(plain arguments: ArraySlice<String>) {
    var inputs: [String] = []
    var output: String?
    var rest = arguments
    while let argument = rest.popFirst() {
      if argument == "-o", output == nil, let name = rest.popFirst(), !name.isEmpty, !name.hasPrefix("-") {
        output = name
      } else if argument.isEmpty || argument.hasPrefix("-") {
        return nil
      } else {
        inputs.append(argument)
      }
    }
    guard let first = inputs.first, !CRDTMerge.subcommandNames.contains(first) else { return nil }
    self.init(inputs: inputs, output: output)
  }

  func run() throws {
    let table = try EntryTable.reading(try InputFiles.read(inputs))
    let winners = table.join()
    let shown = view ? table.view(of: winners) : nil
    let rendered = shown.map { (format ?? .jsonArray).render(table.entries($0)) }
    let count = rendered?.count ?? table.writtenCount(winners)
    let produce = { (consume: (RawSpan) throws(StorageError) -> Void) throws(StorageError) in
      if let rendered { try consume(rendered.span.bytes) } else { try table.write(winners, to: consume) }
    }
    guard let output else {
      do throws(StorageError) {
        try OutputFile.write(to: STDOUT_FILENO, name: "standard output", produce)
      } catch {
        throw CommandFailure(writing: "standard output", errno: error.errno)
      }
      return
    }
    let changed = try OutputFile.replaceIfChanged(output, byteCount: count, produce)
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
