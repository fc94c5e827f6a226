import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointHealthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Read back the five newest checkpoints, and count what is kept.",
    discussion: "Exits 65 when one of the five is damaged.")

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint health") {
      let service = try storeOptions.checkpoints()
      let (health, metrics) = (try service.health(), try service.metrics())
      let code: Int32 = health.status == .unhealthy ? 65 : 0
      if output.json {
        console.object("checkpoint health") { object in
          object.member("status", health.status.rawValue)
          object.array("readBack") { array in
            for validation in health.readBack { array.object { CheckpointText.json(validation, &$0) } }
          }
          object.object("metrics") { json(metrics, &$0) }
          object.member("exitCode", Int(code))
        }
      }
      console.say(bold: "Checkpoints are \(health.status.rawValue)")
      for validation in health.readBack {
        let name = validation.header.map(CheckpointText.name) ?? validation.id.description
        console.say(
          "  \(validation.verdict.rawValue)  \(name)\(validation.reason.isEmpty ? "" : ": \(validation.reason)")")
      }
      console.say(
        counted(metrics.checkpointCount, "checkpoint", "checkpoints") + ", "
          + counted(metrics.sessionCount, "session", "sessions") + " (\(metrics.openSessionCount) open), "
          + counted(metrics.annotationCount, "note", "notes"))
      console.say(
        "States: \(CheckpointText.size(metrics.inlineStateBytes)) in entries, "
          + "\(CheckpointText.size(metrics.blobStateBytes)) in blobs")
      if metrics.unreadableCount > 0 {
        console.warn(counted(metrics.unreadableCount, "entry", "entries") + " cannot be read")
      }
      return code
    }
  }

  private func json(_ metrics: CheckpointMetrics, _ object: inout JSONWriter) {
    object.member("checkpoints", metrics.checkpointCount)
    object.member("sessions", metrics.sessionCount)
    object.member("openSessions", metrics.openSessionCount)
    object.member("annotations", metrics.annotationCount)
    object.member("unreadable", metrics.unreadableCount)
    object.member("inlineStateBytes", metrics.inlineStateBytes)
    object.member("blobStateBytes", metrics.blobStateBytes)
    object.member("greatestSequence", metrics.greatestSequence)
    object.object("byTrigger") { object in
      for (name, count) in metrics.countByTrigger.sorted(by: { $0.key < $1.key }) { object.member(name, count) }
    }
    object.object("byHost") { object in
      for (name, count) in metrics.countByHost.sorted(by: { $0.key < $1.key }) {
        object.member(name.description, count)
      }
    }
  }
}
