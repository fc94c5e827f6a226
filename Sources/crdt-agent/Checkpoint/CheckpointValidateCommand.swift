import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Verify the checksum of one checkpoint or of all.",
    discussion: "valid: the bytes are those that were written; legacy: of a time before checksums; invalid: exits 65.")

  @Argument(help: ArgumentHelp("Its id, the beginning of one, or a number; default: all.", valueName: "checkpoint"))
  var checkpoint: String?
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint validate") {
      let service = try storeOptions.checkpoints()
      let validations: [CheckpointValidation] =
        if let checkpoint { [try service.validate(try service.find(checkpoint).header.id)] } else {
          try service.validateAll()
        }
      func count(_ verdict: StoredCheckpoint.Verdict) -> Int { validations.count { $0.verdict == verdict } }
      let code: Int32 = count(.invalid) == 0 ? 0 : 65
      if output.json {
        console.object("checkpoint validate") { object in
          object.member("valid", count(.valid))
          object.member("legacy", count(.legacy))
          object.member("invalid", count(.invalid))
          object.array("checkpoints") { array in
            for validation in validations { array.object { CheckpointText.json(validation, &$0) } }
          }
          object.member("exitCode", Int(code))
        }
      }
      for validation in validations where validation.verdict != .valid {
        let name = validation.header.map(CheckpointText.name) ?? validation.id.description
        console.say("\(validation.verdict.rawValue)  \(name): \(validation.reason)")
      }
      console.say("\(count(.valid)) valid, \(count(.legacy)) legacy, \(count(.invalid)) invalid")
      return code
    }
  }
}
