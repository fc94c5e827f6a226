import Foundation
import Processes
import TestKit
import Testing

extension Sandbox {
  /// Runs `crdt-agent` to its end.
  @discardableResult
  func agent(
    _ arguments: [String], input: String = "", with variables: [String: String] = [:], in place: String? = nil
  ) throws -> Outcome {
    var environment = environment
    for (name, value) in variables { environment[name] = value }
    let command = Command(
      Executables.path("crdt-agent"), arguments, environment: environment, folder: place ?? folder.path)
    let result = try command.run(input: Array(input.utf8), deadline: .after(seconds: 90), limitBytes: 256 << 20)
    let code: Int32 =
      switch result.termination {
      case .exited(let code): code
      case .signaled(let signal): -signal
      case .timedOut: -1000
      }
    return Outcome(code: code, output: result.outputText, errorOutput: result.errorText)
  }
}

extension SceneHost {
  /// Runs `crdt-agent checkpoint` on this host's store.
  @discardableResult
  func checkpoint(_ arguments: String..., input: String = "") throws -> Outcome {
    try sandbox.agent(["checkpoint"] + arguments + ["--store", store], input: input)
  }

  /// The checkpoints as `list --json` tells them.
  func checkpoints(_ more: String...) throws -> [[String: Any]] {
    let outcome = try sandbox.agent(["checkpoint", "list", "--json", "--store", store] + more)
    try #require(outcome.code == 0, "\(outcome)")
    return try #require(try outcome.json()["checkpoints"] as? [[String: Any]])
  }
}
