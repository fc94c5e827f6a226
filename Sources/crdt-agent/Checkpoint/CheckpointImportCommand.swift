import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take in an export: every checksum is verified; what is here already or was deleted is skipped.",
    discussion: """
      One damaged checkpoint means that nothing is imported, unless --skip-invalid; so does one without a checksum, \
      unless --accept-legacy. Deleted ones are named, and come back with --revive only.
      """)

  @Argument(help: ArgumentHelp("The file, - for stdin.", valueName: "file"), completion: .file())
  var file: String
  @Flag(help: "Import what is good and name the rest.")
  var skipInvalid = false
  @Flag(help: "Bring deleted checkpoints back, on every host.")
  var revive = false
  @OptionGroup var legacyOption: LegacyOption
  @Option(help: ArgumentHelp("Let through what this rule takes for a secret.", valueName: "rule"))
  var allow: [String] = []
  @Option(help: ArgumentHelp("This host's name where the store has none yet.", valueName: "name"))
  var host: String?
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint import", printsResult: false) {
      let bytes = try AgentFiles.read(file, limitBytes: CheckpointLimits.transferBytes)
      let service = try storeOptions.checkpoints(making: true, host: host)
      let report = try service.importing(
        bytes, source: file == "-" ? "stdin" : file, skipsInvalid: skipInvalid,
        acceptsLegacy: legacyOption.acceptLegacy, revivesDeleted: revive,
        allowedSecretRules: Set(allow.map { ByteString($0) }))
      let code: Int32 = report.invalid.isEmpty && report.conflicting.isEmpty ? 0 : 65
      if output.json {
        console.object("checkpoint import") { object in
          CheckpointText.headers("imported", report.imported, &object)
          object.member("existing", report.existing.count)
          CheckpointText.headers("deleted", report.deleted, &object)
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
      for header in report.deleted {
        console.warn("checkpoint \(CheckpointText.name(header)) was deleted and is left out; --revive brings it back")
      }
      for validation in report.invalid { console.fail("\(validation.id): \(validation.reason)") }
      for id in report.conflicting { console.fail("\(id): another checkpoint of this id is here; it stays") }
      if !report.invalid.isEmpty, !skipInvalid {
        let isLegacy = report.invalid.contains { $0.verdict == .legacy }
        console.fail(
          "nothing was imported. --skip-invalid takes the good ones"
            + (isLegacy ? ", --accept-legacy those without a checksum as they are" : ""))
      }
      return code
    }
  }
}
