import CRDT

/// JSON Lines: one object a line. Blank lines and CRLF are fine.
///
/// A line that cannot be read becomes an item of its own, see ``Quarantine``, and the others go on. At least one has to
/// be an object, and what is left of an array is refused: see ``LineDamage``.
///
/// At least one line has to be named (an `id`, or a record of a graph): a file in which nothing has a name is some
/// other kind of log, and is refused. In a file of named objects those without one go by their content.
enum JSONLinesFormat: FormatCodec {
  static let summary = "JSON Lines of objects with an id"
  static let isLineBased = true

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    guard case .lines(let lines) = probe.shape, lines.named > 0 else { return nil }
    // Records of a graph with an id as well: by their name or by their id? Where other lines have ids, who knows.
    guard lines.graphRecords == 0 || lines.namedGraphRecords > 0 else { return nil }
    let isCertain = lines.graphRecords == 0 && lines.named == lines.objects && lines.broken == 0
    return FormatVerdict(
      confidence: isCertain ? .certain : .likely,
      reason: "\(lines.named) of \(lines.objects) lines are objects with an id")
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    let (items, isAnyNamed) = try lineItems(of: bytes, identity: .idMember)
    guard isAnyNamed else {
      throw ScanFailure(0, "no object in any line has an id, so nothing here can be told apart", code: .unknownFormat)
    }
    return items
  }

  /// The items of a file of one object a line, and whether any of them has a name of its own.
  static func lineItems(of bytes: RawSpan, identity: RecordReader.Identity)
    throws(ScanFailure) -> (items: [MemoryDocument.Item], isAnyNamed: Bool)
  {
    var items: [MemoryDocument.Item] = []
    var isAnyNamed = false
    var damage = LineDamage()
    var reader = LineReader()
    while let line = reader.next(bytes) {
      let part = bytes.extracting(line.range)
      let members: [JSONMember]
      do {
        members = try LineReader.members(of: part)
      } catch {
        try damage.saw(error, line, bytes)
        items.append(Quarantine.item(JSONText.slice(bytes, line.exact), number: line.number, range: line.exact))
        continue
      }
      damage.sawObject()
      let isNamed = RecordReader.append(
        members: members, range: 0..<part.byteCount, in: part, line: line.number, shift: line.range.lowerBound,
        identity: identity, to: &items)
      isAnyNamed = isAnyNamed || isNamed
    }
    try damage.finish()
    return (items, isAnyNamed)
  }

  /// Without any that is named there is no such file.
  static func heldTogether(_ entries: [Entry], besides kept: [ByteString]) -> [Entry] {
    func isNamed(_ entry: Entry) -> Bool {
      entry.metadata.kind == Observation.kind || EntryIdentity.statedID(of: entry.content) != nil
    }
    return entries.contains(where: isNamed) || kept.contains { !Quarantine.mayBe($0) } ? entries : []
  }

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout { FileLayout.lines(of: bytes) }

  static func render(_ records: [[UInt8]]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(records.reduce(0) { $0 + $1.count + 1 })
    for record in records {
      output += record
      output.append(0x0A)
    }
    return output
  }
}
