/// Where the records of a memory file stand: what a format tells ``LayoutRewriter`` of itself.
struct FileLayout {
  /// One record with what is written around it.
  struct Record {
    /// All that goes when it goes: the element, the member with its key, the line.
    var range: Range<Int>
    /// A map's key with its quotes.
    var key: Range<Int>?
    /// The record itself, without white space around it.
    var value: Range<Int>
  }

  /// Records one after the other.
  struct List {
    var kind: LayoutSequence.Kind
    /// How many containers are around the list.
    var depth: Int
    /// From behind the opening bracket to the closing one; all of the file for lines.
    var interior: Range<Int>
    var records: [Record]
    /// In a file of several lists, the one that relations go into.
    var isOfRelations = false

    var sequence: LayoutSequence {
      LayoutSequence(kind: kind, depth: depth, interior: interior, elements: records.map(\.range))
    }
  }

  /// A record as it is written: a map's key as a JSON string, and the compact value.
  struct Element {
    var key: [UInt8]?
    var value: [UInt8]
  }

  /// What a record is, as far as its place goes.
  enum Role {
    case plain, string, entity, relation
  }

  /// Where a new record goes.
  enum Order {
    /// Behind the last one.
    case asCreated
    /// Plain records in front of the graph, entities behind the last entity, relations at the end.
    case graph
    /// Strings behind the last string, objects at the end.
    case stringsFirst
  }

  /// In the order of the file, none within another.
  var lists: [List]

  /// The lines of a line-based file. White space around a record belongs to its line, since a damaged line is all of
  /// its bytes; blank lines stand between.
  static func lines(of bytes: RawSpan) -> FileLayout {
    var records: [Record] = []
    var reader = LineReader()
    while let line = reader.next(bytes) { records.append(Record(range: line.exact, value: line.range)) }
    return FileLayout(
      lists: [List(kind: .lines, depth: -1, interior: 0..<bytes.byteCount, records: records)])
  }
}

extension FileLayout.List {
  /// The array that starts at `offset`.
  init(arrayAt offset: Int, depth: Int, _ bytes: RawSpan) throws(ScanFailure) {
    let parsed = try JSONObject.elements(at: offset, bytes, depth: depth)
    self.init(
      kind: .array, depth: depth, interior: parsed.range.lowerBound + 1..<parsed.range.upperBound - 1,
      records: parsed.elements.map { FileLayout.Record(range: $0, value: $0) })
  }

  /// The record behind which a new one goes; -1 for the front.
  static func anchor(for role: FileLayout.Role, in order: FileLayout.Order, among roles: [FileLayout.Role]) -> Int {
    switch (order, role) {
    case (.stringsFirst, .string): return roles.lastIndex { $0 == .string } ?? -1
    case (.graph, .plain), (.graph, .string):
      return (roles.firstIndex { $0 == .entity || $0 == .relation } ?? roles.count) - 1
    case (.graph, .entity):
      return roles.lastIndex { $0 == .entity } ?? ((roles.firstIndex { $0 == .relation } ?? roles.count) - 1)
    default: return roles.count - 1
    }
  }
}
