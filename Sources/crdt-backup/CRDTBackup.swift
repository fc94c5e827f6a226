import ArgumentParser
import CommandSupport

/// The command. Thin: it reads options, calls ``Replication``, prints, and ends with the right exit code.
@main
struct CRDTBackup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crdt-backup",
    abstract: "Back up an AI agent's memory and merge it with all your machines through a git remote.",
    discussion: """
      The first use sets up:   crdt-backup --memory FILE --remote URL
      Later uses need nothing: crdt-backup

      Exit codes: 0 done and verified on the remote; 64 wrong usage; 65 bad data; 66 no input; 70 internal error; \
      73 cannot create the store; 74 I/O error; 75 saved on this host, not on the remote; 77 no permission or \
      failed authentication; 78 configuration.
      """,
    version: productVersion,
    subcommands: [
      SyncCommand.self, StatusCommand.self, LogCommand.self, ConflictsCommand.self, RestoreCommand.self,
      ForgetCommand.self, AllowCommand.self, HostsCommand.self, SourceCommand.self, CollectCommand.self,
      DoctorCommand.self, HookCommand.self, ScheduleCommand.self,
    ],
    defaultSubcommand: SyncCommand.self)

  static func main() { CommandProgram.run(Self.self) }
}
