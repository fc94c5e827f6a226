import CRDT
import Memory
import TestKit
import Testing

/// Maps of id and value, and arrays of strings: what entries they are, and the way back.
struct FormatMapTests {
  private func items(_ text: String, _ format: MemoryFormat) throws -> [MemoryDocument.Item] {
    try MemoryDocument.parse(Array(text.utf8), source: "memory", format: format).items
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func shown(_ text: String, as format: MemoryFormat) throws -> String {
    var host = SimulatedHost("a")
    try host.ingest(text)
    return self.text(format.render(try SimulatedHost.view([host])))
  }

  @Test(arguments: [
    (#"{"a": { "n" : 1.0 } }"#, #"{"id":"a","n":1.0}"#, "a"),
    (#"{"\u0061":{}}"#, #"{"id":"\u0061"}"#, "a"),
    (#"{"a":"x\/y"}"#, #"{"id":"a","value":"x\/y"}"#, "a"),
    (#"{"a":[1e2,null]}"#, #"{"id":"a","value":[1e2,null]}"#, "a"),
    (#"{"a":{"value":1}}"#, #"{"id":"a","value":{"value":1}}"#, "a"),
    (#"{"a":{"id":"b"}}"#, #"{"id":"a","value":{"id":"b"}}"#, "a"),
    (#"{"a":{"x":1,"id":"a"}}"#, #"{"x":1,"id":"a"}"#, "a"),
    (#"{"7":{"id":7}}"#, #"{"id":7}"#, "7"),
    (#"{"a":{"x":1,"_crdt_metadata":{}}}"#, #"{"id":"a","x":1}"#, "a"),
    (
      #"{"entity:A":{"type":"entity","name":"A","observations":[]}}"#,
      #"{"type":"entity","name":"A","observations":[]}"#, "entity:A"
    ),
  ])
  func aValueGoesByItsKey(file: String, content: String, id: ByteString) throws {
    let items = try items(file, .map)
    #expect(items.map { text($0.content) } == [content])
    #expect(items.map(\.id) == [id])
  }

  @Test func anEmptyKeyIsNoNameAndLosesNothing() throws {
    let items = try items(#"{"":1,"":2}"#, .map)
    #expect(items.map { text($0.content) } == [#"{"id":"","value":1}"#, #"{"id":"","value":2}"#])
    #expect(Set(items.map(\.id)).count == 2)
  }

  @Test func everyKindOfEntryHasAWayIntoAMapAndBack() throws {
    let file = #"[{"content":"x","id":"a"},{"id":"b","value":{"y":1}},{"note":1},{"id":"c/d","v":2},{"id":7}]"#
    let map = try shown(file, as: .map)
    #expect(map.contains(#""a":{"content":"x","id":"a"}"#))
    #expect(map.contains(#""c/d":{"v":2}"#))
    #expect(try Set(items(map, .map).map(\.content)) == Set(items(file, .jsonArray).map(\.content)))
    let graph = "{\"type\":\"entity\",\"name\":\"A\",\"observations\":[\"x\"]}\n"
    #expect(try items(shown(graph, as: .map), .map).map(\.id) == items(graph, .graph).map(\.id))
  }

  @Test func whatIsTooDeepForAStateIsRefused() throws {
    func nested(_ depth: Int) -> String {
      "{\"a\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
    }
    #expect(try items(nested(510), .map).count == 1)
    #expect(throws: MemoryError.self) { try items(nested(511), .map) }
  }

  @Test func stringsAreEntriesAsWritten() throws {
    let items = try items(#"["caf\u00e9 ", "", {"id":"x"}]"#, .strings)
    #expect(items.map { text($0.content) } == [#"{"content":"caf\u00e9 "}"#, #"{"content":""}"#, #"{"id":"x"}"#])
    #expect(items[0].id == EntryIdentity.contentID(of: items[0].content))
    #expect(items[2].id == "x")
  }

  @Test func stringsComeFirstAndOthersBehindThem() throws {
    let file = #"[{"id":"x"},{"content":"b"},{"content":1},{"content":"a","n":1}]"#
    #expect(
      try shown(file, as: .strings)
        == "[\n\"b\",\n{\"id\":\"x\"},\n{\"content\":1},\n{\"content\":\"a\",\"n\":1}\n]\n")
  }
}
