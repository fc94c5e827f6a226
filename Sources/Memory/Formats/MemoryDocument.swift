import CRDT

/// A memory file taken apart: its format and what it holds, in its order.
public struct MemoryDocument: Hashable, Sendable {
  /// One unit of memory as the file says it.
  public struct Item: Hashable, Sendable {
    /// Its own name: see ``RecordReader``. Not unique: a file may name two things alike.
    public var id: ByteString
    /// A JSON object without white space outside strings and without `_crdt_metadata`.
    public var content: [UInt8]
    /// What is not a plain record: `observation`, `quarantine`.
    public var kind: ByteString?
    /// The line it starts in, from 1.
    public var line: Int
    /// Where it stands in the file: the record, or the one observation.
    public var range: Range<Int>

    public init(id: ByteString, content: [UInt8], kind: ByteString? = nil, line: Int = 0, range: Range<Int> = 0..<0) {
      self.id = id
      self.content = content
      self.kind = kind
      self.line = line
      self.range = range
    }
  }

  public var format: MemoryFormat
  public var items: [Item]

  public init(format: MemoryFormat, items: [Item]) {
    self.format = format
    self.items = items
  }

  /// Reads a whole memory file. Every byte is validated.
  ///
  /// In a line-based file a damaged line is an item of its own, see ``Quarantine``. Throws ``MemoryError`` with file,
  /// line and column for whatever else is not wholly understood: no bytes, half an array, a byte order mark, a NUL. So "no items" always means an empty list that somebody wrote.
  /// - Parameters:
  ///   - source: what errors call the file.
  ///   - format: `nil` to detect it; see ``FormatDetector``.
  /// - Complexity: O(n); detecting a line-based format reads the file once more.
  public static func parse(_ bytes: [UInt8], source: String, format: MemoryFormat? = nil)
    throws(MemoryError) -> MemoryDocument
  {
    try FormatDetector.refuseUnreadable(bytes, source: source)
    let chosen: MemoryFormat
    if let format {
      chosen = format
    } else {
      chosen = try FormatDetector.detect(bytes, source: source).format
    }
    let span = bytes.span.bytes
    do {
      return MemoryDocument(format: chosen, items: try chosen.codec.items(of: span))
    } catch {
      throw error.located(source: source, in: span)
    }
  }
}
