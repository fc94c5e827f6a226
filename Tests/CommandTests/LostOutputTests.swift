import Foundation
import TestKit
import Testing

/// Output that does not arrive: where printing is all a command does, that is its failure; a change was made all the
/// same, and nothing says otherwise.
@Suite struct LostOutputTests {
  private func full(_ sandbox: Sandbox, _ program: String, _ arguments: [String], input: String = "") throws -> Outcome
  {
    sandbox.folder.write("input", input)
    let line = ([Executables.path(program)] + arguments).map { "'\($0)'" }.joined(separator: " ")
    return try sandbox.shell(
      line + " <'\(sandbox.folder("input"))' >/dev/full", with: ["CRDT_AGENT_DATA": sandbox.folder("agent-hosta")])
  }

  @Test func aChangeThatNobodyReadsAboutIsMadeAndNotDenied() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("hosta")
    host.remember("x", "1")
    #expect(try host.setUp().code == 0)
    sandbox.folder.write("other.json", "[]")
    let proof = #"{"type":"proof","source":"hard","updates":[{"node":"n"}]}"# + "\n"
    let export = sandbox.folder("export.json")
    let crs: [[String]] = [["init"], ["apply"], ["save"], ["load"], ["export", "-o", export], ["import", export]]
    for arguments in crs {
      let outcome = try full(
        sandbox, "crdt-agent", ["crs"] + arguments + ["--project", "p", "--store", host.store], input: proof)
      #expect(outcome.code == 0 && outcome.errorLines.count == 1, "\(arguments): \(outcome)")
      #expect(outcome.errorOutput.contains("What was asked for is done"), "\(arguments): \(outcome)")
      // A program that waits for the answer is told that it gets none.
      let json = try full(
        sandbox, "crdt-agent", ["crs"] + arguments + ["--project", "p", "--store", host.store, "--json"], input: proof)
      #expect(json.code == 74 && json.errorLines.count == 1, "\(arguments): \(json)")
      #expect(json.errorOutput.contains("What was asked for is done; only the answer is lost"), "\(json)")
    }
    for arguments in [["create", "-m", "m"], ["annotate", "latest", "note"], ["delete", "latest"]] {
      let outcome = try full(sandbox, "crdt-agent", ["checkpoint"] + arguments + ["--store", host.store])
      #expect(outcome.code == 0 && outcome.errorOutput.contains("is done"), "\(arguments): \(outcome)")
    }
    #expect(try host.checkpoints().isEmpty)
    // One whose reader has gone away is none.
    let closed = try sandbox.shell(
      "{ '\(Executables.path("crdt-agent"))' crs save --project p --store '\(host.store)'; echo $? >code; } | true; cat code",
      with: ["CRDT_AGENT_DATA": sandbox.folder("agent-hosta")])
    #expect(closed.errorOutput == "" && ["0", "0\n"].contains(closed.output), "\(closed)")
    #expect(try host.crs("query", "proofs").output.contains("\"n\""))
    let backup: [[String]] = [
      ["source", "add", "more", "--memory", sandbox.folder("other.json")], ["source", "remove", "more"],
      ["allow", "github-token"], ["allow", "github-token", "--remove"],
    ]
    for arguments in backup {
      let outcome = try full(sandbox, "crdt-backup", arguments + ["--store", host.store])
      #expect(outcome.code == 0 && !outcome.errorOutput.contains("othing was changed"), "\(arguments): \(outcome)")
      #expect(outcome.errorOutput.contains("What was asked for is done"), "\(arguments): \(outcome)")
    }
    let json = try full(sandbox, "crdt-backup", ["--store", host.store, "--json"])
    #expect(json.code == 74 && json.errorOutput.contains("only the answer is lost"), "\(json)")
    let silent = try sandbox.shell("'\(Executables.path("crdt-backup"))' --store '\(host.store)' >&-")
    #expect(silent.code == 0 && silent.errorOutput == "", "\(silent)")
    let repository = sandbox.folder("project")
    try GitProgram.run(["init", "-q", repository], in: sandbox.folder.path)
    for arguments in [["hook", "install"], ["hook", "uninstall"]] {
      let more = ["--repo", repository] + (arguments[1] == "install" ? ["--store", host.store] : [])
      let outcome = try full(sandbox, "crdt-backup", arguments + more)
      #expect(outcome.code == 0 && !outcome.errorOutput.contains("othing was changed"), "\(arguments): \(outcome)")
    }
  }

  @Test func aResultThatDoesNotArriveIsAFailure() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply").code == 0)
    #expect(try host.crs("save").code == 0)
    for arguments in [["status"], ["query", "proofs"], ["verify"], ["history"], ["export", "-o", "-"]] {
      let outcome = try full(
        sandbox, "crdt-agent",
        ["crs"] + arguments
          + ["--project", "p", "--store", host.store, "--json"].dropLast(
            arguments.count > 2 ? 1 : 0))
      #expect(outcome.code == 74 && outcome.errorLines.count == 1, "\(arguments): \(outcome)")
    }
  }
}
