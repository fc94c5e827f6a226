import CRDT

/// The value of an entry, without metadata, as a person hands it in.
public enum EntryValue {
  /// Reads a text that is one JSON object.
  ///
  /// Throws ``MemoryError`` with file, line and column for anything else, and for an object that holds
  /// `_crdt_metadata`: that is an entry, and its stamp would not be this value's.
  /// - Returns: the object without white space outside strings.
  /// - Complexity: O(n)
  public static func read(_ bytes: [UInt8], source: String) throws(MemoryError) -> [UInt8] {
    let span = bytes.span.bytes
    do throws(ScanFailure) {
      var scanner = JSONScanner()
      scanner.skipWhitespace(span)
      if scanner.isAtEnd(span) { throw ScanFailure(0, "empty; one JSON object was expected", code: .empty) }
      let (members, range) = try JSONObject.members(at: scanner.offset, span)
      scanner.offset = range.upperBound
      scanner.skipWhitespace(span)
      guard scanner.isAtEnd(span) else { throw ScanFailure(scanner.offset, "text after the end of the object") }
      if let metadata = members.first(where: { EntryTable.isMetadataName($0.name, span) }) {
        throw ScanFailure(
          metadata.whole.lowerBound, "a value has no _crdt_metadata: take that member out", code: .invalidMetadata)
      }
      var compact: [UInt8] = []
      JSONText.appendCompact(span, range, to: &compact)
      return compact
    } catch {
      throw error.located(source: source, in: span)
    }
  }

  /// The members of a value as text, `"name": value`, one each, for people to compare.
  /// - Parameter content: a compact JSON object.
  public static func members(of content: [UInt8]) throws(MemoryError) -> [String] {
    let span = content.span.bytes
    do throws(ScanFailure) {
      return try JSONObject.members(at: 0, span).members.map { member in
        let name = JSONText.slice(span, member.name.range.lowerBound - 1..<member.name.range.upperBound + 1)
        let value = JSONText.slice(span, member.value)
        return String(decoding: name, as: UTF8.self) + ": " + String(decoding: value, as: UTF8.self)
      }
    } catch {
      throw error.located(source: "value", in: span)
    }
  }
}
