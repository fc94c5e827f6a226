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
      let name = subcommands.first?.name ?? root.configuration.defaultSubcommand.map(commandName)
      console.object(name ?? commandName(of: root)) { object in
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

  /// The arguments that name a subcommand, one of that, and so on.
  private var subcommands: [(index: Int, name: String)] {
    var command = root
    var path: [(index: Int, name: String)] = []
    for (index, argument) in arguments.enumerated() {
      if argument == "--" { break }
      guard let next = command.configuration.subcommands.first(where: { commandName(of: $0) == argument }) else {
        continue
      }
      path.append((index, argument))
      command = next
    }
    return path
  }

  /// ArgumentParser reads the options before a subcommand's name as those of the default one, or as none at all.
  private func hint(for message: String) -> String? {
    let path = subcommands
    let misplaced = path.enumerated().filter { $0.offset != $0.element.index }.map(\.element.name)
    guard !misplaced.isEmpty else { return nil }
    let indices = Set(path.map(\.index))
    let words = path.map(\.name) + arguments.enumerated().filter { !indices.contains($0.offset) }.map(\.element)
    // A word may be the name of a subcommand by accident: then the message does not complain of it.
    guard misplaced.contains(where: { message.contains("'\($0)'") }) || (try? root.parseAsRoot(words)) != nil else {
      return nil
    }
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
