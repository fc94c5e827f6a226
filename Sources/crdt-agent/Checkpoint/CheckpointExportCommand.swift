import ArgumentParser
import Checkpointing
import CommandSupport
import Memory

struct CheckpointExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write checkpoints with states, sessions and notes as JSON Lines.",
    discussion: """
      Every checksum is verified; a damaged checkpoint is not passed on: nothing is exported then, or with --skip-invalid \
      the others are. What is left out is named, and the exit code is 65.
      """)

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Write there instead of stdout.", valueName: "file"),
    completion: .file())
  var output: String?
  @Flag(help: "Export what is good, and name the rest.")
  var skipInvalid = false
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
      let export = try service.exporting(query, skipsInvalid: skipInvalid)
      let bytes = export.bytes
      let code: Int32 = export.leftOut.isEmpty ? 0 : 65
      for validation in export.leftOut { console.warn("left out \(validation.id): \(validation.reason)") }
      guard let output else {
        console.result(bytes)
        return code
      }
      let isWritten = try UserFiles.write(bytes, to: output)
      let count = export.checkpointCount
      if outputOptions.json {
        console.object("checkpoint export") { object in
          object.member("file", Machine.absolute(output))
          object.member("checkpoints", count)
          object.member("bytes", bytes.count)
          object.member("written", isWritten)
          object.array("leftOut") { array in
            for validation in export.leftOut { array.object { CheckpointText.json(validation, &$0) } }
          }
          object.member("exitCode", Int(code))
        }
      }
      console.say("Exported \(count) checkpoint\(count == 1 ? "" : "s") to \(output)")
      return code
    }
  }
}
