import Foundation
import TestKit
import Testing

/// What `crdt-agent checkpoint export` leaves out is named, and no success.
@Suite struct CheckpointExportTests {
  @Test func aDamagedCheckpointIsLeftOutOnlyWhenAsked() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("a")
    for name in ["one", "two"] {
      #expect(
        try host.checkpoint("create", "-m", name, "--host", "a", "--state", "-", input: #"{"n":"\#(name)"}"#).code == 0)
    }
    let clone = sandbox.folder("clone")
    try GitProgram.run(["clone", "-q", host.store, clone], in: sandbox.folder.path)
    let file = clone + "/memory-a.json"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let damaged = text.replacing(#""n":"one""#, with: #""n":"eno""#)
    try #require(damaged != text)
    try damaged.write(toFile: file, atomically: true, encoding: .utf8)
    try GitProgram.run(["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-a", "-m", "x"], in: clone)
    try GitProgram.run(["fetch", "-q", clone, "HEAD"], in: host.store)
    try GitProgram.run(["update-ref", "refs/heads/main", "FETCH_HEAD"], in: host.store)

    let refused = try host.checkpoint("export")
    #expect(refused.code == 65 && refused.output.isEmpty, "\(refused)")
    #expect(refused.errorOutput.contains("Nothing was exported") && refused.errorOutput.contains("--skip-invalid"))
    #expect(!refused.errorOutput.contains("restored"))
    let exported = try host.checkpoint("export", "--skip-invalid")
    #expect(exported.code == 65 && exported.errorOutput.contains("left out"), "\(exported)")
    let other = sandbox.host("b")
    let taken = try other.checkpoint("import", "-", "--host", "b", input: exported.output)
    #expect(taken.code == 0, "\(taken)")
    #expect(try other.checkpoints().compactMap { $0["message"] as? String } == ["two"])
    let file2 = sandbox.folder("out.jsonl")
    let json = try host.checkpoint("export", "--skip-invalid", "--output", file2, "--json")
    #expect(json.code == 65, "\(json)")
    let report = try json.json()
    #expect((report["leftOut"] as? [Any])?.count == 1)
    #expect(report["checkpoints"] as? Int == 1)
  }

  @Test(arguments: ["checkpoint", "annotation"], ["checkpoint-counter", "annotation", "other", ""])
  func anEntryWhoseKindWasChangedIsToldAndNoSuccess(kind: String, changed: String) throws {
    if kind == changed { return }
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("a")
    #expect(try host.checkpoint("create", "-m", "one", "--host", "a").code == 0)
    #expect(try host.checkpoint("annotate", "latest", "note").code == 0)
    let clone = sandbox.folder("clone")
    try GitProgram.run(["clone", "-q", host.store, clone], in: sandbox.folder.path)
    let file = clone + "/memory-a.json"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let new = changed.isEmpty ? "" : ",\"kind\":\"\(changed)\""
    let damaged = text.replacing(",\"kind\":\"\(kind)\"", with: new)
    try #require(damaged != text)
    try damaged.write(toFile: file, atomically: true, encoding: .utf8)
    try GitProgram.run(["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-a", "-m", "x"], in: clone)
    try GitProgram.run(["fetch", "-q", clone, "HEAD"], in: host.store)
    try GitProgram.run(["update-ref", "refs/heads/main", "FETCH_HEAD"], in: host.store)
    for command in ["list", "timeline"] {
      let outcome = try host.checkpoint(command)
      #expect(outcome.code == 65 && outcome.errorOutput.contains("1 entry cannot be read"), "\(outcome)")
    }
    let validated = try host.checkpoint("validate")
    #expect(validated.code == 65 && validated.output.contains("its kind was changed"), "\(validated)")
  }
}
