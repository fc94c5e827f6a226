import Processes

/// The user's own ssh, called as git calls it.
enum SSHCommand {
  /// `GIT_SSH_COMMAND` (through the shell), else `core.sshCommand` (likewise), else `GIT_SSH`, else `ssh`.
  static func make(
    user: String?, host: String, port: String?, remoteCommand: String, environment: Environment,
    sshCommandSetting: String?, allowsTerminal: Bool
  ) -> Command {
    let shellText = environment["GIT_SSH_COMMAND"].flatMap { $0.isEmpty ? nil : $0 } ?? sshCommandSetting
    let program = environment["GIT_SSH"].flatMap { $0.isEmpty ? nil : $0 } ?? "ssh"
    let firstWord = shellText.map { String($0.split(separator: " ").first ?? "") } ?? program
    var arguments: [String] = []
    switch name(firstWord) {
    case "ssh":
      if !allowsTerminal { arguments += ["-o", "BatchMode=yes"] }
      if let port { arguments += ["-p", port] }
    case "plink", "tortoiseplink":
      if !allowsTerminal { arguments += ["-batch"] }
      if let port { arguments += ["-P", port] }
    default:
      if let port { arguments += ["-p", port] }
    }
    arguments.append(user.map { "\($0)@\(host)" } ?? host)
    arguments.append(remoteCommand)

    var childEnvironment = environment.withoutGit
    // Nobody is there to answer a window either.
    if !allowsTerminal { childEnvironment["SSH_ASKPASS"] = nil }
    let group: Command.Group = allowsTerminal ? .ours : .session
    guard let shellText else {
      return Command(program, arguments, environment: childEnvironment, group: group)
    }
    return Command(
      "sh", ["-c", shellText + " \"$@\"", shellText] + arguments, environment: childEnvironment, group: group)
  }

  /// The program's name without folders and `.exe`, quotes removed.
  private static func name(_ word: String) -> String {
    let bare = word.filter { $0 != "\"" && $0 != "'" }.split(separator: "/").last.map(String.init) ?? ""
    let lowered = bare.lowercased()
    return lowered.hasSuffix(".exe") ? String(lowered.dropLast(4)) : lowered
  }

  /// Quoted for a POSIX shell as git quotes: in single quotes, `'` and `!` taken out of them.
  static func quoted(_ text: String) -> String {
    // By scalars: a quote with a combining mark behind it is another Character, and still ends a quoted word.
    var out = "'".unicodeScalars
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'", "!": out += "'\\".unicodeScalars + [scalar] + "'".unicodeScalars
      default: out.append(scalar)
      }
    }
    out += "'".unicodeScalars
    return String(out)
  }
}
