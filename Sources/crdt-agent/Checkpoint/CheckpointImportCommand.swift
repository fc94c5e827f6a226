import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take in an export: every checksum is verified, and what is here already is skipped.",
    discussion: "One damaged checkpoint means that nothing is imported, unless --skip-invalid.")

  @Argument(help: ArgumentHelp("The file, - for stdin.", valueName: "file"), completion: .file())
  var file: String
  @Flag(help: "Import what is good and name the rest.")
  var skipInvalid = false
  @Option(help: ArgumentHelp("Let through what this rule takes for a secret.", valueName: "rule"))
  var allow: [String] = []
  @Option(help: ArgumentHelp("This host's name where the store has none yet.", valueName: "name"))
  var host: String?
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint import", printsResult: false) {
      let bytes = try AgentFiles.read(file, limitBytes: CheckpointLimits.transfer)
      let service = try storeOptions.checkpoints(making: true, host: host)
      let report = try service.importing(
        bytes, source: file == "-" ? "stdin" : file, skipsInvalid: skipInvalid,
        allowedSecretRules: Set(allow.map { ByteString($0) }))
      let code: Int32 = report.invalid.isEmpty && report.conflicting.isEmpty ? 0 : 65
      if output.json {
        console.object("checkpoint import") { object in
          CheckpointText.headers("imported", report.imported, &object)
          object.member("existing", report.existing.count)
          CheckpointText.texts("conflicting", report.conflicting.map(\.bytes), &object)
          object.array("invalid") { array in
            for validation in report.invalid { array.object { CheckpointText.json(validation, &$0) } }
          }
          object.member("legacy", report.legacyCount)
          object.member("sessions", report.sessionCount)
          object.member("annotations", report.annotationCount)
          object.member("exitCode", Int(code))
        }
      }
      if report.invalid.isEmpty || skipInvalid {
        console.say("\(report.imported.count) imported, \(report.existing.count) here already")
      }
      if report.legacyCount > 0 { console.warn("\(report.legacyCount) without a checksum that could be verified") }
      for validation in report.invalid { console.fail("\(validation.id): \(validation.reason)") }
      for id in report.conflicting { console.fail("\(id): another checkpoint of this id is here; it stays") }
      if !report.invalid.isEmpty, !skipInvalid {
        console.fail("nothing was imported. --skip-invalid takes the good ones")
      }
      return code
    }
  }
}
