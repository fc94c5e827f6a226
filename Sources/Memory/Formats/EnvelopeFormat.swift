/// A list of objects in an envelope: `{"memories":[…],"count":2}`.
///
/// The list is the one member with a name that tools use for it and objects in it; with `--format` any one list of
/// objects. Its elements are what they are in ``JSONArrayFormat``. The other members are no memory: they stay in the
/// file, byte for byte, and no other file gets them.
enum EnvelopeFormat: FormatCodec {
  static let summary = "a JSON object with one list of objects, as in {\"memories\":[…]}"
  static let isLineBased = false

  /// What tools call the list.
  private static let listNames: [StaticString] = [
    "memories", "results", "items", "entries", "records", "notes", "facts", "data",
  ]

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    guard case .document(let document) = probe.shape, !document.isNamed else { return nil }
    switch (document.fullLists, document.emptyLists) {
    case (1, _): return FormatVerdict(confidence: .certain, reason: "it is one JSON object with one list of objects")
    case (0, 1): return FormatVerdict(confidence: .likely, reason: "it is one JSON object with one empty list")
    default: return nil
    }
  }

  /// Whether a member is called as lists of memory are.
  static func isListName(_ member: JSONMember, _ bytes: RawSpan) -> Bool {
    listNames.contains { member.isNamed($0, bytes) }
  }

  /// The kind of an array's first element: `nil` for an empty one.
  static func firstElement(ofArrayAt offset: Int, _ bytes: RawSpan) -> JSONKind? {
    var scanner = JSONScanner(offset: offset + 1)
    scanner.skipWhitespace(bytes)
    return scanner.peek(bytes) == 0x5D ? nil : JSONObject.kind(at: scanner.offset, bytes)
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    let list = try list(of: bytes)
    return try JSONArrayFormat.items(ofArrayAt: list.value.lowerBound, depth: 1, bytes, takesStrings: false).items
  }

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout {
    let list = try list(of: bytes)
    return FileLayout(lists: [try FileLayout.List(arrayAt: list.value.lowerBound, depth: 1, bytes)])
  }

  /// The member that is the list: see ``EnvelopeFormat``. Without any object the names decide, in their order.
  private static func list(of bytes: RawSpan) throws(ScanFailure) -> JSONMember {
    let arrays = try JSONObject.members(ofFile: bytes).filter {
      JSONObject.kind(at: $0.value.lowerBound, bytes) == .array
    }
    let named = arrays.filter { isListName($0, bytes) }
    func full(_ members: [JSONMember]) -> [JSONMember] {
      members.filter { firstElement(ofArrayAt: $0.value.lowerBound, bytes) == .object }
    }
    func empty(_ members: [JSONMember]) -> [JSONMember] {
      members.filter { firstElement(ofArrayAt: $0.value.lowerBound, bytes) == nil }
    }
    func one(of found: [JSONMember]) throws(ScanFailure) -> JSONMember? {
      guard found.count > 1 else { return found.first }
      throw ScanFailure(found[1].whole.lowerBound, "more than one list of objects", code: .unknownFormat)
    }
    if let list = try one(of: full(named)) { return list }
    for name in listNames {
      if let member = empty(named).first(where: { $0.isNamed(name, bytes) }) { return member }
    }
    if let list = try one(of: full(arrays)) { return list }
    if let list = try one(of: empty(arrays)) { return list }
    throw ScanFailure(0, "an object without one list of objects", code: .unknownFormat)
  }

  static func render(_ records: [[UInt8]]) -> [UInt8] {
    Array(#"{"memories":"#.utf8) + list(records) + [0x7D, 0x0A]
  }

  /// An array of records, one a line.
  static func list(_ records: [[UInt8]]) -> [UInt8] {
    if records.isEmpty { return [0x5B, 0x5D] }
    return [0x5B, 0x0A] + records.joined(separator: [0x2C, 0x0A]) + [0x0A, 0x5D]
  }
}
