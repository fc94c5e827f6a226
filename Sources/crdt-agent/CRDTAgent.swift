import ArgumentParser
import CommandSupport

/// The command for agent state. Thin: it reads options, calls the services, prints, and ends with the right exit code.
@main
struct CRDTAgent: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crdt-agent",
    abstract: "Keep an AI agent's state on this host and, with crdt-backup, on all your machines.",
    discussion: """
      What is written here is in the store at once and safe on this host. The next crdt-backup brings it to the \
      remote and so to the other hosts.

      Exit codes: 0 done; 64 wrong usage; 65 bad data; 66 no input; 70 internal error; 73 cannot create; \
      74 I/O error; 75 the store is busy, run again; 77 no permission; 78 configuration.
      """,
    version: productVersion,
    subcommands: [CRSCommand.self, CheckpointCommand.self])

  static func main() { CommandProgram.run(Self.self) }
}
