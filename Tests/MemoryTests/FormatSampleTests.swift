import CRDT
import Foundation
import Memory
import TestKit
import Testing

/// The sample memories that come with the package.
struct FormatSampleTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "examples/memories")

  @Test(arguments: [
    ("memory.json", MemoryFormat.jsonArray), ("notes.jsonl", .jsonLines), ("mcp-memory.jsonl", .graph),
    ("key-value.json", .map), ("facts.json", .strings), ("mcp-graph.json", .graphObject),
    ("search-results.json", .envelope), ("by-category.json", .nestedMap),
  ])
  func everySampleIsDetectedIngestedAndRendered(name: String, format: MemoryFormat) throws {
    let bytes = Array(try Data(contentsOf: Self.folder.appending(path: name)))
    let found = try FormatDetector.detect(bytes, source: name)
    #expect(found.format == format)
    #expect(found.confidence == ([.map, .nestedMap].contains(format) ? .likely : .certain))
    let document = try MemoryDocument.parse(bytes, source: name)
    #expect(!document.items.isEmpty)
    var host = SimulatedHost("a")
    #expect(try host.ingest(document, at: .epoch).entries.count == document.items.count)
    let rendered = format.render(try SimulatedHost.view([host]))
    let again = try MemoryDocument.parse(rendered, source: "rendered", format: format)
    #expect(Set(again.items.map(\.content)) == Set(document.items.map(\.content)))
    #expect(try host.ingest(again, at: .epoch).entries.isEmpty)
    #expect(document.rewritten(bytes, toHold: try SimulatedHost.view([host])) == bytes)
    if [.jsonLines, .graph].contains(format) { #expect(rendered == bytes) }
  }

  @Test func theSampleNotesAreReadAndLeftAsTheyAre() throws {
    let folder = Self.folder.appending(path: "notes")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".md") }
    let files = try names.map { name in
      NoteFile(path: ByteString(name), bytes: Array(try Data(contentsOf: folder.appending(path: name))))
    }
    let document = try NotesFolder.document(of: files)
    #expect(document.items.map(\.id) == ["MEMORY.md", "people/zoë.md", "topics/release.md"])
    var host = SimulatedHost("a")
    try host.ingest(document, at: .epoch)
    let view = try SimulatedHost.view([host])
    #expect(try NotesFolder.changes(from: files, toHold: view).isEmpty)
    let written = try NotesFolder.changes(from: [], toHold: view)
    #expect(Set(written) == Set(files.map(NoteChange.write)))
  }
}
