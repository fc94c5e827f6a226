import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointTimelineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "timeline", abstract: "Show sessions, checkpoints and notes of all hosts in the order of time.")

  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint timeline") {
      let service = try storeOptions.checkpoints()
      var query = CheckpointQuery()
      query.session = try sessionOption.id(in: service)
      let items = try service.timeline(session: query.session)
      let verdicts = try service.verdicts(on: try service.list(query))
      let code = try console.warnOfDamage(verdicts, service)
      if output.json {
        console.object("checkpoint timeline") { object in
          object.array("timeline") { array in
            for item in items {
              array.object { object in
                object.member("time", item.instant.description)
                object.member("host", item.host)
                object.member("event", name(item.event))
                object.member("session", item.session?.text)
                switch item.event {
                case .sessionStarted(let one), .sessionEnded(let one): object.member("name", one.name)
                case .checkpoint(let header):
                  object.object("checkpoint") { object in
                    CheckpointText.json(header, &object)
                    object.member("verdict", CheckpointText.name(verdicts[header.id]))
                  }
                case .annotation(let note): object.object("annotation") { CheckpointText.json(note, &$0) }
                }
              }
            }
          }
          object.member("exitCode", Int(code))
        }
      }
      if items.isEmpty { console.say("Nothing yet") }
      let rows = items.map {
        [TimeText.short($0.instant), $0.host.description, name($0.event), text($0.event, verdicts)]
      }
      if !rows.isEmpty {
        for line in TextTable.lines(["TIME", "HOST", "EVENT", "WHAT"], rows) { console.say(line) }
      }
      return code
    }
  }

  private func name(_ event: TimelineItem.Event) -> String {
    switch event {
    case .sessionStarted: "session-started"
    case .sessionEnded: "session-ended"
    case .checkpoint: "checkpoint"
    case .annotation: "annotation"
    }
  }

  private func text(_ event: TimelineItem.Event, _ verdicts: [CheckpointID: StoredCheckpoint.Verdict]) -> String {
    switch event {
    case .sessionStarted(let one), .sessionEnded(let one): "\(one.id.short) \(TextTable.short(one.name.description))"
    case .checkpoint(let header):
      "\(header.sequence) (\(header.id.short)) \(header.trigger) \(CheckpointText.message(header, verdicts[header.id]))"
    case .annotation(let note):
      "on \(note.checkpoint.short), \(note.level.rawValue): \(TextTable.short(note.text.description))"
    }
  }
}
