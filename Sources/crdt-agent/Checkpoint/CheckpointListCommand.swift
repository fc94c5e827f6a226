import ArgumentParser
import Checkpointing
import CommandSupport
import Memory

struct CheckpointListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the checkpoints of all hosts, in their order.")

  @OptionGroup var queryOptions: QueryOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint list") {
      let service = try storeOptions.checkpoints()
      let found = try service.list(try queryOptions.query(in: service))
      if output.json {
        console.object("checkpoint list") { object in
          object.array("checkpoints") { array in
            for stored in found {
              array.object { object in
                CheckpointText.json(stored.header, &object)
                object.member("stateBytes", stored.stateCount)
                object.member("checksum", stored.checksum)
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      if found.isEmpty {
        console.say("No checkpoints")
      } else {
        for line in TextTable.lines(CheckpointText.columns, found.map { CheckpointText.row($0.header) }) {
          console.say(line)
        }
      }
      return 0
    }
  }
}
