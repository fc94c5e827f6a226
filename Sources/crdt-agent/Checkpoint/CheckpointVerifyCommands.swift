import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Glibc
import Memory
import Replication

struct CheckpointValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Verify the checksum of one checkpoint or of all.",
    discussion: "valid: the bytes are those that were written; legacy: there is no checksum; invalid: exits 65.")

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
        "\(metrics.checkpointCount) checkpoints, \(metrics.sessionCount) sessions (\(metrics.openSessionCount) open), "
          + "\(metrics.annotationCount) notes")
      console.say(
        "States: \(CheckpointText.size(metrics.inlineStateBytes)) in entries, "
          + "\(CheckpointText.size(metrics.blobStateBytes)) in blobs")
      if metrics.unreadableCount > 0 { console.warn("\(metrics.unreadableCount) entries cannot be read") }
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

struct CheckpointWatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Tell of checkpoints as they are created and deleted, by any process here or by a merge.",
    discussion: "One line for each event; with --json one object a line. Ends by a signal, --count or --for.")

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
        case .deleted(_, let ids), .compacted(_, let ids, _):
          object.member("count", ids.count)
          CheckpointText.texts("checkpoints", ids.map(\.bytes), &object)
        }
      }
      return
    }
    switch event {
    case .created(let header), .restored(let header):
      console.say(bold: event.name, "  \(CheckpointText.row(header).joined(separator: "  "))")
    case .deleted(let session, let ids), .compacted(let session, let ids, _):
      console.say(
        bold: event.name, "  \(ids.count) of session \(session.short): \(ids.map(\.short).joined(separator: ", "))")
    }
  }
}
