/// A JSON array of objects, the form most tools keep memory in. `[]` holds nothing, and says so.
enum JSONArrayFormat: FormatCodec {
  static let summary = "a JSON array of objects"
  static let isLineBased = false

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    switch probe.shape {
    case .array(nil): FormatVerdict(confidence: .certain, reason: "it is an empty JSON array")
    case .array(.object): FormatVerdict(confidence: .certain, reason: "it is a JSON array of objects")
    default: nil
    }
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    try items(of: bytes, takesStrings: false)
  }

  /// The items of a file that is an array of objects, or of strings and objects.
  static func items(of bytes: RawSpan, takesStrings: Bool) throws(ScanFailure) -> [MemoryDocument.Item] {
    var scanner = JSONScanner()
    scanner.skipWhitespace(bytes)
    let (items, end) = try items(ofArrayAt: scanner.offset, depth: 0, bytes, takesStrings: takesStrings)
    scanner.offset = end
    scanner.skipWhitespace(bytes)
    guard scanner.isAtEnd(bytes) else { throw scanner.failure(bytes, "text after the end of the array") }
    return items
  }

  /// The items of the array that starts at `offset`, with `depth` containers around it, and where it ends.
  static func items(ofArrayAt offset: Int, depth: Int, _ bytes: RawSpan, takesStrings: Bool)
    throws(ScanFailure) -> (items: [MemoryDocument.Item], end: Int)
  {
    var items: [MemoryDocument.Item] = []
    var scanner = JSONScanner(offset: offset)
    var counter = LineCounter()
    var stateEntries = 0
    var elements = 0
    try scanner.expect(0x5B, bytes, "a JSON array was expected")
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) == 0x5D { return ([], scanner.offset + 1) }
    while true {
      let line = counter.line(at: scanner.offset, bytes)
      elements += 1
      if takesStrings, scanner.peek(bytes) == 0x22 {
        let start = scanner.offset
        _ = try scanner.skipString(bytes)
        items.append(StringArrayFormat.item(start..<scanner.offset, bytes, line: line))
      } else {
        try refuseNonObject(scanner, bytes)
        let parsed = try JSONObject.members(at: scanner.offset, bytes, depth: depth + 1)
        RecordReader.append(
          members: parsed.members, range: parsed.range, in: bytes, line: line, identity: .idMember, to: &items)
        if isStateEntry(parsed.members, bytes) { stateEntries += 1 }
        scanner.offset = parsed.range.upperBound
      }
      scanner.skipWhitespace(bytes)
      if scanner.peek(bytes) == 0x5D { break }
      try scanner.expect(0x2C, bytes, "a comma or ] was expected")
      scanner.skipWhitespace(bytes)
    }
    guard stateEntries < elements else {
      throw ScanFailure(
        offset,
        "not a memory file but a state, every entry of which has its _crdt_metadata; read it with crdt-merge --view",
        code: .invalidState)
    }
    return (items, scanner.offset + 1)
  }

  /// Whether an object is an entry of a state: taken for memory, deleted ones would be live and empty.
  private static func isStateEntry(_ members: [JSONMember], _ bytes: RawSpan) -> Bool {
    for member in members where EntryTable.isMetadataName(member.name, bytes) {
      guard JSONObject.kind(at: member.value.lowerBound, bytes) == .object,
        let metadata = try? JSONObject.members(at: member.value.lowerBound, bytes).members
      else { continue }
      if metadata.contains(where: { $0.isNamed("unique_id", bytes) }) { return true }
    }
    return false
  }

  private static func refuseNonObject(_ scanner: JSONScanner, _ bytes: RawSpan) throws(ScanFailure) {
    guard scanner.peek(bytes) != 0x7B else { return }
    var probe = scanner
    try probe.skipValue(bytes, depth: 1)
    throw ScanFailure(
      scanner.offset,
      "an element that is no object; --format strings takes strings and objects in one array, nothing takes the rest",
      code: .unknownFormat)
  }

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout {
    var scanner = JSONScanner()
    scanner.skipWhitespace(bytes)
    return FileLayout(lists: [try FileLayout.List(arrayAt: scanner.offset, depth: 0, bytes)])
  }

  static func render(_ records: [[UInt8]]) -> [UInt8] {
    EnvelopeFormat.list(records) + [0x0A]
  }
}

/// Counts lines up to offsets that only grow.
struct LineCounter {
  private var offset = 0
  private var line = 1

  mutating func line(at target: Int, _ bytes: RawSpan) -> Int {
    while offset < target {
      if JSONScanner.byte(bytes, offset) == 0x0A { line += 1 }
      offset += 1
    }
    return line
  }
}
