/// Finds out what form a memory file has, by its content alone.
public enum FormatDetector {
  /// What was found, how sure it is, and why.
  public struct Detection: Hashable, Sendable {
    public var format: MemoryFormat
    public var confidence: FormatConfidence
    /// One clause without a full stop.
    public var reason: String
  }

  /// Detects the format of a file.
  ///
  /// Throws ``MemoryError``: `ambiguousFormat` where two formats have an equal claim, naming both and `--format`;
  /// `unknownFormat` where none has; and as ``MemoryDocument/parse(_:source:format:)`` for what is no text at all. A
  /// file that is detected may still be refused by the parser further down.
  /// - Complexity: O(1) for arrays, O(n) for line-based formats.
  public static func detect(_ bytes: [UInt8], source: String) throws(MemoryError) -> Detection {
    try refuseUnreadable(bytes, source: source)
    let span = bytes.span.bytes
    let probe: FormatProbe
    do {
      probe = try FormatProbe(span)
    } catch {
      throw error.located(source: source, in: span)
    }
    let verdicts = MemoryFormat.allCases.compactMap { format in
      format.codec.verdict(on: probe).map {
        Detection(format: format, confidence: $0.confidence, reason: $0.reason)
      }
    }
    let certain = verdicts.filter { $0.confidence == .certain }
    let best = certain.isEmpty ? verdicts : certain
    if best.count > 1 {
      let names = best.map(\.format.summary).joined(separator: " or ")
      throw MemoryError(
        .ambiguousFormat, source: source,
        reason: "could be \(names); say which with --format \(best.map(\.format.rawValue).joined(separator: "|"))")
    }
    guard let found = best.first else {
      throw MemoryError(
        .unknownFormat, source: source,
        reason: "\(probe.description), which is no format known here: \(MemoryFormat.allSummaries); "
          + "name one with --format if it is one of them")
    }
    return found
  }

  /// Refuses what no format can be: nothing, a byte order mark, UTF-16, a NUL in front; also anything else in front
  /// of what are no lines of objects.
  static func refuseUnreadable(_ bytes: [UInt8], source: String) throws(MemoryError) {
    let span = bytes.span.bytes
    guard bytes.count <= EntryTable.maximumSourceBytes else {
      throw MemoryError(.tooLarge, source: source, reason: "larger than 4 GiB")
    }
    var scanner = JSONScanner()
    scanner.skipWhitespace(span)
    if scanner.isAtEnd(span) {
      let what = bytes.isEmpty ? "empty" : "only white space"
      throw MemoryError(.empty, source: source, reason: "\(what); this is never taken for \"everything was deleted\"")
    }
    switch scanner.peek(span) {
    case 0x5B, 0x7B: return
    case 0xFE, 0xFF:
      throw ScanFailure(scanner.offset, "not UTF-8 (it looks like UTF-16); save the file as UTF-8")
        .located(source: source, in: span)
    default:
      if LineDamage.isFirstOfLines(span) { return }
      let found = scanner.failure(span, "neither a JSON array nor JSON Lines of objects")
      let isPlain = found.reason == "neither a JSON array nor JSON Lines of objects"
      throw ScanFailure(found.offset, found.reason, code: isPlain ? .unknownFormat : .invalidJSON)
        .located(source: source, in: span)
    }
  }
}
