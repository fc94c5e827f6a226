/// What a first look at a file tells, for the formats to judge by.
struct FormatProbe {
  /// A file of one object a line, counted by what the lines are.
  struct Lines {
    /// Lines that hold one object.
    var objects = 0
    /// Objects with an `id` member that are no records of a graph.
    var named = 0
    /// Records of a graph: see ``GraphRecord``.
    var graphRecords = 0
    /// Records of a graph with an `id` member beside their name.
    var namedGraphRecords = 0
    /// Records whose `type` starts with `_`: marks that programs leave in their files.
    var markers = 0
    /// Lines that are not one JSON object: see ``LineDamage``.
    var broken = 0
  }

  /// One object that is the whole file.
  struct Document {
    var members = 0
    /// Members whose value is an object.
    var objects = 0
    /// Whether it has an `id`, and may be an entry itself.
    var isNamed = false
    /// Whether a member is called what tools call the whole of a memory, as in `{"memories":…}`.
    var isEnvelope = false
    /// Members called as lists of memory are that hold objects, and those that hold nothing.
    var fullLists = 0
    var emptyLists = 0
    var hasEntities = false
    var hasRelations = false
    /// Whether there are `memories` by category, and categories in them.
    var hasCategories = false

    init(_ members: [JSONMember], _ bytes: RawSpan) {
      self.members = members.count
      objects = members.count { JSONObject.kind(at: $0.value.lowerBound, bytes) == .object }
      isNamed = EntryIdentity.idMember(in: members, bytes) != nil
      isEnvelope = members.contains { member in
        ["memories", "results", "entities", "relations"].contains { (name: StaticString) in
          member.isNamed(name, bytes)
        }
      }
      for member in members { look(at: member, bytes) }
    }

    private mutating func look(at member: JSONMember, _ bytes: RawSpan) {
      let start = member.value.lowerBound
      switch JSONObject.kind(at: start, bytes) {
      case .array:
        let first = EnvelopeFormat.firstElement(ofArrayAt: start, bytes)
        guard first == nil || first == .object else { return }
        if member.isNamed("entities", bytes) { hasEntities = true }
        if member.isNamed("relations", bytes) { hasRelations = true }
        if EnvelopeFormat.isListName(member, bytes) {
          if first == nil { emptyLists += 1 } else { fullLists += 1 }
        }
      case .object where member.isNamed("memories", bytes):
        let categories = (try? JSONObject.members(at: start, bytes).members) ?? []
        hasCategories =
          !categories.isEmpty && categories.allSatisfy { JSONObject.kind(at: $0.value.lowerBound, bytes) == .object }
      default: break
      }
    }
  }

  enum Shape {
    /// An array and the kind of its first element, `nil` when it is empty.
    case array(JSONKind?)
    case lines(Lines)
    /// One object over several lines, or one on a single line that is no entry or record by itself.
    case document(Document)
  }

  let shape: Shape

  init(_ bytes: RawSpan) throws(ScanFailure) {
    var scanner = JSONScanner()
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) == 0x5B {
      scanner.offset += 1
      scanner.skipWhitespace(bytes)
      let isEmpty = scanner.peek(bytes) == 0x5D
      shape = .array(isEmpty || scanner.isAtEnd(bytes) ? nil : JSONObject.kind(at: scanner.offset, bytes))
    } else {
      shape = try FormatProbe.shapeOfObjects(bytes)
    }
  }

  /// For messages: what the file is, where no format takes it.
  var description: String {
    switch shape {
    case .array(.string): "an array of strings"
    case .array: "an array of something else than objects"
    case .document(let document): "one single JSON object" + (document.isNamed ? "" : " without an id")
    case .lines(let lines) where lines.objects == 1: "one single JSON object without an id"
    case .lines: "JSON Lines of objects without an id"
    }
  }

  private static func shapeOfObjects(_ bytes: RawSpan) throws(ScanFailure) -> Shape {
    var lines = Lines()
    var hasList = false
    var single: Document?
    var damage = LineDamage()
    var reader = LineReader()
    while let line = reader.next(bytes) {
      let part = bytes.extracting(line.range)
      let members: [JSONMember]
      do {
        members = try LineReader.members(of: part)
      } catch {
        let isFirst = lines.objects + lines.broken == 0
        if isFirst, !LineDamage.isLine(part) { return try shapeOfOneObject(bytes) }
        try damage.saw(error, line, bytes)
        lines.broken += 1
        continue
      }
      lines.objects += 1
      single = lines.objects == 1 ? Document(members, part) : nil
      damage.sawObject()
      hasList = hasList || members.contains { holdsObjects($0.value, part) }
      let isNamed = EntryIdentity.idMember(in: members, part) != nil
      if GraphRecord(members, part) != nil {
        lines.graphRecords += 1
        if isNamed { lines.namedGraphRecords += 1 }
      } else if isNamed {
        lines.named += 1
      } else if GraphRecord.type(of: members, part)?.first == 0x5F {
        lines.markers += 1
      }
    }
    try damage.finish()
    let isRecord = lines.graphRecords + lines.markers > 0 || (lines.named > 0 && !hasList)
    if let single, lines.broken == 0, !isRecord { return .document(single) }
    return .lines(lines)
  }

  private static func shapeOfOneObject(_ bytes: RawSpan) throws(ScanFailure) -> Shape {
    .document(Document(try JSONObject.members(ofFile: bytes), bytes))
  }

  private static func holdsObjects(_ value: Range<Int>, _ bytes: RawSpan) -> Bool {
    guard JSONObject.kind(at: value.lowerBound, bytes) == .array else { return false }
    var scanner = JSONScanner(offset: value.lowerBound + 1)
    scanner.skipWhitespace(bytes)
    return scanner.peek(bytes) == 0x7B
  }
}
