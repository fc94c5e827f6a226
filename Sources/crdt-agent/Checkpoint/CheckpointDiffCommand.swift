import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Show what changed between two checkpoints.",
    discussion: "Exits 0 whether or not something differs; --json tells the values whole.")

  @Argument(help: ArgumentHelp("The earlier one.", valueName: "checkpoint"))
  var before: String
  @Argument(help: ArgumentHelp("The later one (default: latest).", valueName: "checkpoint"))
  var after: String = "latest"
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint diff") {
      let service = try storeOptions.checkpoints()
      let (first, second) = (try service.find(before), try service.find(after))
      let (old, new) = (first.header, second.header)
      let diff = try service.diff(from: old.id, to: new.id, acceptsLegacy: true)
      for stored in [first, second] { console.warnIfLegacy(stored) }
      if output.json {
        console.object("checkpoint diff") { object in
          object.object("from") { CheckpointText.json(old, &$0) }
          object.object("to") { CheckpointText.json(new, &$0) }
          object.array("differences") { array in
            for difference in diff.differences {
              array.object { object in
                CheckpointText.texts("path", difference.path, &object)
                object.raw("before", difference.before ?? Array("null".utf8))
                object.raw("after", difference.after ?? Array("null".utf8))
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      console.say(bold: CheckpointText.name(old), " to \(CheckpointText.name(new))")
      if diff.differences.isEmpty { console.say("No difference") }
      for difference in diff.differences {
        func shown(_ json: [UInt8]) -> String { TextTable.short(String(decoding: json, as: UTF8.self), 70) }
        let path = difference.path.map(\.description).joined(separator: ".")
        switch (difference.before, difference.after) {
        case (nil, let after?): console.say("+ \(path): \(shown(after))")
        case (let before?, nil): console.say("- \(path): \(shown(before))")
        case (let before, let after): console.say("~ \(path): \(shown(before ?? [])) -> \(shown(after ?? []))")
        }
      }
      return 0
    }
  }
}
