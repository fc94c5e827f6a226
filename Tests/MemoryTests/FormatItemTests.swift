import CRDT
import Memory
import Testing

/// What a memory file is taken apart into, and how it is put together again.
struct FormatItemTests {
  private func parse(_ text: String, _ format: MemoryFormat? = nil) throws -> [MemoryDocument.Item] {
    try MemoryDocument.parse(Array(text.utf8), source: "memory", format: format).items
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func objectsGoByTheirIDAndKeepTheirBytes() throws {
    let items = try parse(
      """
      [
        {"content": "a  b", "id": "x", "n": 1.0, "big": 123456789012345678901234567890},
        {"id": 7, "e": 1e2},
        {"note": "\\u00e9"}
      ]
      """)
    #expect(items.map(\.id.description)[..<2] == ["x", "7"])
    #expect(items[2].id == EntryIdentity.contentID(of: items[2].content))
    #expect(text(items[0].content) == #"{"content":"a  b","id":"x","n":1.0,"big":123456789012345678901234567890}"#)
    #expect(text(items[2].content) == #"{"note":"\u00e9"}"#)
    #expect(items.map(\.line) == [2, 3, 4])
    #expect(items.allSatisfy { $0.kind == nil })
  }

  @Test func metadataFromAStateIsNoPartOfTheContent() throws {
    let items = try parse(#"[{"_crdt_metadata":{"x":1},"id":"a","v":1,"_crdt\u005fmetadata":2}]"#)
    #expect(text(items[0].content) == #"{"id":"a","v":1}"#)
    #expect(text(try parse(#"[{"_crdt_metadata":1}]"#)[0].content) == "{}")
  }

  @Test func everyObservationIsAnItemOfItsOwn() throws {
    let items = try parse(
      """
      {"type":"entity", "name":"A|b", "entityType":"t", "observations" : [ "x", {"content": "y", "at": 1.0} ], "extra":[1, 2]}
      {"type":"relation","from":"A|b","to":"C%","relationType":"is"}
      {"type":"_aim","source":"s"}
      """)
    #expect(items.map(\.kind) == [nil, "observation", "observation", nil, nil])
    #expect(items[0].id == "entity:A|b")
    #expect(
      text(items[0].content) == #"{"type":"entity","name":"A|b","entityType":"t","observations":[],"extra":[1,2]}"#)
    #expect(items[1].id == GraphIdentity.observation(of: "A|b", value: Array(#""x""#.utf8)))
    #expect(items[1].id.description.hasPrefix("observation:A%7Cb|"))
    #expect(text(items[1].content) == #"{"entity":"A|b","content":"x"}"#)
    #expect(text(items[2].content) == #"{"entity":"A|b","content":{"content":"y","at":1.0}}"#)
    #expect(items[3].id == "relation:A%7Cb|is|C%25")
    #expect(items[4].id == EntryIdentity.contentID(of: items[4].content))
  }

  @Test func otherSpellingsOfANameAreNoOtherObservation() throws {
    let one = try parse(#"{"type":"entity","name":"é","observations":["ü"]}"#)
    let other = try parse(#"{"type":"entity","name":"\u00e9","observations":["\u00FC"]}"#)
    #expect(one.map(\.id) == other.map(\.id))
    #expect(text(one[1].content) == #"{"entity":"é","content":"ü"}"#)
    #expect(text(other[1].content) == #"{"entity":"é","content":"\u00FC"}"#)
  }

  @Test func whatOnlyLooksLikeAGraphIsKeptWhole() throws {
    for line in [
      #"{"type":"entity","name":"A"}"#, #"{"type":"entity","name":"A","observations":"x"}"#,
      #"{"type":"entity","name":1,"observations":[]}"#, #"{"type":"relation","from":"A","to":"B"}"#,
      #"{"type":"entity","name":"A","observations":["a"],"observations":["b"]}"#,
    ] {
      let items = try parse(line, .graph)
      #expect(items.count == 1)
      #expect(text(items[0].content) == line)
      #expect(items[0].id.description.hasPrefix("sha256-"))
    }
  }

  @Test func aGraphInAnArrayIsAGraph() throws {
    let entity = #"{"type":"entity","name":"A","observations":["x"]}"#
    #expect(try parse("[\(entity)]").map(\.id) == parse(entity).map(\.id))
    let named = #"{"id":"7","type":"entity","name":"A","observations":["x"]}"#
    #expect(try parse("[\(named)]").map(\.id) == ["7"])
    #expect(try parse(named).map(\.id.description).first == "entity:A")
  }

  @Test func rangesPointIntoTheFile() throws {
    let file = "\n  {\"type\":\"entity\",\"name\":\"A\",\"observations\":[ \"x\" ]}\r\n{\"id\":\"b\"}"
    let bytes = Array(file.utf8)
    let slices = try parse(file, .graph).map { text(Array(bytes[$0.range])) }
    #expect(slices == ["{\"type\":\"entity\",\"name\":\"A\",\"observations\":[ \"x\" ]}", "\"x\"", "{\"id\":\"b\"}"])
  }

  // MARK: Rendering

  /// Entries for items, created one after the other.
  private func entries(_ items: [MemoryDocument.Item]) -> [Entry] {
    var clock = HybridLogicalClock()
    return items.map { item in
      let stamp = Stamp(instant: clock.tick(wall: .epoch), host: "a")
      let uniqueID = UniqueID(host: HostName("a")!, id: item.id, created: stamp.instant).text
      return Entry(
        content: item.content,
        metadata: Metadata(stamp: stamp, version: 1, uniqueID: uniqueID, kind: item.kind))
    }
  }

  @Test func nothingRendersAsNothing() {
    #expect(text(MemoryFormat.jsonArray.render([])) == "[]\n")
    #expect(MemoryFormat.jsonLines.render([]).isEmpty)
    #expect(MemoryFormat.graph.render([]).isEmpty)
  }

  @Test func aCompactFileComesBackByteForByte() throws {
    let graph = """
      {"type":"_aim","source":"s"}
      {"type":"entity","name":"A","entityType":"t","observations":["x","y",{"a":1.0}],"extra":null}
      {"type":"entity","name":"B","entityType":"t","observations":[]}
      {"type":"relation","from":"A","to":"B","relationType":"knows"}

      """
    #expect(text(MemoryFormat.graph.render(entries(try parse(graph)).reversed())) == graph)
    let array = "[\n{\"id\":\"b\",\"v\":1e2},\n{\"id\":\"a\"},\n{\"v\":\"\\u00e9\"}\n]\n"
    #expect(text(MemoryFormat.jsonArray.render(entries(try parse(array)))) == array)
    let lines = "{\"id\":\"b\"}\n{\"id\":\"a\"}\n"
    #expect(text(MemoryFormat.jsonLines.render(entries(try parse(lines)))) == lines)
  }

  @Test func aGraphIsReassembledInEveryFormat() throws {
    let entity = #"{"type":"entity","name":"A","observations":["x","y"]}"#
    let entries = entries(try parse(entity))
    #expect(text(MemoryFormat.jsonArray.render(entries)) == "[\n\(entity)\n]\n")
    #expect(text(MemoryFormat.jsonLines.render(entries)) == entity + "\n")
  }

  @Test func observationsOutliveTheirEntityVisiblyAndDoNotBringItBack() throws {
    let items = try parse(#"{"type":"entity","name":"A\"","entityType":"t","observations":["x","y"]}"#)
    let rendered = MemoryFormat.graph.render(entries(Array(items.dropFirst())))
    #expect(
      text(rendered) == #"{"type":"entity","name":"A\"","entityType":"(removed)","observations":["x","y"]}"# + "\n")
    let again = try MemoryDocument.parse(rendered, source: "memory").items
    #expect(again.map(\.id) == items.dropFirst().map(\.id))
    #expect(again.map(\.content) == items.dropFirst().map(\.content))
    // With its last observation gone it is nothing; with another type, or a member more, it is what somebody wrote.
    #expect(try parse(#"{"type":"entity","name":"A","entityType":"(removed)","observations":[]}"#).isEmpty)
    #expect(try parse(#"{"type":"entity","name":"A","entityType":"(removed)","observations":[],"x":1}"#).count == 1)
  }

  @Test func anEditMovesNothing() throws {
    var entries = entries(try parse("{\"id\":\"a\"}\n{\"id\":\"b\"}\n"))
    var metadata = entries[0].metadata
    metadata.stamp.instant = Instant(unixSeconds: 1_000)
    entries[0] = Entry(content: Array(#"{"id":"a","v":2}"#.utf8), metadata: metadata)
    #expect(text(MemoryFormat.jsonLines.render(entries)) == "{\"id\":\"a\",\"v\":2}\n{\"id\":\"b\"}\n")
  }

  @Test func peopleNameEntitiesWithoutPrefix() {
    let observation = GraphIdentity.observation(of: "A", value: Array(#""x""#.utf8))
    let other = GraphIdentity.observation(of: "A|B", value: Array(#""x""#.utf8))
    let known: Set<ByteString> = ["entity:A", observation, other, "plain", "relation:A|is|B"]
    #expect(GraphIdentity.related(to: "A", among: known) == ["entity:A", observation])
    #expect(GraphIdentity.related(to: "entity:A", among: known) == ["entity:A", observation])
    #expect(GraphIdentity.related(to: "plain", among: known) == ["plain"])
    // What nobody knows may be in history, as what it says or as an entity.
    #expect(GraphIdentity.related(to: "gone", among: known) == ["gone", "entity:gone"])
    #expect(GraphIdentity.related(to: "entity:A", among: [observation]) == ["entity:A", observation])
    #expect(GraphIdentity.related(to: "A", among: known.union(["A"])) == ["A"])
  }
}
