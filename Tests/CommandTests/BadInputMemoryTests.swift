import Foundation
import TestKit
import Testing

/// Memory files that cannot be backed up: refused with the place, and nothing touched.
@Suite struct BadInputMemoryTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    /// What stderr has to name behind the file: `line:column`, or words.
    var place: String
    var testDescription: String { name }

    init(_ name: String, _ text: String, _ place: String) { self.init(name, Array(text.utf8), place) }
    init(_ name: String, _ bytes: [UInt8], _ place: String) {
      (self.name, self.bytes, self.place) = (name, bytes, place)
    }
  }

  static let cases: [Case] = [
    Case("empty", "", "empty"),
    Case("white space", " \n\n", "only white space"),
    Case("truncated", "[{\"id\":\"a\",\"content\":\"x\"},\n{\"id\":\"b\"", ":2:10"),
    Case("byte order mark", [0xEF, 0xBB, 0xBF] + Array("[{\"id\":\"a\"}]".utf8), ":1:1"),
    Case("NUL", Array("[{\"id\":\"a".utf8) + [0] + Array("\"}]".utf8), ":1:10"),
    Case("conflict markers", "<<<<<<< HEAD\n[{\"id\":\"a\"}]\n=======\n[]\n>>>>>>> b\n", ":1:1"),
    Case("conflict inside", "[\n{\"id\":\"a\"},\n<<<<<<< HEAD\n{\"id\":\"b\"}\n=======\n>>>>>>> b\n]\n", ":3:1"),
    Case("not JSON", "hello world\n", ":1:1"),
    Case("invalid UTF-8", Array("[\n{\"id\":\"".utf8) + [0xFF] + Array("\"}]".utf8), ":2:8"),
    Case("UTF-16", [0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00], ":1:1"),
    Case("a bare value", "42\n", ":1:1"),
    Case("array of no objects", "[1,2]\n", "an array of something else than objects"),
    // A few of JSONTestSuite, as the content of an entry.
    Case("n_number_-01", "[{\"id\":\"a\",\"content\":[-01]}]", ":1:25"),
    Case("n_number_2.e3", "[{\"id\":\"a\",\"content\":[2.e3]}]", ":1:25"),
    Case("n_array_extra_comma", "[{\"id\":\"a\",\"content\":[\"\",]}]", ":1:26"),
    Case("n_string_single_quote", "[{\"id\":\"a\",\"content\":['x']}]", ":1:23"),
    Case("n_string_unescaped_newline", "[{\"id\":\"a\",\"content\":\"x\ny\"}]", ":1:24"),
    Case("n_structure_trailing", "[{\"id\":\"a\"}]]", ":1:13"),
    Case("n_object_no_colon", "[{\"id\":\"a\",\"content\":{\"a\"}}]", ":1:26"),
  ]

  @Test(arguments: cases)
  func isRefusedWithItsPlaceAndNothingChanges(_ bad: Case) throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "good")
    #expect(try host.setUp().code == 0)
    let (refs, store) = (try sandbox.refs(sandbox.remote), try snapshot(host.store).filter { !$0.key.contains("crdt") })

    try Data(bad.bytes).write(to: URL(fileURLWithPath: host.memory))
    let outcome = try host.backup()
    #expect(outcome.code == 65, "\(outcome)")
    #expect(outcome.output == "")
    #expect(outcome.errorLines.count == 1 && outcome.errorOutput.hasPrefix("crdt-backup: \(host.memory)"), "\(outcome)")
    #expect(
      outcome.errorOutput.contains(bad.place.hasPrefix(":") ? host.memory + bad.place + ":" : bad.place), "\(outcome)")
    #expect(try sandbox.refs(sandbox.remote) == refs)
    #expect(
      try snapshot(host.store).filter { !$0.key.contains("crdt") && $0.key != ".git" }
        == store.filter { $0.key != ".git" })
    let dry = try host.backup("--dry-run", "--json")
    #expect(dry.code == 65)
    #expect(try dry.json()["exitCode"] as? Int == 65, "\(dry)")

    // As a first use it makes no store.
    let fresh = sandbox.folder("fresh")
    let first = try sandbox.run(["--store", fresh, "--memory", host.memory, "--remote", sandbox.remote])
    #expect(first.code == 65, "\(first)")
    #expect(!FileManager.default.fileExists(atPath: fresh))
    #expect(try sandbox.refs(sandbox.remote) == refs)

    // Mended, the next run goes on.
    host.remember([("a", "good"), ("b", "too")])
    #expect(try host.backup().code == 0)
    #expect(try host.view() == ["a": "good", "b": "too"])
  }

  @Test func whatIsNoFileIsRefusedAndNeverMeansDeleted() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "good")
    #expect(try host.setUp().code == 0)
    let refs = try sandbox.refs(sandbox.remote)
    try FileManager.default.removeItem(atPath: host.memory)
    let missing = try host.backup()
    #expect(
      missing.code == 66 && missing.errorOutput.contains("not there") && missing.errorLines.count == 1, "\(missing)")
    try sandbox.makeFolder(host.memory)
    let folder = try host.backup()
    #expect(folder.code == 66 && folder.errorOutput.contains("not a regular file"), "\(folder)")
    try FileManager.default.removeItem(atPath: host.memory)
    #expect(mkfifo(host.memory, 0o600) == 0)
    #expect(try host.backup().code == 66)
    unlink(host.memory)
    // A link to nothing, then to a file: people link their memory from elsewhere.
    try FileManager.default.createSymbolicLink(atPath: host.memory, withDestinationPath: sandbox.folder("real.json"))
    #expect(try host.backup().code == 66)
    #expect(try sandbox.refs(sandbox.remote) == refs)
    sandbox.folder.write("real.json", "[{\"id\":\"a\",\"content\":\"good\"},{\"id\":\"l\",\"content\":\"linked\"}]")
    #expect(try host.backup().code == 0)
    #expect(try host.view() == ["a": "good", "l": "linked"])
  }

  @Test func unusualButRightContentComesBackByteForByte() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    // From JSONTestSuite's y_ and i_ cases, with spellings a parser would lose.
    let contents = [
      "1.0", "1e2", "-0", "123456789012345678901234567890", "1E+9999", "\"\\ud800\"", "\"\\u0000\"", "\"\\/\"",
      "\"\u{E9}\"", "\"e\u{301}\"", "{\"b\":1,\"a\":[],\"\":{}}", "\"\u{7F}\u{2028}\"",
    ]
    let lines = contents.enumerated().map { "{\"id\":\"c\($0)\",\"content\":\($1),\"z\":null,\"a\":1.50}" }
    sandbox.folder.write("memory-of-h.json", "[\n" + lines.joined(separator: ",\n") + "\n]\n")
    #expect(try host.setUp().code == 0)
    let unified = String(decoding: try host.unified(), as: UTF8.self)
    for line in lines { #expect(unified.utf8.firstRange(of: Array(line.dropLast().utf8)) != nil, "\(line)") }
    let restored = try host.run("restore")
    for line in lines { #expect(restored.output.utf8.firstRange(of: Array(line.utf8)) != nil, "\(line)") }
    #expect(try host.backup().output.contains("\(lines.count) unchanged"))
  }
}

extension String.UTF8View {
  /// Byte for byte: strings would take NFC and NFD for the same.
  func firstRange(of needle: [UInt8]) -> Int? {
    let hay = Array(self)
    guard !needle.isEmpty, hay.count >= needle.count else { return nil }
    return (0...hay.count - needle.count).first {
      hay[$0] == needle[0] && hay[$0..<$0 + needle.count].elementsEqual(needle)
    }
  }
}
