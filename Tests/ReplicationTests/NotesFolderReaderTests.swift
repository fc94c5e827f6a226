import CRDT
import Durability
import Foundation
import Memory
import TestKit
import Testing

@testable import Replication

/// Reading a folder of notes: what is a note, and what is never read.
struct NotesFolderReaderTests {
  @Test func notesOfAllSubFoldersAreReadAndNothingElse() throws {
    let files = MemoryFileSystem()
    for path in ["/n/MEMORY.md", "/n/a/b/c.markdown", "/n/x.txt", "/n/.git/d.md", "/n/.e.md", "/other/f.md"] {
      files.put(path, Array(path.utf8))
    }
    let contents = try NotesFolderReader("/n", in: files).read()
    #expect(contents.files.map(\.path) == ["MEMORY.md", "a/b/c.markdown"])
    #expect(contents.files[1].bytes == Array("/n/a/b/c.markdown".utf8))
    #expect(contents.skippedLinks.isEmpty)
  }

  @Test func aMissingFolderIsNoEmptyOne() {
    let files = MemoryFileSystem()
    files.put("/file.md", [])
    for path in ["/none", "/file.md"] {
      let error = #expect(throws: ReplicationError.self) { try NotesFolderReader(path, in: files).read() }
      #expect(error?.code == .noInput)
    }
  }

  @Test func aHugeNoteIsRefusedByName() {
    let files = MemoryFileSystem()
    files.put("/n/a.md", [])
    files.put("/n/b/huge.md", Array(repeating: 0x61, count: NotesFolder.maximumFileBytes + 1))
    let error = #expect(throws: ReplicationError.self) { try NotesFolderReader("/n", in: files).read() }
    #expect(error?.code == .badData)
    #expect(error?.message.contains("b/huge.md") == true)
  }

  @Test func linksAreNeverFollowed() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "notes-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let notes = folder.appending(path: "notes")
    try FileManager.default.createDirectory(at: notes.appending(path: "sub"), withIntermediateDirectories: true)
    try Data("outside".utf8).write(to: folder.appending(path: "secret.md"))
    try Data("inside".utf8).write(to: notes.appending(path: "sub/a.md"))
    try FileManager.default.createSymbolicLink(at: notes.appending(path: "up"), withDestinationURL: folder)
    let contents = try NotesFolderReader(notes.path, in: RealFileSystem()).read()
    #expect(contents.files == [NoteFile(path: "sub/a.md", bytes: Array("inside".utf8))])
    #expect(contents.skippedLinks == ["up"])

    let link = notes.appending(path: "sub/b.md")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder.appending(path: "secret.md"))
    let error = #expect(throws: ReplicationError.self) {
      try NotesFolderReader(notes.path, in: RealFileSystem()).read()
    }
    #expect(error?.code == .badData)
    #expect(error?.message.contains("sub/b.md") == true)
  }
}
