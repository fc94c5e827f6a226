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

  /// What it is, for people: `a JSON array of objects (json)`.
  public var summary: String { "\(codec.summary) (\(rawValue))" }

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

  var codec: any FormatCodec.Type {
    switch self {
    case .jsonArray: JSONArrayFormat.self
    case .jsonLines: JSONLinesFormat.self
    case .graph: GraphFormat.self
    case .map: MapFormat.self
    case .strings: StringArrayFormat.self
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
}

/// What a format says of a file that may be its own.
struct FormatVerdict {
  var confidence: FormatConfidence
  /// One clause without a full stop: `every line is an object with an id`.
  var reason: String
}
