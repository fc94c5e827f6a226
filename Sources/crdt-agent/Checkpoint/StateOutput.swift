import ArgumentParser
import Checkpointing
import CommandSupport
import Memory
import Replication

/// Where a restored state goes.
struct StateOutput: ParsableArguments {
  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Write there instead of stdout.", valueName: "file"),
    completion: .file())
  var output: String?

  func deliver(_ checkpoint: Checkpoint, isLegacy: Bool, command: String, console: Console)
    throws(ReplicationError) -> Int32
  {
    let bytes = checkpoint.state.json + [0x0A]
    var isWritten = false
    if let output { isWritten = try UserFiles.write(bytes, to: output) }
    if console.options.json {
      console.object(command) { object in
        object.object("checkpoint") { CheckpointText.json(checkpoint.header, &$0) }
        object.member("legacy", isLegacy)
        if let output {
          object.member("file", Machine.absolute(output))
          object.member("written", isWritten)
        } else {
          object.raw("state", checkpoint.state.json)
        }
        object.member("exitCode", 0)
      }
    } else if let output {
      console.say("Restored \(CheckpointText.name(checkpoint.header)) to \(output)")
    } else {
      console.result(bytes)
    }
    return 0
  }
}
