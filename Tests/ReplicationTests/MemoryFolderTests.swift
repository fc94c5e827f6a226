import CRDT
import Durability
import Foundation
import Memory
import TestKit
import Testing

@testable import Replication

/// Reading a folder of notes: what is a note, and what is never read.
@Suite struct MemoryFolderTests {
  private func refusal(_ files: MemoryFileSystem) -> ReplicationError? {
    #expect(throws: ReplicationError.self) { _ = try MemoryFolder.read("/n", in: files) }
  }

  @Test func notesOfAllSubFoldersAreReadAndNothingElse() throws {
    let files = MemoryFileSystem()
    for path in ["/n/MEMORY.md", "/n/a/b/c.markdown", "/n/x.txt", "/n/.git/d.md", "/n/.e.md", "/other/f.md"] {
      files.put(path, Array(path.utf8))
    }
    let folder = try MemoryFolder.read("/n", in: files)
    #expect(folder.notes.map(\.file.path) == ["MEMORY.md", "a/b/c.markdown"])
    #expect(folder.notes[1].file.bytes == Array("/n/a/b/c.markdown".utf8))
    #expect(folder.passedOver.isEmpty)
    let statusOnly = try MemoryFolder.read("/n", in: files, isStatusOnly: true)
    #expect(statusOnly.status == folder.status && statusOnly.notes.allSatisfy(\.file.bytes.isEmpty))
  }

  @Test func aHugeNoteIsRefusedByName() {
    let files = MemoryFileSystem()
    files.put("/n/a.md", [])
    files.put("/n/b/huge.md", Array(repeating: 0x61, count: NotesFolder.maximumFileBytes + 1))
    let error = refusal(files)
    #expect(error?.code == .badData)
    #expect(error?.message.contains("/n/b/huge.md") == true)
  }

  @Test func tooDeepAFolderIsRefusedByName() throws {
    let files = MemoryFileSystem()
    let deep = String(repeating: "/d", count: NotesFolder.maximumDepth)
    files.put("/n\(deep)/a.md", [])
    #expect(try MemoryFolder.read("/n", in: files).notes.count == 1)
    files.put("/n\(deep)/e/a.md", [])
    let error = refusal(files)
    #expect(error?.code == .badData)
    #expect(error?.message.contains("/n\(deep)/e: ") == true, "\(String(describing: error))")
  }

  @Test func linksAreNeverFollowed() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "notes-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let notes = folder.appending(path: "notes")
    try FileManager.default.createDirectory(at: notes.appending(path: "sub"), withIntermediateDirectories: true)
    try Data("outside".utf8).write(to: folder.appending(path: "secret.md"))
    try Data("inside".utf8).write(to: notes.appending(path: "sub/a.md"))
    try FileManager.default.createSymbolicLink(at: notes.appending(path: "up"), withDestinationURL: folder)
    let before = try MemoryFolder.read(notes.path, in: RealFileSystem())
    #expect(before.notes.map(\.file) == [NoteFile(path: "sub/a.md", bytes: Array("inside".utf8))])
    #expect(before.passedOver == ["up"])
    #expect(before.firstHidden(of: ["sub/a.md", "upper.md"]) == nil)
    #expect(before.firstHidden(of: ["upper.md", "up/b.md"]) == "up/b.md")

    let link = notes.appending(path: "sub/b.md")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder.appending(path: "secret.md"))
    let after = try MemoryFolder.read(notes.path, in: RealFileSystem())
    #expect(after.notes.map(\.file) == before.notes.map(\.file))
    #expect(after.passedOver == ["sub/b.md", "up"])
    #expect(after.status != before.status && after.digest == before.digest)
    #expect(after.firstHidden(of: ["sub/a.md", "sub/b.md"]) == "sub/b.md")
  }
}
