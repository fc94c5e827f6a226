/// The knowledge graph of the MCP memory server and its kin: JSON Lines of entities and relations.
///
/// ```
/// {"type":"entity","name":"Ada","entityType":"person","observations":["likes tea"]}
/// {"type":"relation","from":"Ada","to":"Analytical Engine","relationType":"programs"}
/// ```
/// An entity is named by its name, a relation by its triple, an observation is an entry of its own. Every other
/// record, such as the marker line `{"type":"_aim",…}`, is kept as it is.
enum GraphFormat: FormatCodec {
  static let summary = "the MCP memory server's knowledge graph"
  static let isLineBased = true

  static func verdict(on probe: FormatProbe) -> FormatVerdict? {
    guard case .lines(let lines) = probe.shape, lines.graphRecords + lines.markers > 0 else { return nil }
    // Marks alone, beside objects with ids, are somebody else's.
    guard lines.graphRecords > 0 || lines.markers == lines.objects else { return nil }
    let isCertain = lines.graphRecords > 0 && lines.named == 0 && lines.broken == 0
    return FormatVerdict(
      confidence: isCertain ? .certain : .likely,
      reason: "\(lines.graphRecords) of \(lines.objects) lines are entities or relations of a graph")
  }

  static func items(of bytes: RawSpan) throws(ScanFailure) -> [MemoryDocument.Item] {
    try JSONLinesFormat.lineItems(of: bytes, identity: .graph).items
  }

  static let identity = RecordReader.Identity.graph
  static let order = FileLayout.Order.graph

  static func layout(of bytes: RawSpan) throws(ScanFailure) -> FileLayout { FileLayout.lines(of: bytes) }

  static func render(_ records: [[UInt8]]) -> [UInt8] { JSONLinesFormat.render(records) }
}
