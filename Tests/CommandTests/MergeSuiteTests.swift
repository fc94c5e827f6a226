import Foundation
import Testing

/// JSONTestSuite through the command: `n_` cases end with 65, and file, line and column are named.
struct MergeSuiteTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("MemoryTests/Resources/json-test-suite/test_parsing")

  @Test func `every case as an entry's content`() throws {
    let place = try Workplace()
    let names = try FileManager.default.contentsOfDirectory(atPath: MergeSuiteTests.folder.path).sorted()
    #expect(names.count == 318)
    let tail =
      #","_crdt_metadata":{"host":"hosta","timestamp":"2026-01-02T03:04:05.678000001Z","version":1,"unique_id":"k"}}]"#
    var refused: [String] = []
    for name in names where name.hasPrefix("n_") {
      let content = try Data(contentsOf: MergeSuiteTests.folder.appendingPathComponent(name))
      try place.write(name, Array(#"[{"content":"#.utf8) + content + Array(tail.utf8))
      refused.append(name)
    }
    // All in one run: each is named, none hides another.
    let outcome = try place.run(Workplace.mergeExecutable, refused)
    #expect(outcome.status == 65 && outcome.output.isEmpty)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == refused.count)
    for (name, line) in zip(refused, lines) {
      #expect(line.hasPrefix(name + ":"), "\(line)")
      #expect(line.dropFirst(name.count).contains(#/^:[1-9][0-9]*:[1-9][0-9]*: \S/#), "\(line)")
    }
  }
}
