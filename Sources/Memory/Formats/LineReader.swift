/// Goes through the lines of a file. LF and CRLF end a line; blank lines are passed over.
struct LineReader {
  struct Line {
    /// From 1.
    var number: Int
    /// Without white space around it.
    var range: Range<Int>
    /// All of it up to its end, LF or CRLF.
    var exact: Range<Int>
  }

  private var offset = 0
  private var number = 0

  /// The next line that is not blank, or `nil` at the end.
  mutating func next(_ bytes: RawSpan) -> Line? {
    while offset < bytes.byteCount {
      let start = offset
      while offset < bytes.byteCount, JSONScanner.byte(bytes, offset) != 0x0A { offset += 1 }
      var range = start..<offset
      let hasCarriageReturn =
        offset < bytes.byteCount && offset > start && JSONScanner.byte(bytes, offset - 1) == 0x0D
      let exact = start..<(hasCarriageReturn ? offset - 1 : offset)
      offset += 1
      number += 1
      while let first = range.first, LineReader.isBlank(JSONScanner.byte(bytes, first)) { range.removeFirst() }
      while let last = range.last, LineReader.isBlank(JSONScanner.byte(bytes, last)) { range.removeLast() }
      if !range.isEmpty { return Line(number: number, range: range, exact: exact) }
    }
    return nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

  /// The members of the one object a line is. Offsets count from the line's start, in the error too.
  static func members(of line: RawSpan) throws(ScanFailure) -> [JSONMember] {
    var scanner = JSONScanner()
    guard scanner.peek(line) == 0x7B else { throw scanner.failure(line, "a line that is no JSON object") }
    do throws(ScanFailure) {
      // The object will stand in an array: that level counts, or a state could not be read back.
      let parsed = try JSONObject.members(at: 0, line, depth: 1)
      scanner.offset = parsed.range.upperBound
      guard scanner.isAtEnd(line) else {
        throw scanner.failure(line, "more than one object in a line")
      }
      return parsed.members
    } catch {
      guard error.offset >= line.byteCount else { throw error }
      throw ScanFailure(error.offset, "the line ends in the middle of an object", code: error.code)
    }
  }
}

extension Range<Int> {
  fileprivate mutating func removeFirst() { self = lowerBound + 1..<upperBound }
  fileprivate mutating func removeLast() { self = lowerBound..<upperBound - 1 }
}
