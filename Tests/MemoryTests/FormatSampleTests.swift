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
    ("key-value.json", .map), ("facts.json", .strings),
  ])
  func everySampleIsDetectedIngestedAndRendered(name: String, format: MemoryFormat) throws {
    let bytes = Array(try Data(contentsOf: Self.folder.appending(path: name)))
    let found = try FormatDetector.detect(bytes, source: name)
    #expect(found.format == format)
    #expect(found.confidence == (format == .map ? .likely : .certain))
    let document = try MemoryDocument.parse(bytes, source: name)
    #expect(!document.items.isEmpty)
    var host = SimulatedHost("a")
    #expect(try host.ingest(document, at: .epoch).entries.count == document.items.count)
    let rendered = format.render(try SimulatedHost.view([host]))
    let again = try MemoryDocument.parse(rendered, source: "rendered", format: format)
    #expect(Set(again.items.map(\.content)) == Set(document.items.map(\.content)))
    #expect(try host.ingest(again, at: .epoch).entries.isEmpty)
    if [.jsonLines, .graph].contains(format) { #expect(rendered == bytes) }
  }
}
