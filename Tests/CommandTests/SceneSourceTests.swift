import Foundation
import Processes
import TestKit
import Testing

/// Several memories of one host in one store.
@Suite struct SceneSourceTests {
  private func write(_ path: String, _ entries: [(id: String, content: String)]) throws {
    let lines = entries.map { #"{"id":"\#($0.id)","content":"\#($0.content)"}"# }
    try Data(("[\n" + lines.joined(separator: ",\n") + "\n]\n").utf8).write(to: URL(fileURLWithPath: path))
  }

  private func read(_ path: String) throws -> [String: String] {
    try contents(of: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Two hosts with a memory and a source `notes` at places of their own; the id `x` is in both.
  private func pair(_ sandbox: Sandbox) throws -> (a: SceneHost, b: SceneHost, notesOfA: String, notesOfB: String) {
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    let (notesOfA, notesOfB) = (sandbox.folder("notes-a.json"), sandbox.folder("deep/notes-b.json"))
    a.remember("x", "memory")
    try write(notesOfA, [("x", "note"), ("n", "note")])
    #expect(try a.setUp("--write-back").code == 0)
    let added = try a.run("source", "add", "notes", "--memory", notesOfA, "--write-back")
    #expect(added.code == 0 && added.output.contains("Source notes"), "\(added)")
    let outcome = try a.backup()
    #expect(outcome.code == 0 && outcome.output.contains("a, notes: \(notesOfA) (json): 2 added"), "\(outcome)")
    #expect(try b.setUp("--write-back").code == 0)
    #expect(try read(b.memory) == ["x": "memory"])
    #expect(try b.run("source", "list", "--json").json()["elsewhere"] as? [String] == ["notes"])
    #expect(try b.run("source", "add", "notes", "--memory", notesOfB, "--write-back").code == 0)
    #expect(try b.backup().code == 0)
    #expect(try read(notesOfB) == ["x": "note", "n": "note"])
    return (a, b, notesOfA, notesOfB)
  }

  @Test func theSameIDInTwoSourcesIsTwoEntries() throws {
    let sandbox = try Sandbox()
    let (a, b, notesOfA, notesOfB) = try pair(sandbox)
    #expect(try GitProgram.run(["config", "crdt.source.notes.memory"], in: a.store) == notesOfA)

    // An edit and a deletion in one are none in the other.
    try write(notesOfB, [("x", "note, edited")])
    #expect(try b.backup().code == 0)
    let outcome = try a.backup("--json")
    let sources = try #require(try outcome.json()["sources"] as? [[String: Any]])
    #expect(sources.count == 1 && sources[0]["name"] as? String == "notes")
    #expect((sources[0]["writeBack"] as? [String: Any])?["removed"] as? Int == 1, "\(outcome)")
    #expect(try read(notesOfA) == ["x": "note, edited"])
    #expect(try read(a.memory) == ["x": "memory"])
    #expect(try a.run("conflicts").output.contains("No conflicts"))

    // The view shows both, one of them with its source in the state.
    let view = try Command(Executables.path("crdt-merge"), [a.store, "--view"]).run(deadline: .after(seconds: 30))
    #expect(view.outputText.components(separatedBy: "\"id\":\"x\"").count == 3, "\(view.outputText)")
    #expect(try String(decoding: a.unified(), as: UTF8.self).contains("\"source\":\"notes\""))

    // Nothing more to do, anywhere.
    let tip = try sandbox.remoteTip()
    for host in [a, b, a] { #expect(try !host.backup().output.contains("Written back")) }
    #expect(try sandbox.remoteTip() == tip)
  }

  @Test func aSourceThisHostHasNotHeardOfIsCreatedAsItsPeersKeepIt() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember("x", "memory")
    for host in [a, b] { #expect(try host.setUp("--write-back").code == 0) }
    let (notes, copy) = (sandbox.folder("notes"), sandbox.folder("deep/notes"))
    try sandbox.makeFolder(notes)
    sandbox.folder.write("notes/n.md", "note\n")
    #expect(try a.run("source", "add", "notes", "--memory", notes, "--write-back").code == 0)
    #expect(try a.backup().code == 0)
    // Only the fetch of this very run tells that it is a folder; meanwhile there is something to commit.
    b.remember([("x", "memory"), ("y", "of b")])
    #expect(try b.run("source", "add", "notes", "--memory", copy, "--write-back").code == 0)
    let outcome = try b.backup()
    #expect(outcome.code == 0 && outcome.errorOutput.isEmpty, "\(outcome)")
    #expect(outcome.output.contains("Written back to \(copy): 1 added"), "\(outcome)")
    #expect(try String(contentsOfFile: copy + "/n.md", encoding: .utf8) == "note\n")
    // One nobody has yet is not made, and nothing is said of it.
    #expect(try b.run("source", "add", "none", "--memory", sandbox.folder("none.json"), "--write-back").code == 0)
    #expect(try !b.backup().output.contains("Written back"))
    #expect(!FileManager.default.fileExists(atPath: sandbox.folder("none.json")))
  }

  @Test func anIDInTwoSourcesHasToBeChosen() throws {
    let sandbox = try Sandbox()
    let (a, _, notesOfA, _) = try pair(sandbox)
    for command in ["log", "restore", "forget"] {
      let outcome = try a.run(command, "x")
      #expect(outcome.code == 64 && outcome.errorOutput.contains("several memories: -, notes"), "\(outcome)")
    }
    #expect(try a.run("log", "n").code == 0)
    #expect(try a.run("log", "x", "--source", "notes").output.contains("\"content\":\"note\""))
    let unnamed = try a.run("log", "x", "--source", "-")
    #expect(unnamed.output.contains("\"memory\"") && !unnamed.output.contains("\"note\""), "\(unnamed)")
    #expect(try a.run("restore", "x", "--source", "notes", "--format", "json").output.contains("\"note\""))
    #expect(try a.run("forget", "x", "--source", "notes").code == 0)
    #expect(try a.backup().code == 0)
    #expect(try read(notesOfA) == ["n": "note"])
    #expect(try read(a.memory) == ["x": "memory"])
    #expect(try a.run("restore", "x").code == 0)
  }

  @Test func aSourceThatIsRemovedKeepsItsEntriesAndIsKnownAgain() throws {
    let sandbox = try Sandbox()
    let (a, b, notesOfA, notesOfB) = try pair(sandbox)
    let before = try Data(contentsOf: URL(fileURLWithPath: notesOfA))
    #expect(try a.run("source", "remove", "notes").code == 0)
    #expect(try a.run("source", "remove", "notes").code == 66)
    try write(notesOfB, [("x", "note"), ("n", "changed meanwhile")])
    #expect(try b.backup().code == 0)
    #expect(try a.backup().code == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: notesOfA)) == before)
    #expect(try a.run("log", "n").output.contains("changed meanwhile"))
    // Set up again, the old copy of the file is known for what it is.
    #expect(try a.run("source", "add", "notes", "--memory", notesOfA, "--write-back").code == 0)
    let again = try a.run("source", "add", "notes", "--memory", notesOfA, "--write-back", "--json")
    #expect(try again.json()["changed"] as? Bool == false)
    #expect(try a.backup().code == 0)
    #expect(try read(notesOfA) == ["x": "note", "n": "changed meanwhile"])
    #expect(try b.backup().code == 0)
    #expect(try read(notesOfB)["n"] == "changed meanwhile")
  }

  @Test func whatCannotBeASourceIsRefusedAndNothingIsSet() throws {
    let sandbox = try Sandbox()
    let a = sandbox.host("a")
    a.remember("x", "1")
    #expect(try a.setUp().code == 0)
    let notes = sandbox.folder("notes.json")
    try write(notes, [("n", "1")])
    let link = sandbox.folder("link.json")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: a.memory)
    for (name, path, code) in [
      ("Notes", notes, Int32(64)), ("-", notes, 64), ("a b", notes, 64), ("../x", notes, 64), ("same", a.memory, 64),
      ("same", link, 64), ("gone", sandbox.folder("gone.json"), 66),
    ] {
      let outcome = try a.run("source", "add", name, "--memory", path)
      #expect(outcome.code == code, "\(name): \(outcome)")
    }
    #expect(try a.run("source", "list", "--json").json()["sources"] as? [Any] != nil)
    #expect(try !GitProgram.run(["config", "--list"], in: a.store).contains("crdt.source"))
    #expect(try a.run("source", "add", "notes", "--memory", notes).code == 0)
    #expect(try a.run("status").output.contains("Source   notes  \(notes)"))
    // One-way: it only grows.
    #expect(try a.backup().code == 0)
    try write(notes, [("m", "2")])
    let outcome = try a.backup()
    #expect(outcome.output.contains("1 no longer in the memory file, kept"), "\(outcome)")
    // One that cannot be read keeps no other from being backed up.
    try FileManager.default.removeItem(atPath: notes)
    a.remember("x", "2")
    let partly = try a.backup()
    #expect(partly.code == 66 && partly.errorOutput.contains(notes) && partly.output.contains("Verified"), "\(partly)")
    #expect(try a.history("x") == ["1", "2"])
  }
}
