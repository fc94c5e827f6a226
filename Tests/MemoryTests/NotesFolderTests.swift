import CRDT
import Memory
import Testing

/// Folders of Markdown notes: what entries they are, and what is written into them.
struct NotesFolderTests {
  private func note(_ path: String, _ text: String = "x") -> NoteFile {
    NoteFile(path: ByteString(path), bytes: Array(text.utf8))
  }

  /// Entries of these notes, created one after the other, unsafe ones too.
  private func entries(_ files: [NoteFile]) -> [Entry] {
    files.enumerated().map { index, file in
      var content = JSONWriter()
      content.object {
        $0.member("path", file.path)
        $0.member(Array("text".utf8), file.bytes)
      }
      let stamp = Stamp(instant: Instant(unixSeconds: Int64(index)), host: "a")
      let uniqueID = UniqueID(host: HostName("a")!, id: file.path, created: stamp.instant).text
      return Entry(content: content.bytes, metadata: Metadata(stamp: stamp, version: 1, uniqueID: uniqueID))
    }
  }

  @Test func aNoteIsItsBytes() throws {
    let text = "---\ntitle: \"\\x\"\n---\r\n\u{FEFF}\u{1}\u{7F} \u{2028}é e\u{301} </script>\n\n"
    let files = [note("topics/git.md", text), note("MEMORY.md", "")]
    let document = try NotesFolder.document(of: files)
    #expect(document.format == .markdown)
    #expect(document.items.map(\.id) == ["MEMORY.md", "topics/git.md"])
    #expect(String(decoding: document.items[0].content, as: UTF8.self) == #"{"path":"MEMORY.md","text":""}"#)
    #expect(try NotesFolder.changes(from: [], toHold: entries(files)) == files.map(NoteChange.write))
    #expect(try NotesFolder.changes(from: files, toHold: entries(files)).isEmpty)
  }

  @Test(arguments: [
    "a.md", "a.MD", "a.markdown", "b/c/ü .md", "a..md", "a/b..c/d.md", "…/x.md",
  ])
  func plainRelativePathsAreSafe(path: ByteString) { #expect(NotesFolder.isSafe(path)) }

  @Test(arguments: [
    "", "/a.md", "../a.md", "a/../b.md", "a/..", "./a.md", "a//b.md", "a/", "a.md/", ".git/a.md", ".github/a.md",
    "a/.git/b.md", ".md", ".a.md", "a.txt", "md", "a\0.md", "a\n.md", "a.md\0", "a\u{7F}.md",
    ByteString(String(repeating: "a", count: 253) + ".md"),
    ByteString(String(repeating: "a/", count: 600) + "a.md"),
    ByteString(bytes: [0xFF] + Array(".md".utf8)), ByteString(bytes: [0xED, 0xA0, 0x80] + Array(".md".utf8)),
  ])
  func otherPathsAreNeverWritten(path: ByteString) throws {
    #expect(!NotesFolder.isSafe(path))
    let changes = try NotesFolder.changes(from: [], toHold: entries([NoteFile(path: path, bytes: [0x78])]))
    #expect(changes.allSatisfy { if case .skip(path, _) = $0 { true } else { false } })
    #expect(throws: MemoryError.self) { try NotesFolder.document(of: [NoteFile(path: path, bytes: [])]) }
  }

  @Test(arguments: [[0x61, 0x00], [0xC3, 0x28], Array(repeating: 0x61, count: NotesFolder.maximumFileBytes + 1)])
  func whatIsNoNoteIsRefusedByName(bytes: [UInt8]) {
    let error = #expect(throws: MemoryError.self) {
      try NotesFolder.document(of: [note("a.md"), NoteFile(path: "b/c.md", bytes: bytes)])
    }
    #expect(error?.source == "b/c.md")
  }

  @Test func onlyWhatDiffersIsWritten() throws {
    let there = [note("a.md", "1"), note("b.md", "2"), note("c.md", "3"), note("s.md", "secret")]
    let view = entries([note("a.md", "1"), note("c.md", "4"), note("d/e.md", "5"), note("s.md", "old")])
    let changes = try NotesFolder.changes(from: there, toHold: view, keeping: { $0.id == "s.md" })
    #expect(changes == [.delete("b.md"), .write(note("c.md", "4")), .write(note("d/e.md", "5"))])
  }

  @Test(arguments: [
    (["a.md"], ["A.md"]), (["é.md"], ["e\u{301}.md"]), (["x.md/b.md"], ["x.md"]), (["x.md"], ["X.md/b.md"]),
    (["Docs/a.md"], ["docs/b.md"]), ([], ["a.md", "a.MD"]), ([], ["a.md/b.md", "a.md"]),
  ])
  func namesThatMeetAreSkippedAndNamed(there: [String], new: [String]) throws {
    let files = there.map { note($0) }
    let changes = try NotesFolder.changes(from: files, toHold: entries(files + new.map { note($0) }))
    #expect(changes.count == new.count)
    guard case .skip(let path, let reason)? = changes.last else {
      Issue.record("nothing was skipped")
      return
    }
    #expect(path == new.last.map { ByteString($0) })
    #expect(!reason.isEmpty)
  }

  @Test func aRenameThatOnlyChangesCaseIsOne() throws {
    #expect(
      try NotesFolder.changes(from: [note("a.md")], toHold: entries([note("A.md")]))
        == [.delete("a.md"), .write(note("A.md"))])
  }

  @Test func whatIsNoNoteIsPassedOver() throws {
    let items = try MemoryDocument.parse(Array(#"[{"id":"a"},{"path":"x.md","text":"y"}]"#.utf8), source: "m").items
    let others = items.map { item in
      Entry(
        content: item.content,
        metadata: Metadata(
          stamp: Stamp(instant: .epoch, host: "a"), version: 1,
          uniqueID: UniqueID(host: HostName("a")!, id: item.id, created: .epoch).text))
    }
    #expect(try NotesFolder.changes(from: [], toHold: others).isEmpty)
    #expect(others.allSatisfy { !MemoryFormat.markdown.canHold($0) })
    let note = entries([note("x.md")])[0]
    #expect(MemoryFormat.markdown.canHold(note))
    #expect(MemoryFormat.files.allSatisfy { !$0.canHold(note) })
  }

  @Test func aFileIsNoFolder() {
    #expect(throws: MemoryError.self) { try MemoryDocument.parse(Array("[]".utf8), source: "m", format: .markdown) }
    #expect(MemoryFormat.markdown.isFolder)
  }
}
