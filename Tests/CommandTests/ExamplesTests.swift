import Foundation
import Processes
import TestKit
import Testing

/// What stands in `examples/` runs.
@Suite struct ExamplesTests {
  @Test(arguments: ["two-hosts.sh", "checkpoints.sh", "reasoning.sh"])
  func theScriptsEndWell(_ name: String) throws {
    guard try Requirement.programs("git", "sh") else { return }
    let folder = TemporaryFolder("crdt-examples")
    let tools = Executables.path("crdt-backup").split(separator: "/").dropLast().joined(separator: "/")
    let environment = Environment([
      "HOME": folder.path, "TMPDIR": folder.path, "PATH": "/" + tools + ":/usr/bin:/bin", "LC_ALL": "C.UTF-8",
    ])
    let script = ReadmeTourTests.root.appendingPathComponent("examples/\(name)").path
    let result = try Command("sh", [script], environment: environment, folder: folder.path)
      .run(deadline: .after(seconds: 120))
    #expect(result.termination == .exited(0), "\(result.outputText)\n\(result.errorText)")
  }

  @Test(arguments: ["memory.json", "notes.jsonl", "mcp-memory.jsonl", "key-value.json", "facts.json"])
  func everySampleIsBackedUpAndComesBack(_ name: String) throws {
    let sandbox = try Sandbox()
    let sample = ReadmeTourTests.root.appendingPathComponent("examples/memories/\(name)").path
    let store = sandbox.folder("store")
    let first = try sandbox.run(["--memory", sample, "--remote", sandbox.remote, "--store", store, "--host", "h"])
    #expect(first.code == 0, "\(first)")
    #expect(first.errorOutput == "", "a sample holds nothing to warn of")
    let restored = sandbox.folder("restored")
    #expect(try sandbox.run(["restore", "--store", store, "-o", restored]).code == 0)
    // What comes back is the same memory: on another host all of it is known.
    let other = sandbox.folder("other")
    let format = name == "mcp-memory.jsonl" ? ["--format", "mcp"] : []
    let again = try sandbox.run(
      ["--memory", restored, "--remote", sandbox.remote, "--store", other, "--host", "o", "--json"] + format)
    let ingest = try #require(try again.json()["ingest"] as? [String: Any])
    #expect(ingest["added"] as? Int == 0 && ingest["changed"] as? Int == 0, "\(again)")
  }
}
