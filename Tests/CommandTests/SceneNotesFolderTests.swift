import Foundation
import TestKit
import Testing

/// A folder of notes as a memory.
@Suite struct SceneNotesFolderTests {
  private func write(_ folder: String, _ notes: [String: String]) throws {
    for (path, text) in notes {
      let file = URL(fileURLWithPath: folder + "/" + path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
  }

  private func read(_ folder: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder) where path.hasSuffix(".md") {
      guard let data = FileManager.default.contents(atPath: folder + "/" + path) else { continue }
      found[path] = String(decoding: data, as: UTF8.self)
    }
    return found
  }

  private func setUp(_ host: SceneHost, _ folder: String, _ more: String...) throws -> Outcome {
    try host.sandbox.run(
      ["--store", host.store, "--memory", folder, "--remote", host.sandbox.remote, "--host", host.name] + more)
  }

  @Test func notesEditedAddedAndDeletedOnOneMachineAreSoOnTheOther() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    let (notesA, notesB) = (sandbox.folder("notes-a"), sandbox.folder("notes-b"))
    let notes = [
      "MEMORY.md": "---\ntitle: x\n---\n# Memory\r\n", "topics/git.md": "no newline", "topics/old.md": "old\n",
    ]
    try write(notesA, notes)
    try write(notesA, [".obsidian/x.md": "no note", "image.png": "no note"])
    let first = try setUp(a, notesA, "--write-back")
    #expect(first.code == 0 && first.output.contains("(markdown): 3 added"), "\(first)")
    // A new machine gets the folder, byte for byte.
    #expect(try setUp(b, notesB, "--write-back").code == 0)
    #expect(try read(notesB) == notes)

    try write(notesB, ["MEMORY.md": "# Memory, edited\n", "topics/new/deep.md": "new\n"])
    try FileManager.default.removeItem(atPath: notesB + "/topics/old.md")
    #expect(try b.backup().code == 0)
    try write(notesA, ["topics/git.md": "edited on a\n"])
    #expect(try a.backup().code == 0)
    let expected = [
      "MEMORY.md": "# Memory, edited\n", "topics/git.md": "edited on a\n", "topics/new/deep.md": "new\n",
    ]
    var shown = try read(notesA)
    #expect(shown.removeValue(forKey: ".obsidian/x.md") == "no note")
    #expect(shown == expected)
    #expect(FileManager.default.fileExists(atPath: notesA + "/image.png"))
    #expect(try b.backup().code == 0)
    #expect(try read(notesB) == expected)

    let tip = try sandbox.remoteTip()
    let before = try snapshot(notesB)
    for host in [a, b, a, b] { #expect(try !host.backup().output.contains("Written back")) }
    #expect(try sandbox.remoteTip() == tip)
    #expect(try snapshot(notesB) == before)

    // Empty or gone is no decision.
    try FileManager.default.removeItem(atPath: notesB)
    #expect(try b.backup().code == 66)
    try sandbox.makeFolder(notesB)
    #expect(try b.backup().code == 65)
    #expect(try sandbox.remoteTip() == tip)
  }

  @Test func nothingIsWrittenOrReadThroughALinkOutOfTheFolder() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    let (notesA, notesB) = (sandbox.folder("notes-a"), sandbox.folder("notes-b"))
    try write(notesA, ["plain.md": "1\n", "out/note.md": "mine\n", "secret.md": "mine\n"])
    #expect(try setUp(a, notesA, "--write-back").code == 0)
    let outside = sandbox.folder("outside")
    try write(outside, ["there.md": "not ours\n"])
    try write(notesB, ["own.md": "2\n"])
    try FileManager.default.createSymbolicLink(atPath: notesB + "/out", withDestinationPath: outside)
    try FileManager.default.createSymbolicLink(
      atPath: notesB + "/secret.md", withDestinationPath: outside + "/there.md")
    let outcome = try setUp(b, notesB, "--write-back")
    #expect(outcome.code == 0 && outcome.errorOutput.contains("is in its way"), "\(outcome)")
    #expect(try read(outside) == ["there.md": "not ours\n"])
    #expect(FileManager.default.contents(atPath: notesB + "/plain.md") == Data("1\n".utf8))
    #expect(try b.backup().code == 0)
    // What could not be shown there was not deleted by that.
    #expect(try a.backup().code == 0)
    #expect(try read(notesA)["secret.md"] == "mine\n" && read(notesA)["out/note.md"] == "mine\n")
    #expect(try read(notesA)["own.md"] == "2\n")
  }

  @Test func aNoteThatBecameALinkIsNoDeletion() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    let (notesA, notesB) = (sandbox.folder("notes-a"), sandbox.folder("notes-b"))
    try write(notesA, ["a.md": "1\n", "sub/b.md": "2\n"])
    for (host, notes) in [(a, notesA), (b, notesB)] { #expect(try setUp(host, notes, "--write-back").code == 0) }
    let tip = try sandbox.remoteTip()
    for (path, target) in [("a.md", "../elsewhere.md"), ("sub", "../elsewhere")] {
      try FileManager.default.moveItem(atPath: notesA + "/" + path, toPath: sandbox.folder("kept"))
      try FileManager.default.createSymbolicLink(atPath: notesA + "/" + path, withDestinationPath: target)
      let outcome = try a.backup()
      #expect(outcome.code == 65 && outcome.errorOutput.contains("\(notesA)/\(path)"), "\(outcome)")
      #expect(try a.run("doctor", "--offline").code == 65)
      try FileManager.default.removeItem(atPath: notesA + "/" + path)
      try FileManager.default.moveItem(atPath: sandbox.folder("kept"), toPath: notesA + "/" + path)
    }
    // Another link is named, and not followed.
    try FileManager.default.createSymbolicLink(atPath: notesA + "/other.md", withDestinationPath: "a.md")
    let outcome = try a.backup()
    #expect(outcome.code == 0 && outcome.errorOutput.contains("not backed up: other.md"), "\(outcome)")
    #expect(try sandbox.remoteTip() == tip)
    #expect(try read(notesB) == ["a.md": "1\n", "sub/b.md": "2\n"])
  }

  @Test func aNoteThatCannotBeOneIsRefusedByName() throws {
    let sandbox = try Sandbox()
    let a = sandbox.host("a")
    let notes = sandbox.folder("notes")
    try write(notes, ["ok.md": "1\n"])
    #expect(try setUp(a, notes).code == 0)
    try Data([0x89, 0x00, 0xFF]).write(to: URL(fileURLWithPath: notes + "/binary.md"))
    let binary = try a.backup()
    #expect(binary.code == 65 && binary.errorOutput.contains("binary.md"), "\(binary)")
    try Data(count: 2 << 20).write(to: URL(fileURLWithPath: notes + "/binary.md"))
    let huge = try a.backup()
    #expect(huge.code == 65 && huge.errorOutput.contains("binary.md") && huge.errorOutput.contains("1 MiB"), "\(huge)")
    try FileManager.default.removeItem(atPath: notes + "/binary.md")
    #expect(try a.backup().code == 0)
  }
}
