import CRDT

/// A JSON array of plain strings: `["Likes tea", "Works from Uppsala"]`.
///
/// A string is the entry `{"content":"Likes tea"}`, as written, and goes by its digest: changing it is taking one out
/// and adding another. Objects, which entries from other formats are, may stand behind the strings.
enum StringArrayFormat: FormatCodec {
  static let summary = "a JSON array of strings"
  static let isLineBased = false

  private static let prefix = Array(#"{"content":"#.utf8)

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    guard case .array(.string) = probe.shape else { return nil }
    return FormatVerdict(confidence: .certain, reason: "it is a JSON array of strings")
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    try JSONArrayFormat.items(of: bytes, takesStrings: true)
  }

  /// The item of the string that stands at `range`.
  static func item(_ range: Range<Int>, _ bytes: RawSpan, line: Int) -> MemoryDocument.Item {
    let content = prefix + JSONText.slice(bytes, range) + [0x7D]
    return MemoryDocument.Item(
      id: EntryIdentity.contentID(of: content), content: content, line: line, range: range)
  }

  static let order = FileLayout.Order.stringsFirst

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout { try JSONArrayFormat.layout(of: bytes) }

  static func element(
    for content: [UInt8], replacing old: FileLayout.Record?, like neighbour: FileLayout.Record?,
    in source: LayoutSource
  ) -> FileLayout.Element {
    // An object that says no more than a string stays one.
    if let old, source.kind(old.value) == .object { return FileLayout.Element(value: content) }
    return FileLayout.Element(value: string(content) ?? content)
  }

  /// Strings first: by them the format is told again.
  static func render(_ records: [[UInt8]]) -> [UInt8] {
    let strings = records.compactMap(string)
    return JSONArrayFormat.render(strings + records.filter { string($0) == nil })
  }

  /// The string that a record is; `nil` when it is more.
  private static func string(_ record: [UInt8]) -> [UInt8]? {
    guard record.starts(with: prefix), prefix.count < record.count else { return nil }
    let bytes = record.span.bytes
    guard let members = try? JSONObject.members(at: 0, bytes).members, members.count == 1,
      JSONObject.kind(at: members[0].value.lowerBound, bytes) == .string
    else { return nil }
    return JSONText.slice(bytes, members[0].value)
  }
}
