import CRDT

/// One JSON object of id → value, the form of key-value memories.
///
/// ```
/// {
/// "editor": {"content":"vim","since":2019},
/// "shell": "fish"
/// }
/// ```
/// An entry's content is the value with the key as its `id` in front, `{"id":"editor","content":"vim","since":2019}`.
/// What has no room for that (no object, an `id` of its own, a `value` alone, an empty key) is put into one:
/// `{"id":"shell","value":"fish"}`. A value that calls itself what its key says, as entries from other formats do, is
/// taken as it is. Each of the three can be told from the others, so every content has a way back.
enum MapFormat: FormatCodec {
  static let summary = "a JSON object of id and value"
  static let isLineBased = false

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    // Scalars beside objects are rather the members of one thing; `--format` says so if they are not.
    guard case .document(let document) = probe.shape, !document.isNamed, !document.isEnvelope,
      document.objects == document.members
    else { return nil }
    return FormatVerdict(confidence: .likely, reason: "it is one JSON object of \(document.members) objects by name")
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    var items: [MemoryDocument.Item] = []
    var counter = LineCounter()
    for member in try JSONObject.members(ofFile: bytes) {
      let line = counter.line(at: member.whole.lowerBound, bytes)
      try append(member, bytes, line: line, to: &items)
    }
    return items
  }

  private static func append(
    _ member: JSONMember, _ bytes: RawSpan, line: Int, to items: inout [MemoryDocument.Item]
  ) throws(ScanFailure) {
    let range = member.value
    // The key as written, quotes included.
    var content = Array(#"{"id":"#.utf8)
    content += JSONText.slice(bytes, member.name.range.lowerBound - 1..<member.name.range.upperBound + 1)
    if JSONObject.kind(at: range.lowerBound, bytes) == .object {
      let members = try JSONObject.members(at: range.lowerBound, bytes, depth: 1).members
      let whole = RecordReader.content(of: members, range, bytes)
      let identity = RecordReader.identity(of: members, content: whole, bytes)
      if identity.bytes == JSONText.decode(member.name, bytes) {
        RecordReader.append(members: members, range: range, in: bytes, line: line, identity: .idMember, to: &items)
        return
      }
      let own = members.filter { !EntryTable.isMetadataName($0.name, bytes) }
      let isValueAlone = own.count == 1 && own[0].isNamed("value", bytes)
      // An empty key is no name: the value, taken for itself, may have another.
      let isKeyed = !member.name.range.isEmpty
      if isKeyed, !isValueAlone, !own.contains(where: { $0.isNamed("id", bytes) }) {
        if whole.count > 2 { content.append(0x2C) }
        content += whole.dropFirst()
        items.append(item(content, line: line, range: range))
        return
      }
    }
    // It stands one level deeper in the entry than in the file, and has to fit into a state.
    var scanner = JSONScanner(offset: range.lowerBound)
    try scanner.skipValue(bytes, depth: 2)
    content += Array(#","value":"#.utf8)
    JSONText.appendCompact(bytes, range, to: &content)
    content.append(0x7D)
    items.append(item(content, line: line, range: range))
  }

  private static func item(_ content: [UInt8], line: Int, range: Range<Int>) -> MemoryDocument.Item {
    let id = EntryIdentity.idMember(of: content) ?? EntryIdentity.contentID(of: content)
    return MemoryDocument.Item(id: id, content: content, line: line, range: range)
  }

  // MARK: Writing

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout {
    var scanner = JSONScanner()
    scanner.skipWhitespace(bytes)
    let parsed = try JSONObject.members(at: scanner.offset, bytes)
    let records = parsed.members.map { member in
      FileLayout.Record(
        range: member.whole, key: member.whole.lowerBound..<member.name.range.upperBound + 1, value: member.value)
    }
    let interior = parsed.range.lowerBound + 1..<parsed.range.upperBound - 1
    return FileLayout(lists: [FileLayout.List(kind: .object, depth: 0, interior: interior, records: records)])
  }

  static func element(
    for content: [UInt8], replacing old: FileLayout.Record?, like neighbour: FileLayout.Record?,
    in source: LayoutSource
  ) -> FileLayout.Element {
    let (key, value) = member(for: content)
    return FileLayout.Element(key: key, value: value)
  }

  static func items(ofRecord content: [UInt8]) -> [MemoryDocument.Item] {
    let (key, value) = member(for: content)
    let file = [0x7B] + key + [0x3A] + value + [0x7D]
    return (try? items(of: file.span.bytes)) ?? []
  }

  static func render(_ records: [[UInt8]]) -> [UInt8] {
    if records.isEmpty { return Array("{}\n".utf8) }
    let members = records.map { record in
      let (key, value) = member(for: record)
      return key + [0x3A] + value
    }
    return [0x7B, 0x0A] + members.joined(separator: [0x2C, 0x0A]) + [0x0A, 0x7D, 0x0A]
  }

  /// The key and the value that read back as this record: the shortest way that does.
  private static func member(for record: [UInt8]) -> (key: [UInt8], value: [UInt8]) {
    let bytes = record.span.bytes
    let members = (try? JSONObject.members(at: 0, bytes).members) ?? []
    if let first = members.first, first.isNamed("id", bytes), first.value.count > 2,
      JSONObject.kind(at: first.value.lowerBound, bytes) == .string
    {
      let key = JSONText.slice(bytes, first.value)
      var candidates: [[UInt8]] = []
      if members.count == 2, members[1].isNamed("value", bytes) {
        candidates.append(JSONText.slice(bytes, members[1].value))
      }
      let rest = members.count > 1 ? members[1].whole.lowerBound : record.count - 1
      candidates.append([0x7B] + record[rest...])
      for value in candidates where isRead(key, value, as: record) { return (key, value) }
    }
    return (JSONText.quoted(RecordReader.identity(of: members, content: record, bytes).bytes), record)
  }

  private static func isRead(_ key: [UInt8], _ value: [UInt8], as record: [UInt8]) -> Bool {
    let file = [0x7B] + key + [0x3A] + value + [0x7D]
    guard let items = try? items(of: file.span.bytes) else { return false }
    return items.count == 1 && items[0].content == record && items[0].kind == nil
  }
}
