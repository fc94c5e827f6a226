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
      let verdicts = try service.verdicts(on: found)
      let code = try console.warnOfDamage(verdicts, service)
      if output.json {
        console.object("checkpoint list") { object in
          object.array("checkpoints") { array in
            for stored in found {
              array.object { object in
                CheckpointText.json(stored.header, &object)
                object.member("stateBytes", stored.stateCount)
                object.member("checksum", stored.checksum)
                object.member("verdict", CheckpointText.name(verdicts[stored.header.id]))
              }
            }
          }
          object.member("exitCode", Int(code))
        }
      }
      if found.isEmpty {
        console.say("No checkpoints")
      } else {
        let rows = found.map { stored in
          let message = CheckpointText.message(stored.header, verdicts[stored.header.id])
          return CheckpointText.row(stored.header, message: message)
        }
        for line in TextTable.lines(CheckpointText.columns, rows) { console.say(line) }
      }
      return code
    }
  }
}
