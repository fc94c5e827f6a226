import Glibc

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

  /// Runs git with its errors on our standard error, and returns its output without the newline at the end.
  private static func run(_ arguments: [String]) throws(CommandFailure) -> (status: Int32, output: String) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw CommandFailure(CommandFailure.inputOutput, "no pipe to git: \(CommandFailure.text(errno))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = (["git"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child = pid_t()
    let failure = posix_spawnp(&child, "git", &actions, nil, &words, environ)
    close(ends[1])
    guard failure == 0 else {
      throw CommandFailure(CommandFailure.configuration, "git cannot be run: \(CommandFailure.text(failure))")
    }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let got = read(ends[0], &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      if got <= 0 { break }
      output += buffer[..<got]
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    if output.last == 0x0A { output.removeLast() }
    return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, String(decoding: output, as: UTF8.self))
  }
}
