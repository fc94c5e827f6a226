import CRDT
import Memory
import TestKit
import Testing

/// Memory files of every format with odd spacing, escapes, numbers and unknown members.
struct IngestFormatTests {
  @Test(arguments: MemoryFormat.files)
  func whatIsReadRendersAndReadsTheSame(format: MemoryFormat) {
    checkProperty("read, render, read is the same in \(format.rawValue)", MemoryFiles.file(format)) {
      text in
      let document = try MemoryDocument.parse(Array(text.utf8), source: "generated", format: format)
      // The view shows one value an id.
      var ids: Set<ByteString> = []
      let shown = MemoryFiles.entries(of: document.items.filter { ids.insert($0.id).inserted })
      var held = Set(format.heldTogether(shown).map(\.id))
      let items = document.items.filter { held.remove($0.id) != nil }
      let rendered = format.render(shown)
      if format != .jsonArray, rendered.isEmpty { return }
      let again = try MemoryDocument.parse(rendered, source: "rendered", format: format)
      try demandEqual(again.items.map(Shown.init).sorted(), items.map(Shown.init).sorted())
      // Once more, it is the same to the byte.
      try demandEqual(format.render(MemoryFiles.entries(of: again.items)), rendered, "rendering is not stable")
    }
  }

  @Test(arguments: MemoryFormat.files)
  func spacingIsNoPartOfTheContent(format: MemoryFormat) {
    checkProperty("spacing is no content in \(format.rawValue)", MemoryFiles.file(format)) { text in
      let items = try MemoryDocument.parse(Array(text.utf8), source: "generated", format: format).items
      let compact = MemoryFiles.withoutSpacing(text, keepsLines: format != .jsonArray)
      let tight = try MemoryDocument.parse(compact, source: "tight", format: format).items
      try demandEqual(tight.map(Shown.init), items.map(Shown.init))
    }
  }

  @Test(arguments: MemoryFormat.files)
  func aCutFileIsNeverReadAsLess(format: MemoryFormat) {
    let isLineBased = [.jsonLines, .graph].contains(format)
    checkProperty(
      "a cut file is refused, or lines fewer and half a line in quarantine in \(format.rawValue)",
      zip(MemoryFiles.file(format), Gen<Int>.int(in: 0...10_000))
    ) { text, position in
      let bytes = Array(text.utf8)
      let cut = Array(bytes[..<(position % bytes.count)])
      guard let document = try? MemoryDocument.parse(cut, source: "cut", format: format) else { return }
      // An array has its end or is refused. Lines tell no end, so a cut between two of them is a shorter file.
      try demand(isLineBased || bytes[cut.count...].allSatisfy { $0 <= 0x20 }, "a cut array was read")
      let whole = try MemoryDocument.parse(bytes, source: "whole", format: format)
      let read = document.items.filter { $0.kind != Quarantine.kind }
      try demandEqual(whole.items.prefix(read.count).map(Shown.init), read.map(Shown.init))
      let halves = document.items.filter { $0.kind == Quarantine.kind }
      try demand(halves.count <= (isLineBased ? 1 : 0), "more than the last line was damaged")
      for half in halves {
        try demandEqual(
          Quarantine.line(ofContent: half.content), Array(cut[(cut.lastIndex(of: 0x0A) ?? -1) + 1..<cut.count]))
      }
    }
  }

  @Test(arguments: MemoryFormat.files)
  func whatIsDetectedReadsAsItself(format: MemoryFormat) {
    checkProperty("detection agrees in \(format.rawValue)", MemoryFiles.file(format)) { text in
      let bytes = Array(text.utf8)
      guard let found = try? FormatDetector.detect(bytes, source: "generated") else { return }
      let detected = try MemoryDocument.parse(bytes, source: "detected")
      try demandEqual(detected.format, found.format)
      try demand(found.format == .jsonArray || format != .jsonArray, "an array was taken for lines")
    }
  }

  /// An item without its place.
  private struct Shown: Hashable, Comparable {
    var id: ByteString
    var content: ByteString
    var kind: ByteString?

    init(_ item: MemoryDocument.Item) {
      id = item.id
      content = ByteString(bytes: item.content)
      kind = item.kind
    }

    static func < (left: Shown, right: Shown) -> Bool { (left.id, left.content) < (right.id, right.content) }
  }
}

/// Memory files as generators, and entries for what they hold.
enum MemoryFiles {
  /// A file of one format. Line-based ones have a named record in front, as they have to.
  static func file(_ format: MemoryFormat) -> Gen<String> {
    switch format {
    case .jsonArray:
      zip(record(.jsonArray).padded.array(count: 0...5), Gen<String>.jsonSpace).map { records, space in
        "[" + (records.isEmpty ? space : records.joined(separator: ",")) + "]\n"
      }
    case .map:
      mapMember.array(count: 0...5).map { "{" + $0.joined(separator: ",") + "}\n" }
    case .strings:
      zip(Gen<String>.jsonString().padded.array(count: 1...4), record(.jsonArray).padded.array(count: 0...2)).map {
        "[" + ($0 + $1).joined(separator: ",") + "]"
      }
    case .graphObject:
      zip(record(.graphObject).padded.array(count: 0...4), record(.graph).padded.array(count: 0...3), siblings).map {
        let lists = ["\"entities\": [\($0.joined(separator: ","))]", "\"relations\":[\($1.joined(separator: ","))]"]
        return "{" + ($2 + lists).joined(separator: ",") + "}"
      }
    case .envelope:
      zip(record(.jsonArray).padded.array(count: 0...5), siblings, siblings).map { records, before, behind in
        "{" + (before + ["\"memories\":[\(records.joined(separator: ","))]"] + behind).joined(separator: ",") + "}\n"
      }
    case .nestedMap: categories(depth: 3).padded
    case .markdown: .constant("")
    case .jsonLines, .graph:
      zip(
        record(format).array(count: 0...5), Gen<String>.element(of: ["\n", "\r\n", "\n\n", " \n\t\n"]),
        Gen<String>.element(of: ["", "\n"])
      ).map { records, separator, end in
        ([#"{"id":"first"}"#] + records.map(onOneLine)).joined(separator: separator) + end
      }
    }
  }

  /// The text without line ends; there are none inside of strings.
  private static func onOneLine(_ text: String) -> String {
    String(decoding: text.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }, as: UTF8.self)
  }

  /// Members beside a list.
  private static var siblings: Gen<[String]> {
    Gen<String>.oneOf(
      .element(of: [#""version" : 1.0"#, #""count":2"#, #""x":[{"id":"a"}]"#]),
      .jsonMember(value: .jsonValue(depth: 1))
    ).array(count: 0...2)
  }

  private static func categories(depth: Int) -> Gen<String> {
    let name = Gen<String>.oneOf(
      .element(of: [#""a""#, #""b""#, #""\u0061""#, #""~1""#, #""/""#]), .jsonString(count: 0...2))
    let value: Gen<String> =
      depth == 0
      ? .jsonValue(depth: 1) : .oneOf(categories(depth: depth - 1), .jsonValue(depth: 1), .element(of: ["{}", "{ }"]))
    return zip(name.padded, value.padded).map { "\($0):\($1)" }.array(count: 0...3).map {
      "{" + $0.joined(separator: ",") + "}"
    }
  }

  /// A key and any value: an entry of other formats under its own name too, and what looks like our own wrapping.
  private static var mapMember: Gen<String> {
    let key = Gen<String>.oneOf(.jsonString(count: 0...2), .element(of: [#""A""#, #""\u0041""#, #""entity:A""#]))
    let value = Gen<String>.oneOf(
      record(.jsonLines), record(.graph), .jsonValue(depth: 2), object([member("value", .jsonValue(depth: 1))]),
      Gen<String>.jsonValue(depth: 1).map { "{\"value\":\($0)}" },
      .element(of: [#"{"id":"A"}"#, #"{"content":"x","id":"A"}"#, #"{"id":"A","value":{}}"#, #"{"id":7}"#, "{}"]))
    return zip(key.padded, value.padded).map { "\($0):\($1)" }
  }

  private static func record(_ format: MemoryFormat) -> Gen<String> {
    let plain = Gen<String>.jsonObject(members: 0...4)
    let named = object([member("id", .oneOf(.jsonString(count: 1...2), .jsonNumber))])
    let name = Gen<String>.oneOf(.element(of: [#""A""#, #""B""#, #""\u0041""#]), .jsonString(count: 0...2))
    let observations = Gen<String>.jsonValue(depth: 1).padded.array(count: 0...3).map {
      "[" + $0.joined(separator: ",") + "]"
    }
    let entity = object([
      member("type", .constant(#""entity""#)), member("name", name), member("observations", observations),
      member("entityType", .oneOf(.constant(#""t""#), .constant(#""(removed)""#), .jsonString())),
    ])
    let relation = object([
      member("type", .constant(#""relation""#)), member("from", name), member("to", name),
      member("relationType", name),
    ])
    let untyped = object([
      member("name", name), member("observations", observations), member("entityType", .constant(#""t""#)),
    ])
    let untypedRelation = object([member("from", name), member("to", name), member("relationType", name)])
    if format == .graphObject {
      return .frequency((1, plain), (1, named), (2, entity), (3, untyped), (1, untypedRelation), (1, relation))
    }
    return format == .graph
      ? .frequency((1, plain), (1, named), (4, entity), (2, relation))
      : .frequency((1, plain), (4, named), (1, entity), (1, relation))
  }

  private static func member(_ name: String, _ value: Gen<String>) -> Gen<String> {
    zip(Gen<String>.jsonSpace, value.padded).map { "\"\(name)\"\($0):\($1)" }
  }

  /// An object of these members in any order, with up to two unknown ones among them.
  private static func object(_ members: [Gen<String>]) -> Gen<String> {
    Gen { choices in
      var written: [String] = []
      for member in members { written.append(try choices.draw(member)) }
      written += try choices.draw(Gen<String>.jsonMember(value: .jsonValue(depth: 2)).array(count: 0...2))
      let shuffled = try choices.draw(Gen<[String]>.shuffled(written))
      return "{" + shuffled.joined(separator: ",") + "}"
    }
  }

  /// Entries of a host that wrote these items, each after the one before.
  static func entries(of items: [MemoryDocument.Item]) -> [Entry] {
    guard let host = HostName("a") else { return [] }
    var clock = HybridLogicalClock()
    return items.map { item in
      let stamp = Stamp(instant: clock.tick(wall: .epoch), host: host.bytes)
      let uniqueID = UniqueID(host: host, id: item.id, created: stamp.instant).text
      return Entry(
        content: item.content, metadata: Metadata(stamp: stamp, version: 1, uniqueID: uniqueID, kind: item.kind))
    }
  }

  /// The file without white space outside of strings: the plain way, a byte at a time.
  static func withoutSpacing(_ text: String, keepsLines: Bool) -> [UInt8] {
    var output: [UInt8] = []
    var isInString = false
    var isEscaped = false
    for byte in text.utf8 {
      if isInString {
        if isEscaped { isEscaped = false } else if byte == 0x5C { isEscaped = true } else { isInString = byte != 0x22 }
        output.append(byte)
      } else if byte > 0x20 || (keepsLines && byte == 0x0A) {
        isInString = byte == 0x22
        output.append(byte)
      }
    }
    return output
  }
}
