import Foundation
import Processes
import TestKit
import Testing

extension SceneHost {
  /// A command line for `crdt-agent`, on this host's store and data folder.
  func agentCommand(_ arguments: [String], in place: String? = nil) -> Command {
    var environment = sandbox.environment
    environment["CRDT_AGENT_DATA"] = sandbox.folder("agent-\(name)")
    environment["CRDT_STORE"] = store
    return Command(
      Executables.path("crdt-agent"), arguments, environment: environment, folder: place ?? sandbox.folder.path)
  }

  /// Runs `crdt-agent` to its end.
  @discardableResult
  func agent(_ arguments: [String], input: String = "", in place: String? = nil) throws -> Outcome {
    let result = try agentCommand(arguments, in: place).run(
      input: Array(input.utf8), deadline: .after(seconds: 90), limitBytes: 64 << 20)
    let code: Int32 =
      switch result.termination {
      case .exited(let code): code
      case .signaled(let signal): -signal
      case .timedOut: -1000
      }
    return Outcome(code: code, output: result.outputText, errorOutput: result.errorText)
  }

  /// `crdt-agent crs` on the project `p`, as one whom file modes hold: root reads and writes everywhere unless it gives
  /// that up.
  func unprivilegedCRS(_ arguments: String..., input: String = "") throws -> Outcome {
    try unprivilegedCRS(arguments, input: input)
  }

  func unprivilegedCRS(_ arguments: [String], input: String = "") throws -> Outcome {
    let command = agentCommand(["crs"] + arguments + ["--project", "p"])
    var line = [command.program] + command.arguments
    if geteuid() == 0 {
      try #require(try Requirement.programs("setpriv"))
      line = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"] + line
    }
    let result = try Command(
      line[0], Array(line.dropFirst()), environment: command.environment, folder: command.folder
    ).run(input: Array(input.utf8), deadline: .after(seconds: 90), limitBytes: 1 << 20)
    let code: Int32 = if case .exited(let code) = result.termination { code } else { -1 }
    return Outcome(code: code, output: result.outputText, errorOutput: result.errorText)
  }

  /// `crdt-agent crs` on the project `p`.
  @discardableResult
  func crs(_ arguments: String..., input: String = "") throws -> Outcome {
    try agent(["crs"] + arguments + ["--project", "p"], input: input)
  }

  /// The digest of the whole reasoning state.
  func crsDigest() throws -> String {
    let outcome = try crs("export", "-o", "-")
    guard outcome.code == 0 else { return "\(outcome)" }
    return try outcome.json()["state_sha256"] as? String ?? "none"
  }
}

extension Sandbox {
  /// A repository with one commit, known by nothing else.
  func repositoryWithoutRemote() throws -> String {
    let path = folder("repository")
    try GitProgram.run(["init", "-q", path], in: folder.path)
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "root"], in: path)
    return path
  }
}
