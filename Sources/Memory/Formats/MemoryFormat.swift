import CRDT

/// The forms a memory file is kept in. The raw value is the name that `--format` takes.
///
/// A new format is one case here, one ``FormatCodec`` in this folder and its line in ``codec``.
public enum MemoryFormat: String, Hashable, Sendable, CaseIterable {
  /// One JSON array of objects.
  case jsonArray = "json"
  /// One JSON object a line.
  case jsonLines = "jsonl"
  /// The knowledge graph of the MCP memory server: JSON Lines of `entity` and `relation` records.
  case graph = "mcp"
  /// One JSON object of id and value.
  case map
  /// One JSON array of strings.
  case strings
  /// One JSON object with the entities and the relations of a graph.
  case graphObject = "graph-object"
  /// One JSON object with one list of objects in it.
  case envelope
  /// One JSON object of categories, ids and values.
  case nestedMap = "nested-map"
  /// A folder of Markdown notes, each an entry.
  case markdown

  /// What it is, for people: `a JSON array of objects (json)`.
  public var summary: String { "\(codec.summary) (\(rawValue))" }

  /// Whether memory in this format is a folder of files: see ``NotesFolder``.
  public var isFolder: Bool { self == .markdown }

  /// The formats of one file.
  public static var files: [MemoryFormat] { allCases.filter { !$0.isFolder } }

  /// Every format with its name, for messages.
  public static var allSummaries: String { allCases.map(\.summary).joined(separator: ", ") }

  /// The view in this format: one record a line, in a canonical order, without metadata.
  ///
  /// Entries stand in the order of their creation, so that an edit moves nothing; records that are no part of a
  /// graph come first (marker lines have to), then entities, then relations. Observations go back into their entity
  /// (see ``RecordAssembly``). Lines in quarantine, which no view of a table holds, stand behind all else in a line-based
  /// format as they are, and are left out of any other. Depends on the set of entries only, not on their order.
  /// - Parameter entries: live entries, one an id, as the view of an ``EntryTable`` gives them.
  /// - Returns: the file's bytes; for no entries `[]` or `{}` and a newline, no bytes in the line-based formats.
  /// - Complexity: O(n log n)
  public func render(_ entries: [Entry]) -> [UInt8] {
    let file = codec.render(RecordAssembly.records(of: entries))
    return codec.isLineBased ? RecordAssembly.damagedLines(of: entries).reduce(file) { $0 + $1 + [0x0A] } : file
  }

  /// Whether a file of this format can hold an entry so that it is read as that very entry again.
  ///
  /// Entries of one store may come from files of several formats, and not every format has room for each: an object
  /// that goes by its `id` but looks like an entity would become one in a graph. What a file cannot hold is left out
  /// by ``MemoryDocument/rewritten(_:toHold:keeping:)``, and is to be told apart from what somebody deleted.
  public func canHold(_ entry: Entry) -> Bool { codec.canHold(entry) && codec.isReadable(entry) }

  /// Whether an entry that is not in a file of this format may be put there: less than it can hold.
  ///
  /// The lists of a graph object can hold a record of another kind where somebody put it, but whoever reads them takes
  /// it for an entity. So one that comes from elsewhere, the marker line of a graph in lines say, is left out.
  public func canGain(_ entry: Entry) -> Bool { codec.canGain(entry) && codec.isReadable(entry) }

  /// Those of the entries that one file of this format can hold together: what ``canHold(_:)`` allows, without what
  /// excludes each other. In a file of nested categories no path can be both a value and a category.
  public func heldTogether(_ entries: [Entry]) -> [Entry] {
    codec.heldTogether(entries.filter(canHold), besides: [])
  }

  /// Those of the entries that a new file of this format gets: ``heldTogether(_:)`` of those it ``canGain(_:)``.
  public func gainedTogether(_ entries: [Entry]) -> [Entry] { heldTogether(entries.filter(canGain)) }

  var codec: any FormatCodec.Type {
    switch self {
    case .jsonArray: JSONArrayFormat.self
    case .jsonLines: JSONLinesFormat.self
    case .graph: GraphFormat.self
    case .map: MapFormat.self
    case .strings: StringArrayFormat.self
    case .graphObject: GraphObjectFormat.self
    case .envelope: EnvelopeFormat.self
    case .nestedMap: NestedMapFormat.self
    case .markdown: NotesFolderFormat.self
    }
  }
}

/// How sure a detection is.
public enum FormatConfidence: String, Hashable, Sendable {
  /// Nothing else looks like this.
  case certain
  /// The best reading; another is conceivable.
  case likely
}

/// One way to keep memory in a file.
protocol FormatCodec {
  /// What it is, in a few words with the article.
  static var summary: String { get }

  /// Whether every line is a record of its own, so that a damaged one can be left alone.
  static var isLineBased: Bool { get }

  /// Whether a file looks like this format, and why; `nil` when it does not.
  static func verdict(on probe: FormatProbe) -> FormatVerdict?

  /// The file's items in its order. Throws with the offset where it is not this format.
  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item]

  /// A file of these records, each a compact JSON object.
  static func render(_ records: [[UInt8]]) -> [UInt8]

  // MARK: Rewriting a file, see ``LayoutRewriter``

  /// Where the records stand in a file that ``items(of:)`` took.
  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout

  /// What an object goes by.
  static var identity: RecordReader.Identity { get }

  /// Where new records go.
  static var order: FileLayout.Order { get }

  /// The part of a graph that an object in one of the file's lists is; `nil` when it is none.
  static func graphRecord(_ members: [JSONMember], _ bytes: RawSpan, list: Int) -> GraphRecord?

  /// How an entry's content is written in a file, in place of `old` where it was there before, else beside
  /// `neighbour`.
  static func element(
    for content: [UInt8], replacing old: FileLayout.Record?, like neighbour: FileLayout.Record?,
    in source: LayoutSource
  ) -> FileLayout.Element

  /// The items that a record of this content would be read as.
  static func items(ofRecord content: [UInt8]) -> [MemoryDocument.Item]

  /// The file with the lists that new records of these contents need, added behind everything in it.
  static func completed(_ source: LayoutSource, for contents: [[UInt8]]) -> [UInt8]

  /// The rewritten file of a format that is no list of records; `nil` for all others.
  static func rewritten(_ bytes: [UInt8], _ items: [MemoryDocument.Item], _ fates: LayoutFates) -> [UInt8]?

  /// Whether a file of this format can hold an entry so that it is read as that very entry again.
  static func canHold(_ entry: Entry) -> Bool

  /// Whether an entry that it can hold, and that is not in the file, may be put there.
  static func canGain(_ entry: Entry) -> Bool

  /// Whether a file that holds the entry can still be read: the file's own levels count, too, so that one entry of the
  /// deepest kind would end all reading of a file that wraps it.
  static func isReadable(_ entry: Entry) -> Bool

  /// The entries without those that exclude each other in one file, or an item of these ids that stays in it.
  static func heldTogether(_ entries: [Entry], besides kept: [ByteString]) -> [Entry]
}

extension FormatCodec {
  static var identity: RecordReader.Identity { .idMember }

  static var order: FileLayout.Order { .asCreated }

  static func graphRecord(_ members: [JSONMember], _ bytes: RawSpan, list: Int) -> GraphRecord? {
    if identity == .idMember, EntryIdentity.idMember(in: members, bytes) != nil { return nil }
    return GraphRecord(members, bytes)
  }

  static func element(
    for content: [UInt8], replacing old: FileLayout.Record?, like neighbour: FileLayout.Record?,
    in source: LayoutSource
  ) -> FileLayout.Element { FileLayout.Element(value: content) }

  static func completed(_ source: LayoutSource, for contents: [[UInt8]]) -> [UInt8] { source.bytes }

  static func rewritten(_ bytes: [UInt8], _ items: [MemoryDocument.Item], _ fates: LayoutFates) -> [UInt8]? { nil }

  static func heldTogether(_ entries: [Entry], besides kept: [ByteString]) -> [Entry] { entries }

  static func items(ofRecord content: [UInt8]) -> [MemoryDocument.Item] {
    var items: [MemoryDocument.Item] = []
    let bytes = content.span.bytes
    guard let parsed = try? JSONObject.members(at: 0, bytes, depth: 1) else { return [] }
    RecordReader.append(
      members: parsed.members, range: parsed.range, in: bytes, line: 1, identity: identity, to: &items)
    return items
  }

  static func canGain(_ entry: Entry) -> Bool { canHold(entry) }

  static func isReadable(_ entry: Entry) -> Bool {
    // Brackets inside of strings count as well: more than enough.
    guard entry.content.count(where: { $0 == 0x5B || $0 == 0x7B }) > JSONScanner.depthLimit / 2 else { return true }
    let file = render(RecordAssembly.records(of: [entry]))
    return (try? items(of: file.span.bytes)) != nil
  }

  static func canHold(_ entry: Entry) -> Bool {
    let content = entry.content
    if entry.metadata.kind == Quarantine.kind { return false }
    if entry.metadata.kind == Observation.kind {
      guard let observation = Observation(content: content), observation.content == content else { return false }
      let name = ByteString(bytes: observation.entity)
      return GraphIdentity.observation(of: name, value: observation.value) == entry.id
    }
    let items = items(ofRecord: content)
    return items.count == 1 && items[0].id == entry.id && items[0].content == content && items[0].kind == nil
  }
}

/// What a format says of a file that may be its own.
struct FormatVerdict {
  var confidence: FormatConfidence
  /// One clause without a full stop: `every line is an object with an id`.
  var reason: String
}
