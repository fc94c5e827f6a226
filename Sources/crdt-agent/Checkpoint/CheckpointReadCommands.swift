import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory
import Replication

struct CheckpointListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the checkpoints of all hosts, in their order.")

  @OptionGroup var queryOptions: QueryOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint list") {
      let service = try storeOptions.checkpoints()
      let found = try service.list(try queryOptions.query(in: service))
      if output.json {
        console.object("checkpoint list") { object in
          object.array("checkpoints") { array in
            for stored in found {
              array.object { object in
                CheckpointText.json(stored.header, &object)
                object.member("stateBytes", stored.stateCount)
                object.member("checksum", stored.checksum)
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      if found.isEmpty {
        console.say("No checkpoints")
      } else {
        for line in TextTable.lines(CheckpointText.columns, found.map { CheckpointText.row($0.header) }) {
          console.say(line)
        }
      }
      return 0
    }
  }
}

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
      let state = isGood ? try service.get(header.id).state : nil
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

/// Where a restored state goes.
struct StateOutput: ParsableArguments {
  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Write there instead of stdout.", valueName: "file"),
    completion: .file())
  var output: String?

  func deliver(_ checkpoint: Checkpoint, command: String, console: Console) throws(ReplicationError) -> Int32 {
    let bytes = checkpoint.state.json + [0x0A]
    var isWritten = false
    if let output { isWritten = try AgentFiles.write(bytes, to: output) }
    if console.options.json {
      console.object(command) { object in
        object.object("checkpoint") { CheckpointText.json(checkpoint.header, &$0) }
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

struct CheckpointRestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Write the state of a checkpoint to stdout or a file, once its checksum was found right.")

  @Argument(help: ArgumentHelp("Its id, the beginning of one, NUMBER, NUMBER@HOST or latest.", valueName: "checkpoint"))
  var checkpoint: String
  @OptionGroup var stateOutput: StateOutput
  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var outputOptions: OutputOptions

  func run() throws {
    let console = Console(agent: outputOptions)
    try console.run("checkpoint restore") {
      let service = try storeOptions.checkpoints()
      let stored = try service.find(checkpoint, session: try sessionOption.id(in: service))
      return try stateOutput.deliver(
        try service.restore(stored.header.id), command: "checkpoint restore", console: console)
    }
  }
}

struct CheckpointAtCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "at", abstract: "Write the state as it was at a time: of the newest checkpoint made by then.")

  @Argument(help: ArgumentHelp("RFC 3339, or a time ago such as 90m, 2h or 3d.", valueName: "time"))
  var time: String
  @OptionGroup var stateOutput: StateOutput
  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var outputOptions: OutputOptions

  func run() throws {
    let console = Console(agent: outputOptions)
    try console.run("checkpoint at") {
      let service = try storeOptions.checkpoints()
      let instant = try TimeText.parse(time, now: Effects.real.wallClock())
      let checkpoint = try service.checkpoint(at: instant, session: try sessionOption.id(in: service))
      return try stateOutput.deliver(checkpoint, command: "checkpoint at", console: console)
    }
  }
}

struct CheckpointDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Show what changed between two checkpoints.",
    discussion: "Exits 0 whether or not something differs; --json tells the values whole.")

  @Argument(help: ArgumentHelp("The earlier one.", valueName: "checkpoint"))
  var before: String
  @Argument(help: ArgumentHelp("The later one (default: latest).", valueName: "checkpoint"))
  var after: String = "latest"
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint diff") {
      let service = try storeOptions.checkpoints()
      let (old, new) = (try service.find(before).header, try service.find(after).header)
      let diff = try service.diff(from: old.id, to: new.id)
      if output.json {
        console.object("checkpoint diff") { object in
          object.object("from") { CheckpointText.json(old, &$0) }
          object.object("to") { CheckpointText.json(new, &$0) }
          object.array("differences") { array in
            for difference in diff.differences {
              array.object { object in
                CheckpointText.texts("path", difference.path, &object)
                object.raw("before", difference.before ?? Array("null".utf8))
                object.raw("after", difference.after ?? Array("null".utf8))
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      console.say(bold: CheckpointText.name(old), " to \(CheckpointText.name(new))")
      if diff.differences.isEmpty { console.say("No difference") }
      for difference in diff.differences {
        func shown(_ json: [UInt8]) -> String { TextTable.short(String(decoding: json, as: UTF8.self), 70) }
        let path = difference.path.map(\.description).joined(separator: ".")
        switch (difference.before, difference.after) {
        case (nil, let after?): console.say("+ \(path): \(shown(after))")
        case (let before?, nil): console.say("- \(path): \(shown(before))")
        case (let before, let after): console.say("~ \(path): \(shown(before ?? [])) -> \(shown(after ?? []))")
        }
      }
      return 0
    }
  }
}

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
      let items = try service.timeline(session: try sessionOption.id(in: service))
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
                case .checkpoint(let header): object.object("checkpoint") { CheckpointText.json(header, &$0) }
                case .annotation(let note): object.object("annotation") { CheckpointText.json(note, &$0) }
                }
              }
            }
          }
          object.member("exitCode", 0)
        }
      }
      if items.isEmpty { console.say("Nothing yet") }
      let rows = items.map { [TimeText.short($0.instant), $0.host.description, name($0.event), text($0.event)] }
      if !rows.isEmpty {
        for line in TextTable.lines(["TIME", "HOST", "EVENT", "WHAT"], rows) { console.say(line) }
      }
      return 0
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

  private func text(_ event: TimelineItem.Event) -> String {
    switch event {
    case .sessionStarted(let one), .sessionEnded(let one): "\(one.id.short) \(TextTable.short(one.name.description))"
    case .checkpoint(let header):
      "\(header.sequence) (\(header.id.short)) \(header.trigger) \(TextTable.short(header.message.description))"
    case .annotation(let note):
      "on \(note.checkpoint.short), \(note.level.rawValue): \(TextTable.short(note.text.description))"
    }
  }
}
