import ArgumentParser
import Glibc

/// What is the same in every command's `main`.
package enum CommandProgram {
  /// Reads the command line, runs it, and ends the process with the right exit code.
  package static func run<Root: ParsableCommand>(_ root: Root.Type) {
    Console.openStandardStreams()
    // A reader of our output that goes away is an error of a write, not the end of a backup.
    signal(SIGPIPE, SIG_IGN)
    // Files and folders of a store are the user's alone, whatever a cron job's umask says.
    umask(0o077)
    do {
      var command = try root.parseAsRoot()
      try command.run()
    } catch {
      let arguments = Array(CommandLine.arguments.dropFirst())
      if let failure = UsageFailure(error, arguments: arguments, of: root) { failure.exit() }
      root.exit(withError: error)
    }
  }
}

/// The version of the commands.
package let productVersion = "0.1.0"
