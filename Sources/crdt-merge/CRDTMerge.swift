import ArgumentParser

/// `crdt-merge`: memory files in, their merge out. Reads no clock, no network, no repository.
@main
struct CRDTMerge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crdt-merge",
    abstract: "Merge memory files without conflicts, in any order, always to the same bytes.",
    usage: """
      crdt-merge <file|folder> ... [-o <file>] [--json]
      crdt-merge <file|folder> ... --view [--format <format>] [-o <file>]
      crdt-merge install|uninstall [--local|--global]
      """,
    discussion: """
      Reads host files (memory-<host>.json) and states merged before, and writes their union: of each unique_id the \
      latest value. A folder stands for the host files in it; - is standard input. The result goes to standard \
      output, or with -o into a file, which is replaced as a whole and left alone when nothing changed.

      'crdt-merge merge --help' shows all options. A file named like a subcommand is written ./merge.

      Exit status: 0 done, 64 usage, 65 bad data, 66 no input, 73 cannot create the output, 74 input/output error, \
      77 no permission, 78 git is missing or refuses.
      """,
    version: "0.1.0",
    subcommands: subcommands, defaultSubcommand: MergeCommand.self)

  private static let subcommands: [any ParsableCommand.Type] = [
    MergeCommand.self, DriverCommand.self, InstallCommand.self, UninstallCommand.self,
  ]

  /// The words that are no file names where a command line begins with them.
  static let subcommandNames = ["merge", "driver", "install", "uninstall", "help"]

  static func main() {
    StandardStreams.fillGaps()
    do {
      if let merge = Merge(plain: CommandLine.arguments.dropFirst()) { return try merge.run() }
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as CommandFailure {
      failure.report()
      exit(withError: ExitCode(failure.exitCode))
    } catch {
      exit(withError: error)
    }
  }
}
