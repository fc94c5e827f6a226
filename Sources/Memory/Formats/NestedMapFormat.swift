import CRDT

/// One JSON object of categories, and categories in them: `{"memories":{"user":{"editor":"vim"}}}`.
///
/// Every value that is no object with members is an entry, `{"id":"/memories/user/editor","value":"vim"}`: its id is
/// the path to it, as a JSON Pointer (RFC 6901) has it. The value is kept as written. A category without values is not
/// there. Categories are ``levelLimit`` deep; what is further in is a value.
///
/// A value and a category of one path exclude each other in a file: then the category is shown.
enum NestedMapFormat: FormatCodec {
  static let summary = "a JSON object of categories, ids and values"
  static let isLineBased = false

  static let levelLimit = 32

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    guard case .document(let document) = probe.shape, !document.isNamed, document.hasCategories,
      document.fullLists == 0
    else { return nil }
    return FormatVerdict(confidence: .likely, reason: "it is one JSON object of memories by category")
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    var items: [MemoryDocument.Item] = []
    var counter = LineCounter()
    let members = try JSONObject.members(ofFile: bytes)
    try append(members, path: [], level: 1, bytes, &counter, to: &items)
    return items
  }

  private static func append(
    _ members: [JSONMember], path: [UInt8], level: Int, _ bytes: RawSpan, _ counter: inout LineCounter,
    to items: inout [MemoryDocument.Item]
  ) throws(ScanFailure) {
    for member in members {
      let path = path + [0x2F] + escaped(JSONText.decode(member.name, bytes))
      if isCategory(member.value, level: level, bytes) {
        let inner = try JSONObject.members(at: member.value.lowerBound, bytes, depth: level).members
        try append(inner, path: path, level: level + 1, bytes, &counter, to: &items)
        continue
      }
      var value: [UInt8] = []
      JSONText.appendCompact(bytes, member.value, to: &value)
      items.append(
        MemoryDocument.Item(
          id: ByteString(bytes: path), content: content(path: path, value: value),
          line: counter.line(at: member.whole.lowerBound, bytes), range: member.value))
    }
  }

  /// Whether a value is a category: an object with members, not too far in.
  static func isCategory(_ value: Range<Int>, level: Int, _ bytes: RawSpan) -> Bool {
    guard level < levelLimit, JSONObject.kind(at: value.lowerBound, bytes) == .object else { return false }
    var scanner = JSONScanner(offset: value.lowerBound + 1)
    scanner.skipWhitespace(bytes)
    return scanner.peek(bytes) != 0x7D
  }

  // MARK: Entries

  private static func content(path: [UInt8], value: [UInt8]) -> [UInt8] {
    Array(#"{"id":"#.utf8) + JSONText.quoted(path) + Array(#","value":"#.utf8) + value + [0x7D]
  }

  /// The names on the way to an entry's value, and the value; `nil` when it is no such entry.
  static func leaf(of content: [UInt8]) -> (names: [ByteString], value: [UInt8])? {
    let span = content.span.bytes
    guard let members = try? JSONObject.members(at: 0, span).members, members.count == 2,
      members[0].isNamed("id", span), let path = JSONObject.string(members[0].value, span),
      let names = names(of: path)
    else { return nil }
    let value = JSONText.slice(span, members[1].value)
    guard self.content(path: path, value: value) == content,
      !isCategory(members[1].value, level: names.count, span)
    else { return nil }
    // It stands as deep in the file as its path is long.
    var scanner = JSONScanner()
    guard (try? scanner.skipValue(value.span.bytes, depth: names.count)) != nil else { return nil }
    return (names, value)
  }

  /// The names of a path; `nil` when it is none that ``items(of:)`` gives.
  private static func names(of path: [UInt8]) -> [ByteString]? {
    guard path.first == 0x2F else { return nil }
    let names = path.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false).map { part -> [UInt8] in
      var name: [UInt8] = []
      var rest = part
      while let byte = rest.popFirst() {
        if byte == 0x7E, let next = rest.popFirst() {
          name.append(next == 0x31 ? 0x2F : 0x7E)
        } else {
          name.append(byte)
        }
      }
      return name
    }
    guard names.count <= levelLimit, names.flatMap({ [0x2F] + escaped($0) }) == path else { return nil }
    return names.map { ByteString(bytes: $0) }
  }

  private static func escaped(_ name: [UInt8]) -> [UInt8] {
    name.flatMap { byte -> [UInt8] in
      switch byte {
      case 0x7E: [0x7E, 0x30]
      case 0x2F: [0x7E, 0x31]
      default: [byte]
      }
    }
  }

  static func items(ofRecord content: [UInt8]) -> [MemoryDocument.Item] {
    guard let leaf = leaf(of: content) else { return [] }
    let id = ByteString(bytes: leaf.names.flatMap { [0x2F] + escaped($0.bytes) })
    return [MemoryDocument.Item(id: id, content: content)]
  }

  /// Observations have no place here.
  static func canHold(_ entry: Entry) -> Bool {
    entry.metadata.kind == nil && items(ofRecord: entry.content).first?.id == entry.id
  }

  /// Without values where others want a category, and what cannot be here at all.
  static func heldTogether(_ entries: [Entry], besides kept: [ByteString]) -> [Entry] {
    let able = entries.filter(canHold)
    let paths = able.map(\.id) + kept
    let categories = Set(paths.flatMap(parents))
    let values = Set(kept)
    return able.filter { entry in
      !categories.contains(entry.id) && !parents(entry.id).contains(where: values.contains)
    }
  }

  /// The paths of the categories around a path.
  private static func parents(_ path: ByteString) -> [ByteString] {
    path.bytes.indices.dropFirst().filter { path.bytes[$0] == 0x2F }.map { ByteString(path.bytes[..<$0]) }
  }

  // MARK: Writing

  /// Unused: the file is a tree, see ``NestedMapRewriter``.
  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout { FileLayout(lists: []) }

  static func rewritten(
    _ bytes: [UInt8], _ items: [MemoryDocument.Item], _ fates: LayoutFates
  ) -> [UInt8]? {
    let start = bytes.firstIndex(of: 0x7B) ?? 0
    let end = (bytes.lastIndex(of: 0x7D) ?? -1) + 1
    guard start < end else { return bytes }
    let rewriter = NestedMapRewriter(bytes, items, fates)
    return bytes[..<start] + rewriter.text(ofObject: start..<end, adding: NestedMapTree(fates.missing.map(\.content)))
      + bytes[end...]
  }

  static func render(_ records: [[UInt8]]) -> [UInt8] { NestedMapTree(records).text(indentation: []) + [0x0A] }
}
