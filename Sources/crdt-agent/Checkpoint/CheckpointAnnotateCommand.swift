import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointAnnotateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "annotate", abstract: "Put a note on a checkpoint; the checkpoint stays as it is.")

  @Argument(help: ArgumentHelp("Its id, the beginning of one, NUMBER, NUMBER@HOST or latest.", valueName: "checkpoint"))
  var checkpoint: String
  @Argument(help: ArgumentHelp("The note.", valueName: "text"))
  var text: String
  @Option(
    help: ArgumentHelp(
      CheckpointAnnotation.Level.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "level"))
  var level: String = "info"
  @Option(help: ArgumentHelp("Let through what this rule takes for a secret.", valueName: "rule"))
  var allow: [String] = []
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint annotate", printsResult: false) {
      guard let level = CheckpointAnnotation.Level(rawValue: level) else {
        throw CheckpointError(.usage, "unknown level \"\(level)\"", remedy: "Levels are info, warning, critical")
      }
      let service = try storeOptions.checkpoints()
      let header = try service.find(checkpoint).header
      let annotation = try service.annotate(
        header.id, level, ByteString(text), allowedSecretRules: Set(allow.map { ByteString($0) }))
      if output.json {
        console.object("checkpoint annotate") { object in
          object.object("annotation") { CheckpointText.json(annotation, &$0) }
          object.member("exitCode", 0)
        }
      }
      console.say("Noted on \(CheckpointText.name(header))")
      return 0
    }
  }
}
