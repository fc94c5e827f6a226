import CRDT
import Memory
import TestKit
import Testing

/// Folders of notes, changed to show something else.
struct NotesLawsTests {
  @Test func aNoteIsTheBytesOfItsFile() {
    checkProperty("a folder is read and written byte for byte", Self.folder) { files in
      let document = try NotesFolder.document(of: files)
      let entries = MemoryFiles.entries(of: document.items)
      try demandEqual(try NotesFolder.changes(from: files, toHold: entries), [])
      let written = Self.apply(try NotesFolder.changes(from: [], toHold: entries), to: [])
      let meeting = files.filter { !written.contains($0) }
      try demand(Set(written).isSubset(of: Set(files)), "a file was written that nobody has")
      try demand(meeting.isEmpty || files.count > 1, "a single note was not written")
    }
  }

  @Test func aFolderShowsTheViewButForNamesThatMeet() {
    checkProperty(
      "what is read from a changed folder is the view", zip(Self.folder, Self.folder, Gen<Int>.int(in: 0...9))
    ) { files, others, dice in
      let there = try NotesFolder.document(of: files).items
      let new = try NotesFolder.document(of: others).items
      var ids: Set<ByteString> = []
      let chosen = (there.filter { _ in dice < 5 } + new).filter { ids.insert($0.id).inserted }
      func isKept(_ item: MemoryDocument.Item) -> Bool { dice % 2 == 0 && item.content.count % 3 == 0 }
      let entries = MemoryFiles.entries(of: chosen)
      let changes = try NotesFolder.changes(from: files, toHold: entries, keeping: isKept)
      let skipped = Set(changes.compactMap { if case .skip(let path, _) = $0 { path } else { nil } })
      let result = Self.apply(changes, to: files)
      let kept = there.filter(isKept)
      let keptIDs = Set(kept.map(\.id))
      let expected = kept + chosen.filter { !skipped.contains($0.id) && !keptIDs.contains($0.id) }
      try demandEqual(
        try NotesFolder.document(of: result).items.map(RewriteScene.shown).sorted(),
        expected.map(RewriteScene.shown).sorted())
      let again = try NotesFolder.changes(from: result, toHold: entries, keeping: isKept)
      try demand(
        again.allSatisfy { if case .skip = $0 { true } else { false } }, "a second time something is changed: \(again)")
    }
  }

  /// Files whose names may meet, each path once.
  private static var folder: Gen<[NoteFile]> {
    let path = Gen<String>.element(of: [
      "a.md", "A.md", "b/a.md", "B/a.md", "a.md/b.md", "c/d/e.markdown", "é.md", "e\u{301}.md", "b.md",
    ])
    let text = Gen<String>.text(count: 0...6).map { Array($0.utf8).filter { $0 != 0 } }
    return zip(path, text).array(count: 0...4).map { notes in
      var seen: Set<ByteString> = []
      return notes.filter { seen.insert(ByteString($0.0)).inserted }
        .map { NoteFile(path: ByteString($0.0), bytes: $0.1) }
    }
  }

  private static func apply(_ changes: [NoteChange], to files: [NoteFile]) -> [NoteFile] {
    var folder: [ByteString: NoteFile] = [:]
    for file in files { folder[file.path] = file }
    for change in changes {
      switch change {
      case .write(let file): folder[file.path] = file
      case .delete(let path): folder[path] = nil
      case .skip: break
      }
    }
    return folder.values.sorted { $0.path < $1.path }
  }
}
