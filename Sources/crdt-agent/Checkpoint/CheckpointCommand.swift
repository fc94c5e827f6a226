import ArgumentParser

struct CheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Freeze an agent's state and go back to it, on this host and on every other.",
    discussion: """
      A checkpoint is called by its id, the beginning of one (four digits at least), by its number (3, or 3@host where \
      two hosts made one), or `latest`.

      Exit codes: 0 done; 64 wrong usage; 65 bad data or a damaged checkpoint; 66 no such checkpoint, session, file or \
      store; 70 internal error; 73 cannot create; 74 I/O error; 75 the store is busy, run again; 77 no permission; \
      78 configuration.
      """,
    subcommands: [
      CheckpointSessionCommand.self, CheckpointCreateCommand.self, CheckpointListCommand.self,
      CheckpointShowCommand.self, CheckpointRestoreCommand.self, CheckpointDiffCommand.self, CheckpointAtCommand.self,
      CheckpointTimelineCommand.self, CheckpointAnnotateCommand.self, CheckpointDeleteCommand.self,
      CheckpointCompactCommand.self, CheckpointExportCommand.self, CheckpointImportCommand.self,
      CheckpointValidateCommand.self, CheckpointHealthCommand.self, CheckpointWatchCommand.self,
    ])
}
