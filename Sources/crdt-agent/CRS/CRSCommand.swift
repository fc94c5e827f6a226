import ArgumentParser
import CRS
import CommandSupport

struct CRSCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crs",
    abstract: "Keep an agent's reasoning state: proofs, constraints, dependencies, history, learned clauses.",
    discussion: """
      Deltas go into a journal on this host; `save` puts the whole state into the store, crdt-backup carries it on, and \
      `load` joins what all hosts saved. A project is known by its git remote, else its root commit, else --project. \
      Where that does not tell, as between forks, nothing is done until `init --same-as` or `init --new` says it.

      Exit codes: 0 done; 64 wrong usage; 65 bad data, a refused delta or damage; 66 nothing there; 70 internal error; \
      73 cannot create; 74 I/O error, or what was applied is not kept; 75 another run has the state, run again; \
      77 no permission; 78 configuration, or data that another version of crdt-agent reads.
      """,
    subcommands: [
      CRSInitCommand.self, CRSApplyCommand.self, CRSQueryCommand.self, CRSSaveCommand.self, CRSLoadCommand.self,
      CRSStatusCommand.self, CRSVerifyCommand.self, CRSHistoryCommand.self, CRSExportCommand.self,
      CRSImportCommand.self, CRSMetricsCommand.self,
    ])
}

extension CRSError: CommandError {
  package var codeName: String { code.rawValue }
}
