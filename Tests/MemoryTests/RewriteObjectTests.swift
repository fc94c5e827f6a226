import CRDT
import Memory
import Testing

/// Objects with lists and categories in them, rewritten: graphs, envelopes, nested maps.
struct RewriteObjectTests {
  private func rewritten(
    _ file: String, _ format: MemoryFormat, keeping isKept: (MemoryDocument.Item) -> Bool = { _ in false },
    _ change: (inout RewriteTests.Memory) -> Void
  ) throws -> String {
    let bytes = Array(file.utf8)
    let document = try MemoryDocument.parse(bytes, source: "memory")
    #expect(document.format == format)
    var memory = RewriteTests.Memory(document.items)
    change(&memory)
    let rewritten = document.rewritten(bytes, toHold: memory.entries, keeping: isKept)
    return String(decoding: rewritten, as: UTF8.self)
  }

  private func items(_ text: String, _ format: MemoryFormat) throws -> [MemoryDocument.Item] {
    try MemoryDocument.parse(Array(text.utf8), source: "memory", format: format).items
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  // MARK: Graphs

  @Test func aGraphInAnObjectIsTheOneInLines() throws {
    let object =
      #"{"entities":[{"name":"A","entityType":"t","observations":["x"]}],"relations":[{"from":"A","to":"B","relationType":"is"}]}"#
    let lines = """
      {"type":"entity","name":"A","entityType":"t","observations":["x"]}
      {"type":"relation","from":"A","to":"B","relationType":"is"}
      """
    let typed = #"{"relations":[],"entities":[{"type":"entity","name":"A","entityType":"t","observations":["x"]}]}"#
    let expected = try items(lines, .graph)
    #expect(try items(object, .graphObject).map(\.content) == expected.map(\.content))
    #expect(try items(object, .graphObject).map(\.id) == expected.map(\.id))
    #expect(try items(typed, .graphObject).map(\.content) == expected.dropLast().map(\.content))
    let slices = try items(object, .graphObject).map { text(Array(Array(object.utf8)[$0.range])) }
    #expect(slices[1...] == [#""x""#, #"{"from":"A","to":"B","relationType":"is"}"#])
  }

  @Test func aGraphKeepsEverythingAroundItsRecords() throws {
    let file = """
      {
        "made": 1.0,
        "entities": [
          {"name": "A", "entityType": "t", "observations": ["x"]}
        ],
        "relations": [],
        "more": {"a":1}
      }
      """
    let edited = try rewritten(file, .graphObject) {
      $0.observe(#""y""#, of: "A")
      $0.set("entity:B", #"{"type":"entity","name":"B","observations":[]}"#)
      $0.set("relation:A|is|B", #"{"type":"relation","from":"A","to":"B","relationType":"is"}"#)
    }
    #expect(
      edited == """
        {
          "made": 1.0,
          "entities": [
            {"name": "A", "entityType": "t", "observations": ["x", "y"]},
            {"name": "B", "observations": []}
          ],
          "relations": [
            {"from": "A", "to": "B", "relationType": "is"}
          ],
          "more": {"a":1}
        }
        """)
  }

  @Test func aGraphGetsTheListItLacks() throws {
    let edited = try rewritten(#"{"entities":[{"type":"entity","name":"A","observations":[]}]}"#, .graphObject) {
      $0.set("relation:A|is|B", #"{"type":"relation","from":"A","to":"B","relationType":"is"}"#)
    }
    #expect(
      edited
        == #"{"entities":[{"type":"entity","name":"A","observations":[]}],"relations":[{"from":"A","to":"B","relationType":"is"}]}"#
    )
  }

  // MARK: Envelopes

  @Test func anEnvelopeKeepsWhatIsBesideItsList() throws {
    let file = #"{"results": [ {"id":"a", "n": 1.0}, {"id":"b"} ], "relations": [{"x": 1}],  "version": 1.10}"# + "\n"
    let edited = try rewritten(file, .envelope) {
      $0.remove("b")
      $0.set("a", #"{"id":"a","n":1.0,"m":2}"#)
      $0.set("c", #"{"id":"c"}"#)
    }
    #expect(
      edited
        == #"{"results": [ {"id":"a", "n": 1.0, "m": 2}, {"id": "c"} ], "relations": [{"x": 1}],  "version": 1.10}"#
        + "\n")
    let emptied = try rewritten(edited, .envelope) {
      $0.remove("a")
      $0.remove("c")
    }
    #expect(emptied == #"{"results": [], "relations": [{"x": 1}],  "version": 1.10}"# + "\n")
  }

  @Test func withAFormatNamedAnyListIsOne() throws {
    #expect(try items(#"{"stuff":[{"id":"a"}],"tags":["x"]}"#, .envelope).map(\.id) == ["a"])
    #expect(throws: MemoryError.self) { try items(#"{"a":[{}],"b":[{}]}"#, .envelope) }
    #expect(throws: MemoryError.self) { try items(#"{"memories":[{}],"items":[{}]}"#, .envelope) }
    #expect(throws: MemoryError.self) { try items(#"{"memories":[{},1]}"#, .envelope) }
    #expect(throws: MemoryError.self) { try items(#"{"a":1}"#, .envelope) }
  }

  // MARK: Nested maps

  @Test func everyValueGoesByItsPath() throws {
    let found = try items(
      #"{"v":1.0,"memories":{"us/er":{"a~b":"x\/y","\u0061":[1, 2],"e":{ }},"":{"":null}}}"#, .nestedMap)
    #expect(
      found.map(\.id.description) == [
        "/v", "/memories/us~1er/a~0b", "/memories/us~1er/a", "/memories/us~1er/e", "/memories//",
      ])
    #expect(text(found[1].content) == #"{"id":"/memories/us~1er/a~0b","value":"x\/y"}"#)
    #expect(text(found[2].content) == #"{"id":"/memories/us~1er/a","value":[1,2]}"#)
  }

  @Test func categoriesComeAndGoWithTheirValues() throws {
    let file = """
      {
        "memories": {
          "user": {"a": "x",  "b" : 1.0},
          "other": {"c": true}
        }
      }

      """
    let edited = try rewritten(file, .nestedMap) {
      $0.remove("/memories/user/a")
      $0.remove("/memories/other/c")
      $0.set("/memories/user/d", #"{"id":"/memories/user/d","value":[1]}"#)
      $0.set("/memories/new/e~1f/g", #"{"id":"/memories/new/e~1f/g","value":{}}"#)
    }
    #expect(
      edited == """
        {
          "memories": {
            "user": {"b" : 1.0,  "d": [1]},
            "new": {"e/f": {"g": {}}}
          }
        }

        """)
  }

  @Test func noPathIsAValueAndACategory() throws {
    let file = #"{"memories":{"a":{"x":1},"b":{"s":"secret"}}}"#
    let edited = try rewritten(file, .nestedMap, keeping: { $0.id == "/memories/b/s" }) {
      $0.set("/memories/a/x/y", #"{"id":"/memories/a/x/y","value":2}"#)
      $0.set("/memories/b", #"{"id":"/memories/b","value":3}"#)
      $0.set("/memories/b/s/t", #"{"id":"/memories/b/s/t","value":4}"#)
    }
    #expect(edited == #"{"memories":{"a":{"x":{"y":2}},"b":{"s":"secret"}}}"#)
  }

  // MARK: Lines

  @Test func aDamagedLineDoesNotHideWhatTheFileIs() throws {
    let file = "{\"id\":\"a\"}\n{\"id\":\n{\"id\":\"b\"}\n"
    let edited = try rewritten(file, .jsonLines) { $0.remove("a") }
    #expect(edited == "{\"id\":\"b\"}\n{\"id\":\n")
    #expect(try items(edited, .jsonLines).map(\.id).first == "b")
  }

  @Test func aDamagedLineTeachesNoStyle() throws {
    let file = "{\"id\":\"a\"}\n{\"id\":\"half\n{\"id\":\"b\",\"t\":\"x, y, z: w\"}\n"
    let edited = try rewritten(file, .jsonLines) { $0.set("n", #"{"id":"n","t":[1,2]}"#) }
    #expect(edited == file + "{\"id\":\"n\",\"t\":[1,2]}\n")
  }

  @Test func aDamagedLineKeepsTheReturnAtItsEnd() throws {
    let file = "{\"id\":\"a\"}\n{\"id\":\"c\r"
    let edited = try rewritten(file, .jsonLines) { $0.set("n", #"{"id":"n"}"#) }
    #expect(edited == "{\"id\":\"a\"}\n{\"id\":\"c\r\r\n{\"id\":\"n\"}")
    #expect(try items(edited, .jsonLines)[1].id == items(file, .jsonLines)[1].id)
  }
}
