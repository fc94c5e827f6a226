import CRDT
import Testing

@testable import Memory

/// What is refused as a memory file, and how that is said.
struct EntryTableReadingTests {
  static let metadata =
    #""host":"hosta","timestamp":"2026-01-02T03:04:05.678000001Z","version":1,"unique_id":"hosta_x_1""#

  @Test(arguments: [
    ("", 1, 1, "empty; a state with no entries is written []"),
    (" \n ", 1, 1, "empty; a state with no entries is written []"),
    ("\u{FEFF}[]", 1, 1, "a byte order mark; save the file as UTF-8 without BOM"),
    ("\0", 1, 1, "a NUL byte"),
    ("[\0]", 1, 2, "a NUL byte"),
    ("{}", 1, 1, "not an array of entries"),
    ("null", 1, 1, "not an array of entries"),
    ("[", 1, 2, "the file ends in the middle of a value"),
    ("[\n", 2, 1, "the file ends in the middle of a value"),
    ("[1]", 1, 2, "an entry must be an object"),
    ("[[]]", 1, 2, "an entry must be an object"),
    ("[{},\n 3]", 2, 2, "an entry must be an object"),
    ("[{}", 1, 4, "the file ends in the middle of a value"),
    ("[{},]", 1, 5, "an entry must be an object"),
    ("[{} {}]", 1, 5, "a comma or ] was expected"),
    ("[{}]\n[]", 2, 1, "text after the end of the array"),
    ("[{}]\0", 1, 5, "a NUL byte"),
    ("[{\"a\":\"b", 1, 9, "the file ends in the middle of a string"),
    ("[{\"a\":\"b\"", 1, 10, "the file ends in the middle of a value"),
    ("[{\"a\"", 1, 6, "the file ends in the middle of a value"),
    ("[{a:1}]", 1, 3, "a member name in quotes was expected"),
    ("[{\"a\":1,}]", 1, 9, "a member name in quotes was expected"),
    (
      "[\n<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> b\n]", 2, 1,
      "a git conflict marker; the file was merged as text and is unresolved"
    ),
    ("[\n{}\n=======\n,{}\n]", 3, 1, "a git conflict marker; the file was merged as text and is unresolved"),
    ("[\n{}\n>>>>>>> b\n]", 3, 1, "a git conflict marker; the file was merged as text and is unresolved"),
    ("[\n{}\n||||||| base\n]", 3, 1, "a git conflict marker; the file was merged as text and is unresolved"),
    ("<<<<<<< HEAD\n[]", 1, 1, "a git conflict marker; the file was merged as text and is unresolved"),
  ])
  func `refuses a file`(text: String, line: Int, column: Int, reason: String) {
    let error = refusal(text)
    #expect(error?.description == "memory-hosta.json:\(line):\(column): \(reason)")
  }

  @Test(arguments: [
    ("null", "_crdt_metadata is not an object"),
    ("[]", "_crdt_metadata is not an object"),
    ("{}", "_crdt_metadata lacks host"),
    (#"{"timestamp":"2026-01-01","version":1,"unique_id":"a"}"#, "_crdt_metadata lacks host"),
    (#"{"host":"a","version":1,"unique_id":"a"}"#, "_crdt_metadata lacks timestamp"),
    (#"{"host":"a","timestamp":"2026-01-01","unique_id":"a"}"#, "_crdt_metadata lacks version"),
    (#"{"host":"a","timestamp":"2026-01-01","version":1}"#, "_crdt_metadata lacks unique_id"),
    (#"{\#(metadata),"host":"b"}"#, "a member of _crdt_metadata is there twice"),
    (#"{\#(metadata),"h\u006fst":"b"}"#, "a member of _crdt_metadata is there twice"),
    (#"{"host":1}"#, "host is not a string with text"),
    (#"{"host":""}"#, "host is not a string with text"),
    (#"{"unique_id":""}"#, "unique_id is not a string with text"),
    (#"{"unique_id":null}"#, "unique_id is not a string with text"),
    (#"{"timestamp":1767225600}"#, "timestamp is not a string with text"),
    (#"{"timestamp":"yesterday"}"#, "timestamp is not an RFC 3339 time"),
    (#"{"timestamp":"2026-02-29T00:00:00Z"}"#, "timestamp is not an RFC 3339 time"),
    (#"{"version":"1"}"#, "version is not a whole number"),
    (#"{"version":-1}"#, "version is not a whole number"),
    (#"{"version":1.0}"#, "version is not a whole number"),
    (#"{"version":18446744073709551616}"#, "version is not a whole number"),
    (#"{\#(metadata),"deleted":1}"#, "deleted is neither true nor false"),
    (#"{\#(metadata),"kind":true}"#, "kind is not a string with text"),
    (#"{\#(metadata),"seen":[]}"#, "seen is not an object"),
  ])
  func `refuses metadata`(object: String, reason: String) {
    let error = refusal(#"[{"id":"x","_crdt_metadata":\#(object)}]"#)
    #expect(error?.reason == reason)
    #expect(error?.code == .invalidMetadata)
    #expect(error?.line == 1)
  }

  @Test func `refuses metadata that is there twice, however it is spelled`() {
    for name in ["_crdt_metadata", #"\u005fcrdt_metadata"#, #"_crdt_metadat\u0061"#] {
      let error = refusal(
        #"[{"_crdt_metadata":{\#(EntryTableReadingTests.metadata)},"\#(name)":{\#(EntryTableReadingTests.metadata)}}]"#)
      #expect(error?.reason == "_crdt_metadata is there twice in one entry")
      #expect(error?.code == .invalidMetadata)
    }
  }

  @Test func `reads what stands in metadata in any order and spelling`() throws {
    let table = try EntryTable([
      source(
        #"[{"_crdt_metadata":{"extra":[1, 2],"deleted":true,"unique_id":"h\u005fx","version":18446744073709551615,"#
          + #""seen":{"b":"2026-01-01T00:00:00Z","c":7},"timestamp":"2026-01-02T04:04:05+01:00","host":"h\u006f","#
          + #""kind":"observation"},"id":"x"}]"#)
    ])
    let entry = table.entry(0)
    #expect(entry.metadata.stamp.host == "ho")
    #expect(entry.metadata.stamp.instant == Instant(rfc3339: "2026-01-02T03:04:05Z"))
    #expect(entry.metadata.uniqueID == "h_x")
    #expect(table.uniqueID(0) == "h_x")
    #expect(table.stamp(0) == entry.metadata.stamp)
    #expect(entry.metadata.version == .max)
    #expect(entry.metadata.isDeleted && table.isDeleted(0))
    #expect(entry.metadata.kind == "observation")
    #expect(entry.metadata.seen == ["b": Instant(rfc3339: "2026-01-01")!])
    #expect(entry.metadata.unknownMembers == Array(#""extra":[1,2]"#.utf8))
  }

  @Test func `a refused file leaves the table as it was`() throws {
    var table = try EntryTable([source(#"[{"id":"a"}]"#)])
    #expect(throws: MemoryError.self) { try table.add(source(#"[{"id":"b"},{ "id":"c"},{"id":]"#)) }
    #expect(table.count == 1 && table.sources.count == 1)
    try table.add(source(#"[{ "id":"d"}]"#))
    #expect(table.entries(table.join()).map(\.id) == ["a", "d"])
  }

  @Test func `depth counts from the top of the file`() {
    func nested(_ levels: Int) -> String {
      let value = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
      return
        #"[{"a":\#(value),"_crdt_metadata":{\#(EntryTableReadingTests.metadata),"more":\#(value.dropFirst().dropLast())}}]"#
    }
    #expect(refusal(nested(510)) == nil)
    #expect(refusal(nested(511))?.reason == "nested deeper than 512 levels")
  }

  @Test func `reads no entries`() throws {
    for text in ["[]", " [ ] ", "[]\n"] {
      let table = try EntryTable([source(text)])
      #expect(table.count == 0 && table.join().isEmpty)
      #expect(table.write(table.join()) == Array("[]\n".utf8))
    }
    #expect(EntryTable().write([]) == Array("[]\n".utf8))
  }

  private func source(_ text: String) -> Source { Source(name: "memory-hosta.json", bytes: Array(text.utf8)) }

  private func refusal(_ text: String) -> MemoryError? {
    do throws(MemoryError) {
      _ = try EntryTable([source(text)])
      return nil
    } catch {
      return error
    }
  }
}
