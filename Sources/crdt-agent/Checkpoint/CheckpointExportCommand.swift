import ArgumentParser
import Checkpointing
import CommandSupport
import Memory

struct CheckpointExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write checkpoints with states, sessions and notes as JSON Lines.",
    discussion: "Every checksum is verified; a damaged checkpoint is not passed on.")

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Write there instead of stdout.", valueName: "file"),
    completion: .file())
  var output: String?
  @OptionGroup var queryOptions: QueryOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if outputOptions.json && output == nil { throw ValidationError("--json needs --output: stdout has the export") }
  }

  func run() throws {
    let console = Console(agent: outputOptions)
    try console.run("checkpoint export", printsResult: output == nil) {
      let service = try storeOptions.checkpoints()
      let query = try queryOptions.query(in: service)
      let bytes = try service.export(query)
      guard let output else {
        console.result(bytes)
        return 0
      }
      let isWritten = try AgentFiles.write(bytes, to: output)
      let count = try service.list(query).count
      if outputOptions.json {
        console.object("checkpoint export") { object in
          object.member("file", Machine.absolute(output))
          object.member("checkpoints", count)
          object.member("bytes", bytes.count)
          object.member("written", isWritten)
          object.member("exitCode", 0)
        }
      }
      console.say("Exported \(count) checkpoint\(count == 1 ? "" : "s") to \(output)")
      return 0
    }
  }
}
