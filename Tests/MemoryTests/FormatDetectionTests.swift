import CRDT
import Memory
import Testing

/// What form a memory file has, and what is refused.
struct FormatDetectionTests {
  private func detect(_ text: String) throws(MemoryError) -> FormatDetector.Detection {
    try FormatDetector.detect(Array(text.utf8), source: "memory")
  }

  private func refusal(_ text: String, format: MemoryFormat? = nil) -> MemoryError? {
    do throws(MemoryError) {
      _ = try MemoryDocument.parse(Array(text.utf8), source: "memory", format: format)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("[]", MemoryFormat.jsonArray, FormatConfidence.certain),
    (" [ {\"id\":\"a\"} ]", .jsonArray, .certain),
    ("[{}]", .jsonArray, .certain),
    ("{\"id\":\"a\"}\n{\"id\":\"b\"}\n", .jsonLines, .certain),
    ("{\"id\":\"a\"}", .jsonLines, .certain),
    ("\r\n{\"id\":\"a\"}\r\n\r\n{\"id\":2}\r\n", .jsonLines, .certain),
    ("{\"id\":\"a\"}\n{\"content\":\"b\"}\n", .jsonLines, .likely),
    (#"{"type":"entity","name":"A","entityType":"t","observations":[]}"#, .graph, .certain),
    (#"{"type":"relation","from":"A","to":"B","relationType":"knows"}"#, .graph, .certain),
    (#"{"type":"_aim","source":"x"}"#, .graph, .likely),
    (#"["a","b"]"#, .strings, .certain),
    (#"["a",{"id":"b"}]"#, .strings, .certain),
    ("{}", .map, .likely),
    (#"{"a":{"content":"x"}}"#, .map, .likely),
    ("{\n  \"a\": {\"content\": \"x\"},\n  \"b\": {}\n}\n", .map, .likely),
    ("{\"type\":\"_aim\"}\n{\"type\":\"entity\",\"name\":\"A\",\"observations\":[]}\n", .graph, .certain),
    ("{\"id\":\"a\"}\n{\"type\":\"entity\",\"name\":\"A\",\"observations\":[]}\n", .graph, .likely),
    ("{\n  \"memories\": []\n}", .envelope, .likely),
    (#"{"memories":[{"id":"a"}],"count":1}"#, .envelope, .certain),
    (#"{"results":[{"id":"a"}],"relations":[{"source":"a"}]}"#, .envelope, .certain),
    (#"{"entities":[],"relations":[]}"#, .graphObject, .certain),
    (#"{"entities":[{"name":"A","observations":[]}]}"#, .graphObject, .likely),
    (#"{"memories":{"user":{"a":1}}}"#, .nestedMap, .likely),
    (#"{"version":1,"memories":{"user":{},"project":{"b":[]}}}"#, .nestedMap, .likely),
    // An entity that has an id as well is still one of a graph where nothing else goes by ids.
    (#"{"type":"entity","id":"7","name":"A","observations":[]}"#, .graph, .certain),
  ])
  func formatsAreToldByTheirContent(text: String, format: MemoryFormat, confidence: FormatConfidence) throws {
    let found = try detect(text)
    #expect(found.format == format)
    #expect(found.confidence == confidence)
    #expect(!found.reason.isEmpty)
  }

  @Test func ambiguityIsRefusedWithTheWayOut() {
    let text = "{\"id\":\"a\"}\n{\"type\":\"entity\",\"id\":\"7\",\"name\":\"A\",\"observations\":[]}\n"
    let refusal = refusal(text)
    #expect(refusal?.code == .ambiguousFormat)
    #expect(refusal?.reason.contains("--format jsonl|mcp") == true)
    #expect(self.refusal(text, format: .graph) == nil)
    #expect(self.refusal(text, format: .jsonLines) == nil)
    let object = #"{"entities":[{}],"relations":[],"memories":[{}]}"#
    #expect(self.refusal(object)?.reason.contains("--format graph-object|envelope") == true)
    #expect(self.refusal(object, format: .envelope) == nil)
  }

  @Test func aStateIsNoMemoryFile() {
    let entry = #"{"id":"a","_crdt_metadata":{"unique_id":"a_a_1","deleted":true}}"#
    let refusal = refusal("[\(entry)]")
    #expect(refusal?.code == .invalidState)
    #expect(refusal?.reason.contains("crdt-merge --view") == true)
    #expect(self.refusal("[\(entry), {\"id\":\"b\"}]") == nil)
  }

  @Test(arguments: [
    (#"{"memories":[{}],"items":[{}]}"#, "one single JSON object"),
    (#"{"memories":["a"]}"#, "one single JSON object"),
    (#"{"entities":["a"],"relations":[]}"#, "one single JSON object"),
    (#"{"memories":[{"id":"a"}],"id":"x"}"#, "one single JSON object"),
    (#"{"a":1}"#, "one single JSON object without an id"),
    (#"{"a":{},"b":1}"#, "one single JSON object without an id"),
    (#"{"memories":{"user":1}}"#, "one single JSON object without an id"),
    (#"{"memories":{}}"#, "one single JSON object without an id"),
    ("{\n\"id\":\"a\",\n\"b\":{}}", "one single JSON object"),
    ("{\"a\":1}\n{\"a\":2}\n", "JSON Lines of objects without an id"),
    ("[1]", "an array of something else than objects"),
    ("# Notes", "neither a JSON array nor JSON Lines of objects"),
  ])
  func unknownFormatsAreNamedWithWhatIsKnown(text: String, reason: String) {
    let refusal = refusal(text)
    #expect(refusal?.code == .unknownFormat)
    #expect(refusal?.reason.hasPrefix(reason) == true, "\(String(describing: refusal))")
  }

  @Test(arguments: [
    ("", MemoryError.Code.empty, 0, 0),
    (" \n\t\r\n", .empty, 0, 0),
    ("[", .invalidJSON, 1, 2),
    ("[{\"id\":\"a\"}", .invalidJSON, 1, 12),
    ("[{\"id\":\"a\"},]", .invalidJSON, 1, 13),
    ("[{\"id\":\"a\"}]\nx", .invalidJSON, 2, 1),
    ("[\n{\"id\":\"a\"},\n7]", .unknownFormat, 3, 1),
    // What is left of an array, and NULs, are no matter of a line.
    ("{\"id\":\"a\"}\n]\n", .invalidJSON, 2, 1),
    ("{\"id\":\"a\"},\n{\"id\":\"b\"}\n]\n", .invalidJSON, 1, 11),
    ("<<<<<<< HEAD\n[\n{\"id\":\"a\"}\n", .invalidJSON, 1, 1),
    ("{\n\"memories\": [\n{\"id\":\"a\"}\n", .invalidJSON, 4, 1),
    ("{\"id\":\"a\"}\n{\"id\":\"b\0\0\0", .invalidJSON, 2, 9),
    ("{\"id\":\"a\"}\n\0\0\0\0", .invalidJSON, 2, 1),
    ("{\"id\":\"a", .invalidJSON, 1, 9),
    ("null\n{\"id\":\"a", .unknownFormat, 1, 1),
    ("{\"id\":\"a\",\n\"b\":1}\n{\"id\":\"b\"}", .invalidJSON, 3, 1),
    ("\u{FEFF}[]", .invalidJSON, 1, 1),
    ("\0", .invalidJSON, 1, 1),
    ("[{\"id\":\"a\0\"}]", .invalidJSON, 1, 10),
    ("<<<<<<< HEAD\n[]\n", .invalidJSON, 1, 1),
    ("[\n{\"id\":\"a\"}\n=======\n]", .invalidJSON, 3, 1),
  ])
  func damageIsRefusedWithItsPlace(text: String, code: MemoryError.Code, line: Int, column: Int) {
    let refusal = refusal(text)
    #expect(refusal?.code == code, "\(String(describing: refusal))")
    #expect(refusal?.line == line)
    #expect(refusal?.column == column)
  }

  @Test func damagedEncodingsAreRefused() {
    for bytes: [UInt8] in [[0xFF, 0xFE, 0x5B, 0], [0xFE, 0xFF, 0, 0x5B], Array("[{\"id\":\"".utf8) + [0xC3, 0x28]] {
      #expect(throws: MemoryError.self) { try MemoryDocument.parse(bytes, source: "memory") }
    }
  }

  @Test func aNamedFormatIsTakenAtItsWord() {
    #expect(refusal("[]", format: .jsonLines)?.code == .invalidJSON)
    #expect(refusal("{\"id\":\"a\"}", format: .jsonArray)?.code == .invalidJSON)
    #expect(refusal("{\"a\":1}\n", format: .jsonLines)?.code == .unknownFormat)
    #expect(refusal("{\"a\":1}\n", format: .graph) == nil)
    #expect(refusal("", format: .graph)?.code == .empty)
    #expect(refusal(#"{"a":1}"#, format: .map) == nil)
    #expect(refusal("[]", format: .map)?.code == .invalidJSON)
    #expect(refusal("{\"a\":1}\n{\"b\":1}", format: .map)?.line == 2)
    #expect(refusal(#"["a",1]"#, format: .strings)?.code == .unknownFormat)
  }

  @Test func whatIsTooDeepForAStateIsRefusedHere() throws {
    func nested(_ depth: Int) -> String {
      "{\"id\":\"a\",\"v\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
    }
    for (text, format) in [(nested(510), MemoryFormat.jsonLines), ("[" + nested(510) + "]", .jsonArray)] {
      let document = try MemoryDocument.parse(Array(text.utf8), source: "memory")
      #expect(document.format == format)
      // What was accepted can be read back from a state.
      let metadata = Metadata(
        stamp: Stamp(instant: .epoch, host: "a"), version: 1, uniqueID: "a_a_1970-01-01T00:00:00.000000000Z")
      let state = [0x5B] + Entry(content: document.items[0].content, metadata: metadata).bytes + [0x5D]
      #expect(try EntryTable([Source(name: "memory-a.json", bytes: state)]).count == 1)
    }
    #expect(refusal(nested(511)) != nil)
    #expect(refusal("[" + nested(511) + "]")?.code == .invalidJSON)
  }
}
