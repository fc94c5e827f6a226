import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory
import Replication

struct CheckpointWatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Tell of checkpoints as they are created, restored, deleted and compacted.",
    discussion: """
      By any process on this host; what came from other hosts by a merge is told as created or deleted. One line for each \
      event; with --json one object a line. Ends by a signal, --count or --for.
      """)

  @Option(help: ArgumentHelp("Begin with those above this number that are there already.", valueName: "number"))
  var after: Int?
  @Option(help: ArgumentHelp("End after so many events.", valueName: "count"))
  var count: Int?
  @Option(name: .customLong("for"), help: ArgumentHelp("End after so long, as 30s or 5m.", valueName: "length"))
  var length: String?
  @Option(help: ArgumentHelp("Milliseconds between two looks.", valueName: "milliseconds"))
  var interval: Int = 500
  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count is at least 1") }
    if !(10...3_600_000).contains(interval) { throw ValidationError("--interval is 10 to 3600000 milliseconds") }
  }

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint watch") {
      let service = try storeOptions.checkpoints()
      let session = try sessionOption.id(in: service)
      let end = try length.map { ContinuousClock.now + .seconds(try lengthSeconds($0, "--for")) }
      _ = try service.refresh()
      var events: [CheckpointEvent] = []
      if let after { events = try service.list().filter { $0.header.sequence > after }.map { .created($0.header) } }
      // One made between the two looks is in both.
      var first: Set<CheckpointID> = []
      for case .created(let header) in events { first.insert(header.id) }
      var left = count ?? .max
      while true {
        for event in events where session == nil || event.session == session {
          tell(event, console)
          left -= 1
          if left == 0 || console.hasOutputFailed { return 0 }
        }
        if let end, ContinuousClock.now >= end { return 0 }
        Effects.real.sleepMilliseconds(interval)
        events = try service.refresh().filter { event in
          if case .created(let header) = event { first.remove(header.id) == nil } else { true }
        }
      }
    }
  }

  private func tell(_ event: CheckpointEvent, _ console: Console) {
    if output.json {
      console.object("checkpoint watch") { object in
        object.member("event", event.name)
        object.member("session", event.session.text)
        switch event {
        case .created(let header), .restored(let header):
          object.object("checkpoint") { CheckpointText.json(header, &$0) }
        case .deleted(_, let ids): texts(ids, &object)
        case .compacted(_, let ids, let keptCount):
          texts(ids, &object)
          object.member("kept", keptCount)
        }
      }
      return
    }
    switch event {
    case .created(let header), .restored(let header):
      console.say(bold: event.name, "  \(CheckpointText.row(header).joined(separator: "  "))")
    case .deleted(let session, let ids): console.say(bold: event.name, "  " + text(session, ids))
    case .compacted(let session, let ids, let keptCount):
      console.say(bold: event.name, "  \(text(session, ids)); \(keptCount) kept")
    }
  }

  private func texts(_ ids: [CheckpointID], _ object: inout JSONWriter) {
    object.member("count", ids.count)
    CheckpointText.texts("checkpoints", ids.map(\.bytes), &object)
  }

  private func text(_ session: CheckpointID, _ ids: [CheckpointID]) -> String {
    "\(ids.count) of session \(session.short): \(ids.map(\.short).joined(separator: ", "))"
  }
}
