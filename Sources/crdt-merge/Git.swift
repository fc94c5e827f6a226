import Glibc
import Processes

/// The few questions that `install` asks the user's own `git`.
enum Git {
  static func workTreeTop() throws(CommandFailure) -> String {
    let answer = try run(["rev-parse", "--show-toplevel"])
    guard answer.status == 0, !answer.output.isEmpty else {
      throw CommandFailure(
        CommandFailure.noInput, "not in the work tree of a git repository; change to one, or use --global")
    }
    return answer.output
  }

  /// `core.attributesFile`, or git's default for it.
  static func userAttributesFile() throws(CommandFailure) -> String {
    let answer = try run(["config", "--global", "--type=path", "--get", "core.attributesFile"])
    if answer.status == 0, !answer.output.isEmpty { return answer.output }
    if let folder = variable("XDG_CONFIG_HOME") { return folder + "/git/attributes" }
    guard let home = variable("HOME") else {
      throw CommandFailure(CommandFailure.configuration, "HOME is not set, so there is no place for a user's settings")
    }
    return home + "/.config/git/attributes"
  }

  static func setConfiguration(_ scope: Scope, _ name: String, _ value: String) throws(CommandFailure) {
    let answer = try run(["config", "--\(scope.rawValue)", "--replace-all", name, value])
    guard answer.status == 0 else {
      throw CommandFailure(
        CommandFailure.configuration, "git config could not set \(name) (exit status \(answer.status))")
    }
  }

  /// Removes a section; none there is no error.
  static func removeConfiguration(_ scope: Scope, section: String) throws(CommandFailure) {
    let pattern = "^" + section.split(separator: ".").joined(separator: "\\.") + "\\."
    guard try run(["config", "--\(scope.rawValue)", "--get-regexp", pattern]).status == 0 else { return }
    let answer = try run(["config", "--\(scope.rawValue)", "--remove-section", section])
    guard answer.status == 0 else {
      throw CommandFailure(
        CommandFailure.configuration, "git config could not remove \(section) (exit status \(answer.status))")
    }
  }

  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// Runs git, passes its errors on, and returns its output without the newline at the end.
  private static func run(_ arguments: [String]) throws(CommandFailure) -> (status: Int32, output: String) {
    let result: ProcessResult
    do throws(ProcessError) {
      result = try Command("git", arguments).run(deadline: .after(seconds: 60))
    } catch {
      throw CommandFailure(CommandFailure.configuration, "git cannot be run: \(error.cause)")
    }
    if !result.errorText.isEmpty { StandardStreams.writeError(result.errorText) }
    var output = result.output
    if output.last == 0x0A { output.removeLast() }
    let text = String(decoding: output, as: UTF8.self)
    switch result.termination {
    case .exited(let status): return (status, text)
    case .signaled(let number): return (128 + number, text)
    case .timedOut: throw CommandFailure(CommandFailure.configuration, "git did not answer within a minute")
    }
  }
}
