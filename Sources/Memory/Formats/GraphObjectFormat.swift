/// A whole knowledge graph in one object: `{"entities":[…],"relations":[…]}`, as the MCP memory server answers.
///
/// Its parts are what they are in ``GraphFormat``. One that has no `type`, which here goes without saying, is the entry
/// with `"type":"entity"` (or `"relation"`) in front, and is written without again. Other members of the file are no
/// memory: they stay in it, and no other file gets them.
enum GraphObjectFormat: FormatCodec {
  static let summary = "a whole graph as one object of entities and relations"
  static let isLineBased = false
  static let identity = RecordReader.Identity.graph
  static let order = FileLayout.Order.graph

  private static let types = ["entity", "relation"].map { Array($0.utf8) }
  private static let typeMember = Array(#"{"type":"#.utf8)

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    guard case .document(let document) = probe.shape, !document.isNamed, document.hasEntities else { return nil }
    return FormatVerdict(
      confidence: document.hasRelations ? .certain : .likely,
      reason: "it is one JSON object with a list of entities" + (document.hasRelations ? " and one of relations" : ""))
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    var items: [MemoryDocument.Item] = []
    var counter = LineCounter()
    for list in try layout(of: bytes).lists {
      for record in list.records {
        guard JSONObject.kind(at: record.value.lowerBound, bytes) == .object else {
          throw ScanFailure(
            record.value.lowerBound, "an element that is no object in a list of a graph", code: .unknownFormat)
        }
        let line = counter.line(at: record.value.lowerBound, bytes)
        try append(record.value, bytes, line: line, depth: list.depth + 1, to: &items)
      }
    }
    return items
  }

  /// Appends the items of one element; its type is put in where it goes without saying.
  private static func append(
    _ range: Range<Int>, _ bytes: RawSpan, line: Int, depth: Int, to items: inout [MemoryDocument.Item]
  ) throws(ScanFailure) {
    let members = try JSONObject.members(at: range.lowerBound, bytes, depth: depth).members
    guard let type = impliedType(of: members, bytes) else {
      RecordReader.append(members: members, range: range, in: bytes, line: line, identity: .graph, to: &items)
      return
    }
    let prefix = typeMember + JSONText.quoted(type) + [0x2C]
    let typed = prefix + JSONText.slice(bytes, range.lowerBound + 1..<range.upperBound)
    let span = typed.span.bytes
    let parsed = try JSONObject.members(at: 0, span)
    let first = items.count
    RecordReader.append(
      members: parsed.members, range: parsed.range, in: span, line: line, shift: range.lowerBound + 1 - prefix.count,
      identity: .graph, to: &items)
    for index in items.indices[first...] where items[index].kind == nil { items[index].range = range }
  }

  /// What a record without a type is, when it is a part of a graph.
  private static func impliedType(of members: [JSONMember], _ bytes: RawSpan) -> [UInt8]? {
    types.first {
      GraphRecord(members, bytes, impliedType: $0) != nil && !members.contains { $0.isNamed("type", bytes) }
    }
  }

  // MARK: Writing

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout {
    let members = try JSONObject.members(ofFile: bytes)
    var lists: [FileLayout.List] = []
    for member in members where JSONObject.kind(at: member.value.lowerBound, bytes) == .array {
      let isRelations = member.isNamed("relations", bytes)
      guard isRelations || member.isNamed("entities", bytes) else { continue }
      var list = try FileLayout.List(arrayAt: member.value.lowerBound, depth: 1, bytes)
      list.isOfRelations = isRelations
      lists.append(list)
    }
    guard !lists.isEmpty else {
      throw ScanFailure(0, "an object without a list of entities or relations", code: .unknownFormat)
    }
    return FileLayout(lists: lists)
  }

  static func graphRecord(_ members: [JSONMember], _ bytes: RawSpan, list: Int) -> GraphRecord? {
    GraphRecord(members, bytes, impliedType: impliedType(of: members, bytes))
  }

  static func completed(_ source: LayoutSource, for contents: [[UInt8]]) -> [UInt8] {
    let span = source.bytes.span.bytes
    guard let members = try? JSONObject.members(ofFile: span), let layout = try? layout(of: span) else {
      return source.bytes
    }
    let needsRelations = contents.contains { content in
      let span = content.span.bytes
      if case .relation = GraphRecord((try? JSONObject.members(at: 0, span).members) ?? [], span) { return true }
      return false
    }
    guard needsRelations, !layout.lists.contains(where: \.isOfRelations) else { return source.bytes }
    var target = members.map { member in
      LayoutMember(
        name: source.slice(member.whole.lowerBound..<member.name.range.upperBound + 1),
        value: .text(source.slice(member.value)))
    }
    target.append(LayoutMember(name: Array(#""relations""#.utf8), value: .compact([0x5B, 0x5D])))
    let start = source.bytes.firstIndex(of: 0x7B) ?? 0
    let end = (source.bytes.lastIndex(of: 0x7D) ?? 0) + 1
    return source.bytes[..<start] + source.editedObject(start..<end, to: target, depth: 0) + source.bytes[end...]
  }

  static func element(
    for content: [UInt8], replacing old: FileLayout.Record?, like neighbour: FileLayout.Record?,
    in source: LayoutSource
  ) -> FileLayout.Element {
    if let like = old ?? neighbour, source.kind(like.value) == .object,
      source.members(like.value).contains(where: { $0.isNamed("type", source.bytes.span.bytes) })
    {
      return FileLayout.Element(value: content)
    }
    return FileLayout.Element(value: withoutType(content))
  }

  /// The record without the type that goes without saying; as it is where it does not.
  private static func withoutType(_ content: [UInt8]) -> [UInt8] {
    let span = content.span.bytes
    guard let members = try? JSONObject.members(at: 0, span).members, members.count > 1,
      members[0].isNamed("type", span), content.starts(with: typeMember),
      let record = GraphRecord(members, span)
    else { return content }
    let shorter = [0x7B] + content[members[1].whole.lowerBound...]
    let shorterSpan = shorter.span.bytes
    guard let rest = try? JSONObject.members(at: 0, shorterSpan).members,
      let type = impliedType(of: rest, shorterSpan), type == GraphRecord.type(of: members, span),
      GraphRecord(rest, shorterSpan, impliedType: type)?.id == record.id,
      content.starts(with: typeMember + JSONText.quoted(type))
    else { return content }
    return shorter
  }

  /// Parts of a graph only: a marker line or a record of another kind is no entity, whoever reads the file.
  static func canGain(_ entry: Entry) -> Bool {
    guard canHold(entry), entry.metadata.kind == nil else { return canHold(entry) }
    let content = entry.content
    let span = content.span.bytes
    let members = (try? JSONObject.members(at: 0, span).members) ?? []
    return GraphRecord(members, span) != nil
  }

  static func items(ofRecord content: [UInt8]) -> [MemoryDocument.Item] {
    var items: [MemoryDocument.Item] = []
    try? append(0..<content.count, content.span.bytes, line: 1, depth: 2, to: &items)
    return items
  }

  static func render(_ records: [[UInt8]]) -> [UInt8] {
    var entities: [[UInt8]] = []
    var relations: [[UInt8]] = []
    for record in records {
      let span = record.span.bytes
      if case .relation = GraphRecord((try? JSONObject.members(at: 0, span).members) ?? [], span) {
        relations.append(withoutType(record))
      } else {
        entities.append(withoutType(record))
      }
    }
    return Array(#"{"entities":"#.utf8) + EnvelopeFormat.list(entities) + Array(#","relations":"#.utf8)
      + EnvelopeFormat.list(relations) + [0x7D, 0x0A]
  }
}
