import ArgumentParser
import Checkpointing
import CommandSupport

struct CheckpointRestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Write the state of a checkpoint to stdout or a file, once its checksum was found right.")

  @Argument(help: ArgumentHelp("Its id, the beginning of one, NUMBER, NUMBER@HOST or latest.", valueName: "checkpoint"))
  var checkpoint: String
  @OptionGroup var stateOutput: StateOutput
  @OptionGroup var legacyOption: LegacyOption
  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var outputOptions: OutputOptions

  func run() throws {
    let console = Console(agent: outputOptions)
    try console.run("checkpoint restore", printsResult: stateOutput.output == nil) {
      let service = try storeOptions.checkpoints()
      let stored = try service.find(checkpoint, session: try sessionOption.id(in: service))
      let checkpoint = try service.get(stored.header.id, acceptsLegacy: legacyOption.acceptLegacy)
      console.warnIfLegacy(stored)
      let code = try stateOutput.deliver(
        checkpoint, isLegacy: stored.isLegacy, command: "checkpoint restore", console: console)
      // Only what is where it was asked for was gone back to.
      if stateOutput.output != nil || !console.hasOutputFailed { try service.noteRestore(of: checkpoint.header) }
      return code
    }
  }
}
