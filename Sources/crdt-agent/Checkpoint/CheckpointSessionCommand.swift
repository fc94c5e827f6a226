import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointSessionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session",
    abstract: "Begin, list and end sessions; a checkpoint belongs to one.",
    discussion: "Sessions are in the store: they survive every restart, and other hosts see them.",
    subcommands: [Start.self, List.self, End.self], defaultSubcommand: List.self)

  struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Begin a session: checkpoints made on this host belong to it until it ends.")

    @Argument(help: ArgumentHelp("A name for people.", valueName: "name"))
    var name: String = ""
    @Option(help: ArgumentHelp("This host's name where the store has none yet.", valueName: "name"))
    var host: String?
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
      let console = Console(agent: output)
      try console.run("checkpoint session start", printsResult: false) {
        let session = try storeOptions.checkpoints(making: true, host: host).startSession(name: ByteString(name))
        if output.json {
          console.object("checkpoint session start") { object in
            object.object("session") { CheckpointText.json(session, &$0) }
            object.member("exitCode", 0)
          }
        }
        console.say(bold: "Session \(session.id)", " started")
        return 0
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the sessions of all hosts.")

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
      let console = Console(agent: output)
      try console.run("checkpoint session list") {
        let service = try storeOptions.checkpoints()
        let sessions = try service.sessions()
        var counts: [CheckpointID: Int] = [:]
        for checkpoint in try service.list() { counts[checkpoint.header.session, default: 0] += 1 }
        if output.json {
          console.object("checkpoint session list") { object in
            object.array("sessions") { array in
              for session in sessions {
                array.object { object in
                  CheckpointText.json(session, &object)
                  object.member("checkpoints", counts[session.id] ?? 0)
                }
              }
            }
            object.member("exitCode", 0)
          }
        }
        if sessions.isEmpty { console.say("No sessions") }
        let rows = sessions.map { session in
          [
            session.id.text, session.started.host.description, TimeText.short(session.started.instant),
            session.ended.map(TimeText.short) ?? "open", "\(counts[session.id] ?? 0)",
            TextTable.short(session.name.description),
          ]
        }
        if !rows.isEmpty {
          let header = ["ID", "HOST", "STARTED", "ENDED", "CHECKPOINTS", "NAME"]
          for line in TextTable.lines(header, rows) { console.say(line) }
        }
        return 0
      }
    }
  }

  struct End: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "End a session: it takes no more checkpoints.")

    @Argument(help: ArgumentHelp("Its id, the beginning of one, or its name.", valueName: "session"))
    var session: String
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
      let console = Console(agent: output)
      try console.run("checkpoint session end", printsResult: false) {
        let service = try storeOptions.checkpoints()
        let session = try service.endSession(try service.session(ByteString(session)).id)
        if output.json {
          console.object("checkpoint session end") { object in
            object.object("session") { CheckpointText.json(session, &$0) }
            object.member("exitCode", 0)
          }
        }
        console.say(bold: "Session \(session.id)", " ended")
        return 0
      }
    }
  }
}
