import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Replication

struct CheckpointAtCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "at", abstract: "Write the state as it was at a time: of the newest checkpoint made by then.")

  @Argument(help: ArgumentHelp("RFC 3339, or a time ago such as 90m, 2h or 3d.", valueName: "time"))
  var time: String
  @OptionGroup var stateOutput: StateOutput
  @OptionGroup var legacyOption: LegacyOption
  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var outputOptions: OutputOptions

  func run() throws {
    let console = Console(agent: outputOptions)
    try console.run("checkpoint at", printsResult: stateOutput.output == nil) {
      let service = try storeOptions.checkpoints()
      let instant = try TimeText.parse(time, now: Effects.real.wallClock())
      let checkpoint = try service.checkpoint(
        at: instant, session: try sessionOption.id(in: service), acceptsLegacy: legacyOption.acceptLegacy)
      let stored = try service.find(checkpoint.header.id.text)
      console.warnIfLegacy(stored)
      return try stateOutput.deliver(
        checkpoint, isLegacy: stored.isLegacy, command: "checkpoint at", console: console)
    }
  }
}
