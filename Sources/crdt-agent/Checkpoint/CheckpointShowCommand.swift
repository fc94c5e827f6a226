import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one checkpoint: what it is, whether it is good, its notes and its state.")

  @Argument(help: ArgumentHelp("Its id, the beginning of one, NUMBER, NUMBER@HOST or latest.", valueName: "checkpoint"))
  var checkpoint: String
  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint show") {
      let service = try storeOptions.checkpoints()
      let stored = try service.find(checkpoint, session: try sessionOption.id(in: service))
      let header = stored.header
      let validation = try service.validate(header.id)
      let annotations = try service.annotations(of: header.id)
      let isGood = validation.verdict != .invalid
      let state = isGood ? try service.get(header.id, acceptsLegacy: true).state : nil
      let session = try service.sessions().first { $0.id == header.session }
      let code: Int32 = isGood ? 0 : 65
      if output.json {
        console.object("checkpoint show") { object in
          object.object("checkpoint") { object in
            CheckpointText.json(validation, &object)
            object.member("stateBytes", stored.stateCount)
            object.member("checksum", stored.checksum)
            if let state { object.raw("state", state.json) }
          }
          object.array("annotations") { array in
            for annotation in annotations { array.object { CheckpointText.json(annotation, &$0) } }
          }
          object.member("exitCode", Int(code))
        }
      }
      console.say(bold: "Checkpoint \(header.id)")
      console.say("Number    \(header.sequence) of \(header.stamp.host)")
      console.say("Created   \(TimeText.short(header.stamp.instant))")
      console.say("Session   \(header.session)\(session.map { $0.name.isEmpty ? "" : " (\($0.name))" } ?? "")")
      console.say("Trigger   \(header.trigger)")
      if !header.tags.isEmpty { console.say("Tags      \(header.tags.map(\.description).joined(separator: ", "))") }
      if !header.message.isEmpty { console.say("Message   \(header.message)") }
      console.say(
        "Checksum  \(validation.verdict.rawValue)\(validation.reason.isEmpty ? "" : ": \(validation.reason)")")
      console.say("State     \(CheckpointText.size(stored.stateCount))")
      for annotation in annotations {
        console.say(
          "\(annotation.level.rawValue) \(TimeText.short(annotation.stamp.instant)) \(annotation.stamp.host): "
            + "\(annotation.text)")
      }
      if let state { console.say(String(decoding: state.json, as: UTF8.self)) }
      if !isGood { console.fail("checkpoint \(header.id) is damaged: \(validation.reason)") }
      return code
    }
  }
}
