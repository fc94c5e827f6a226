import Foundation
import TestKit
import Testing

/// Forgetting, restoring and deciding reach the memory file that is written back in the same run; previews write nothing.
@Suite struct SceneSharedChangeTests {
  private func pair(_ sandbox: Sandbox) throws -> (SceneHost, SceneHost) {
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember([("x", "1"), ("y", "1")])
    for host in [a, b] { #expect(try host.setUp("--write-back").code == 0) }
    return (a, b)
  }

  private func memory(_ host: SceneHost) throws -> [String: String] {
    try contents(of: Data(contentsOf: URL(fileURLWithPath: host.memory)))
  }

  @Test func whatIsForgottenLeavesTheFileAtOnceAndWhatWasEditedThereGoesFirst() throws {
    let sandbox = try Sandbox()
    let (a, b) = try pair(sandbox)
    a.remember([("x", "not backed up yet"), ("y", "1"), ("z", "new")])
    let outcome = try a.run("forget", "x", "--json")
    let object = try outcome.json()
    #expect(outcome.code == 0 && object["forgotten"] as? [String] == ["x"], "\(outcome)")
    #expect((object["writeBack"] as? [String: Any])?["removed"] as? Int == 1, "\(outcome)")
    #expect(try memory(a) == ["y": "1", "z": "new"])
    #expect(try a.history("x") == ["1", "not backed up yet"])
    #expect(try b.backup().code == 0)
    #expect(try memory(b) == ["y": "1", "z": "new"])
    // Not even a dry run takes in what is in the file.
    a.remember([("y", "2"), ("z", "new")])
    let before = try snapshot(a.store)
    #expect(try a.run("forget", "y", "--dry-run").code == 0)
    #expect(try snapshot(a.store) == before)

    let first = try GitProgram.run(["rev-list", "--max-parents=0", "main"], in: a.store)
    let restored = try b.run("restore", "x", "--apply", "--commit", first)
    #expect(restored.code == 0 && restored.output.contains("Written back to \(b.memory): 1 added"), "\(restored)")
    #expect(try memory(b) == ["x": "1", "y": "1", "z": "new"])
    #expect(try a.backup().code == 0)
    #expect(try memory(a) == ["x": "1", "y": "2", "z": "new"])
  }

  @Test func aDecisionIsInTheFileAtOnceAndARunThatReplacedAnEditSaysSo() throws {
    let sandbox = try Sandbox()
    let (a, b) = try pair(sandbox)
    a.remember([("x", "of a"), ("y", "1")])
    b.remember([("x", "of b"), ("y", "1")])
    #expect(try a.backup("--offline").code == 75)
    #expect(try b.backup().code == 0)
    let outcome = try a.backup("--json")
    let back = try #require(try outcome.json()["writeBack"] as? [String: Any])
    #expect(back["conflicts"] as? [String] == ["x"] && back["changed"] as? Int == 1, "\(outcome)")
    #expect(try memory(a)["x"] == "of b")
    let decided = try a.run("conflicts", "resolve", "x", "--take", "a")
    #expect(decided.code == 0 && !decided.output.contains("in conflict"), "\(decided)")
    #expect(try memory(a)["x"] == "of a")
    #expect(try b.backup().code == 0)
    #expect(try memory(b)["x"] == "of a")
    for host in [a, b] { #expect(try !host.backup().output.contains("Written back")) }
  }

  @Test func aFileThatCannotBeTakenInKeepsNoChangeFromBeingMade() throws {
    let sandbox = try Sandbox()
    let (a, _) = try pair(sandbox)
    try FileManager.default.removeItem(atPath: a.memory)
    let outcome = try a.run("forget", "x")
    #expect(outcome.code == 0 && outcome.errorOutput.contains("is left as it is: \(a.memory)"), "\(outcome)")
    #expect(!FileManager.default.fileExists(atPath: a.memory))
    #expect(try a.view() == ["y": "1"])
    a.remember([("x", "1"), ("y", "1")])
    #expect(try a.backup().output.contains("1 removed"))
    #expect(try memory(a) == ["y": "1"])
  }

  @Test func aDryRunPreviewsTheWriteBackAndWritesNothing() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember([("x", "1"), ("y", "1")])
    b.remember("z", "1")
    #expect(try a.setUp().code == 0)
    #expect(try b.setUp().code == 0)
    #expect(try a.backup().code == 0)
    a.remember([("y", "2")])
    let before = (try snapshot(a.store), try Data(contentsOf: URL(fileURLWithPath: a.memory)))
    let outcome = try a.backup("--write-back", "--dry-run", "--json")
    let object = try outcome.json()
    let back = try #require(object["writeBack"] as? [String: Any])
    #expect(back["written"] as? Bool == false && back["added"] as? Int == 1, "\(outcome)")
    #expect((object["ingest"] as? [String: Any])?["deleted"] as? Int == 1, "\(outcome)")
    let text = try a.backup("--write-back", "--dry-run")
    #expect(text.output.contains("Would write back to \(a.memory), by what this store knows now: 1 added"), "\(text)")
    #expect(try snapshot(a.store) == before.0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: a.memory)) == before.1)
    let done = try a.backup("--write-back")
    #expect(done.output.contains("Written back to \(a.memory): 1 added"), "\(done)")
  }

  @Test func aMemberOfOurNameInAMemoryFileIsNamedAndStaysThere() throws {
    let sandbox = try Sandbox()
    let (a, b) = try pair(sandbox)
    let text = #"[{"id":"m","content":"1","_crdt_metadata":{"mine":1}},{"id":"n","content":"1"}]"#
    sandbox.folder.write("memory-of-a.json", text)
    let outcome = try a.backup()
    #expect(outcome.code == 0 && outcome.errorLines.count == 1, "\(outcome)")
    #expect(outcome.errorOutput.contains("is not backed up, in 1 entry (m)"), "\(outcome)")
    #expect(try String(contentsOfFile: a.memory, encoding: .utf8) == text)
    #expect(try a.backup().errorOutput.isEmpty)
    #expect(try b.backup().code == 0)
    #expect(try memory(b) == ["m": "1", "n": "1"])
  }

  @Test func aFormatThatDoesNotFitIsRefusedAndNothingIsSet() throws {
    let sandbox = try Sandbox()
    let (a, _) = try pair(sandbox)
    let restore = try a.run("restore", "--format", "markdown")
    #expect(restore.code == 64 && restore.errorOutput.contains("json, jsonl, mcp"), "\(restore)")
    #expect(try a.run("restore", "--help").output.contains("nested-map"))
    try sandbox.makeFolder(sandbox.folder("notes"))
    sandbox.folder.write("notes/a.md", "note\n")
    let settings = try GitProgram.run(["config", "--list"], in: a.store)
    for (memory, format, reason) in [(a.memory, "markdown", "a file"), (sandbox.folder("notes"), "json", "a folder")] {
      for line in [["--memory", memory], ["source", "add", "n", "--memory", memory]] {
        let outcome = try sandbox.run(line + ["--format", format, "--store", a.store])
        #expect(outcome.code == 65 && outcome.errorLines.count == 1, "\(outcome)")
        #expect(outcome.errorOutput.contains("\(memory): \(reason)"), "\(outcome)")
      }
    }
    #expect(try GitProgram.run(["config", "--list"], in: a.store) == settings)
  }
}
