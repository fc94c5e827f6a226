import ArgumentParser
import CommandText
import Memory

/// A command line that makes no sense: a hint where it is known what was meant, and with `--json` one object.
package struct UsageFailure {
  private let error: any Error
  private let arguments: [String]
  private let root: any ParsableCommand.Type

  /// `nil` for anything else than a usage error that nobody has told the user of yet.
  package init?(_ error: any Error, arguments: [String], of root: any ParsableCommand.Type) {
    guard !(error is ExitCode), root.exitCode(for: error) == .validationFailure else { return nil }
    self.root = root
    self.error = error
    self.arguments = arguments
  }

  /// Ends the program as ArgumentParser does, with the hint and the object before that.
  package func exit() -> Never {
    let message = root.message(for: error)
    let hint = hint(for: message)
    if arguments.prefix(while: { $0 != "--" }).contains("--json") {
      let console = Console(OutputOptions())
      console.object(subcommand?.name ?? root.configuration.defaultSubcommand.map(commandName) ?? commandName(of: root))
      { object in
        object.object("error") { object in
          object.member("code", "usage")
          object.member("message", message)
          object.member("remedy", hint ?? "")
        }
        object.member("exitCode", Int(root.exitCode(for: error).rawValue))
      }
    }
    guard let hint else { root.exit(withError: error) }
    root.exit(withError: ValidationError("\(message). \(hint)"))
  }

  private func commandName(of command: any ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }

  /// The first argument that names a subcommand.
  private var subcommand: (index: Int, name: String)? {
    let names = root.configuration.subcommands.map(commandName)
    for (index, argument) in arguments.enumerated() {
      if argument == "--" { return nil }
      if names.contains(argument) { return (index, argument) }
    }
    return nil
  }

  /// ArgumentParser reads the options before a subcommand's name as those of the default one.
  private func hint(for message: String) -> String? {
    guard let (index, name) = subcommand, index > 0, message.contains("'\(name)'") else { return nil }
    let words = [name] + arguments[..<index] + arguments[(index + 1)...]
    let line = words.map { word in
      let isPlain = word.utf8.allSatisfy {
        $0 >= 0x30 && $0 <= 0x39 || $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || "-_./=:@".utf8.contains($0)
      }
      return isPlain && !word.isEmpty ? word : ShellText.quoted(word)
    }
    return TerminalText.shown(
      "Put options behind the subcommand: \(commandName(of: root)) \(line.joined(separator: " "))")
  }
}
