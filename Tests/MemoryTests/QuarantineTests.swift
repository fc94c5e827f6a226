import CRDT
import Memory
import TestKit
import Testing

/// Damaged lines of line-based files: kept to the byte, and no memory.
struct QuarantineTests {
  private func parse(_ bytes: [UInt8], _ format: MemoryFormat? = nil) throws -> MemoryDocument {
    try MemoryDocument.parse(bytes, source: "memory", format: format)
  }

  private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test(arguments: [
    "{\"id\":\"b\",\"content\":\"half a li", "{\"id\":\"b\"}{\"id\":\"c\"}", "{\"id\":\"b\"} x", "null", "42",
    "\"text\"",
    "[\"a\",{\"id\":\"b\"}]", "<<<<<<< HEAD", "=======", ">>>>>>> theirs", "{\"id\":\"b\"},", "{\"id\":01}", "not JSON",
    "{\"id\":\"b\", ", "  {\"id\":\"\u{1}\"}  ", "\u{FEFF}{\"id\":\"b\"}", "{\"content\":\"\\",
  ])
  func aLineThatCannotBeReadIsKeptAndTheOthersGoOn(line: String) throws {
    for end in ["\n", "\r\n"] {
      for (format, last) in [
        (MemoryFormat.jsonLines, "{\"id\":\"z\"}"),
        (.graph, "{\"type\":\"relation\",\"from\":\"A\",\"to\":\"B\",\"relationType\":\"is\"}"),
      ] {
        let first = format == .graph ? "{\"type\":\"entity\",\"name\":\"A\",\"observations\":[]}" : "{\"id\":\"a\"}"
        let file = Array((first + end + line + end + last + end).utf8)
        let document = try parse(file)
        #expect(document.format == format)
        try #require(document.items.count == 3)
        let item = document.items[1]
        #expect(item.kind == Quarantine.kind)
        #expect(item.line == 2)
        #expect(item.id == Quarantine.id(of: Array(line.utf8)))
        #expect(Quarantine.line(ofContent: item.content) == Array(line.utf8))
        #expect(Array(file[item.range]) == Array(line.utf8))
        #expect(document.items[0].kind == nil && document.items[2].kind == nil)
      }
    }
  }

  @Test func theIDIsADigestOfTheBytes() {
    #expect(Quarantine.id(of: []).description == "quarantine:e3b0c44298fc1c149afbf4c8996fb924")
  }

  @Test func aLastLineWithoutItsEndKeepsAllItsBytes() throws {
    let items = try parse(Array("{\"id\":\"a\"}\n{\"id\":\"b  \r".utf8)).items
    #expect(text(Quarantine.line(ofContent: items[1].content)) == "{\"id\":\"b  \r")
  }

  @Test func bytesThatAreNoTextAreKeptAsBase64() throws {
    for bytes: [UInt8] in [[0xFF], [0xC3, 0x28, 0x41], [0xED, 0xA0, 0x80], [0x7B, 0x22, 0xE2, 0x82]] {
      let items = try parse(Array("{\"id\":\"a\"}\n".utf8) + bytes + [0x0A]).items
      #expect(text(items[1].content)?.hasPrefix("{\"base64\":\"") == true)
      #expect(Quarantine.line(ofContent: items[1].content) == bytes)
    }
    let items = try parse(Array("{\"id\":\"a\"}\n".utf8) + [0xFF, 0xFE, 0xFD, 0xFC]).items
    #expect(text(items[1].content) == "{\"base64\":\"//79/A==\"}")
    #expect(text(try parse(Array("{\"id\":\"a\"}\n\u{7}\"\\\n".utf8)).items[1].content) == #"{"line":"\u0007\"\\"}"#)
  }

  @Test func contentOfAnotherShapeIsNoLine() {
    for content in ["{}", #"{"line":1}"#, #"{"base64":"*"}"#, #"{"base64":"QQ="}"#, #"{"line":"a","b":1}"#] {
      #expect(Quarantine.line(ofContent: Array(content.utf8)) == nil)
    }
  }

  @Test(arguments: ["<<<<<<< HEAD", "null", "\"x\"", "{\"id\":\"b\",\"content\":\"ha", "{\"id\":\"b\"}{\"id\":\"c\"}"])
  func theFirstLineMayBeTheDamagedOne(line: String) throws {
    let document = try parse(Array((line + "\n{\"id\":\"z\"}\n").utf8))
    #expect(document.format == .jsonLines)
    #expect(document.items.map(\.kind) == [Quarantine.kind, nil])
  }

  @Test func aNamedFormatDoesNotMakeLinesOfAnArray() {
    for text in [
      "[\n{\"id\":\"a\"}\n]\n", "[\n{\"id\":\"a\"}\n", "{\"id\":\"a\"}\n]", "{\n\"memories\":[\n{\"id\":\"a\"}\n",
    ] {
      #expect(throws: MemoryError.self, "\(text)") { try parse(Array(text.utf8), .jsonLines) }
    }
  }

  // MARK: Ingest

  @Test func aDamagedLineIsAnEntryThatNoViewShows() throws {
    var host = SimulatedHost("a")
    let result = try host.ingest("{\"id\":\"a\"}\nnull\nnull\n{\"id\":\"b")
    #expect(result.entries.map(\.metadata.kind) == [nil, Quarantine.kind, Quarantine.kind, Quarantine.kind])
    #expect(result.quarantined.map(\.line) == [2, 3, 4])
    #expect(result.quarantined.map(\.id)[0] == Quarantine.id(of: Array("null".utf8)))
    #expect(try SimulatedHost.view([host]).map(\.id) == ["a"])
    #expect(try SimulatedHost.table([host]).conflicts().isEmpty)
    let again = try host.ingest("{\"id\":\"a\"}\nnull\nnull\n{\"id\":\"b", at: 2_000)
    #expect(again.entries.isEmpty)
    #expect(again.quarantined.count == 3)
  }

  @Test(arguments: [VanishedPolicy.keep, .tombstone(allowMass: false)])
  func aMendedLineIsResolved(policy: VanishedPolicy) throws {
    var host = SimulatedHost("a")
    try host.ingest("{\"id\":\"a\"}\n{\"id\":\"b", vanished: policy)
    let mended = try host.ingest("{\"id\":\"a\"}\n{\"id\":\"b\"}", at: 2_000, vanished: policy)
    #expect(mended.added == ["b"])
    #expect(mended.resolved == [Quarantine.id(of: Array("{\"id\":\"b".utf8))])
    #expect(mended.entries.map(\.isLive) == [true, false])
    #expect(mended.vanished.isEmpty && mended.deleted.isEmpty && mended.quarantined.isEmpty)
    #expect(mended.base.items.map(\.id) == ["a", "b"])
    #expect(try SimulatedHost.view([host]).map(\.id) == ["a", "b"])
    #expect(try host.ingest("{\"id\":\"a\"}\n{\"id\":\"b\"}", at: 3_000, vanished: policy).entries.isEmpty)
  }

  @Test func anEntryThatIsOnlyCalledSoIsKept() throws {
    var host = SimulatedHost("a")
    try host.ingest("{\"id\":\"quarantine:0123\"}\n{\"id\":\"b\"}\n")
    let gone = try host.ingest("{\"id\":\"b\"}\n", at: 2_000)
    #expect(gone.entries.isEmpty)
    #expect(gone.vanished == ["quarantine:0123"])
  }

  @Test func damageIsNoDeletion() throws {
    var host = SimulatedHost("a")
    let delete = VanishedPolicy.tombstone(allowMass: false)
    try host.ingest("{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n", vanished: delete)
    let damaged = try host.ingest("{\"id\":\"a\"}\n{\"id\":\"b", at: 2_000, vanished: delete)
    #expect(damaged.deleted.isEmpty)
    #expect(damaged.vanished == ["b", "c"])
    #expect(try SimulatedHost.view([host]).map(\.id) == ["a", "b", "c"])
    // A line that was damaged before stands in the way of no deletion.
    try host.ingest("{\"id\":\"a\"}\n{\"id\":\"d\"}\n{\"id\":\"b", at: 3_000, vanished: delete)
    #expect(try host.ingest("{\"id\":\"d\"}\n{\"id\":\"b", at: 4_000, vanished: delete).deleted == ["a"])
  }

  @Test func linesInQuarantineStandBehindAllElse() throws {
    var host = SimulatedHost("a")
    let result = try host.ingest("{\"id\":\"a\"}\n<<<<<<< HEAD\n{\"id\":\"b\"}\n")
    #expect(text(MemoryFormat.jsonLines.render(result.entries)) == "{\"id\":\"a\"}\n{\"id\":\"b\"}\n<<<<<<< HEAD\n")
    #expect(text(MemoryFormat.jsonArray.render(result.entries)) == "[\n{\"id\":\"a\"},\n{\"id\":\"b\"}\n]\n")
  }
}
