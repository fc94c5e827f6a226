import CLibgit2
import Processes

/// Asks the user's git for the credentials of a URL (`git credential fill`) and tells it how they did.
struct Credentials {
  /// What git told us; given back with `approve` or `reject`.
  private var filled: [(key: String, value: String)]

  var username: String { value("username") ?? "" }
  var password: String { value("password") ?? "" }

  private func value(_ key: String) -> String? { filled.last { $0.key == key }?.value }

  /// `nil` when no helper knows any, or git is not there. Never asks unless a terminal is allowed.
  static func fill(url: String, username: String?, in repository: GitHome, deadline: Deadline) -> Credentials? {
    guard var input = describe(url) else { return nil }
    if let username, !username.isEmpty { input += "username=\(username)\n" }
    let result = repository.credential("fill", input: input, deadline: deadline)
    guard let result, result.termination.isSuccess else { return nil }
    let pairs = result.outputText.split(separator: "\n").compactMap { line -> (key: String, value: String)? in
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
    let credentials = Credentials(filled: pairs)
    guard credentials.value("username") != nil, credentials.value("password") != nil else { return nil }
    return credentials
  }

  func approve(in repository: GitHome) { report("approve", repository) }
  func reject(in repository: GitHome) { report("reject", repository) }

  private func report(_ verb: String, _ repository: GitHome) {
    let input = filled.map { "\($0.key)=\($0.value)\n" }.joined()
    _ = repository.credential(verb, input: input, deadline: .after(seconds: 5))
  }

  /// git's description of a URL, without credentials in it.
  private static func describe(_ url: String) -> String? {
    guard !url.utf8.contains(0x0A), let scheme = url.range(ofText: "://") else { return nil }
    let rest = url[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    let path = rest.dropFirst(authority.count + 1)
    return "protocol=\(url[..<scheme.lowerBound])\nhost=\(host)\n" + (path.isEmpty ? "" : "path=\(path)\n")
  }
}

/// Where and how the user's git is asked.
struct GitHome {
  var gitFolder: String
  var environment: Environment
  var allowsTerminal: Bool

  func credential(_ verb: String, input: String, deadline: Deadline) -> ProcessResult? {
    // These say where the user's settings are and who answers, not which repository is meant.
    let kept = ["GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"]
    var variables = environment.withoutGit
    for name in kept { variables[name] = environment[name] }
    if !allowsTerminal {
      variables["GIT_TERMINAL_PROMPT"] = "0"
      variables["SSH_ASKPASS"] = nil
      if variables["GIT_ASKPASS"] == nil { variables["GIT_ASKPASS"] = "" }
    }
    let command = Command(
      "git", ["-C", gitFolder, "credential", verb], environment: variables,
      group: allowsTerminal ? .ours : .session)
    return try? command.run(input: Array((input + "\n").utf8), deadline: deadline, limitBytes: 65_536)
  }
}
