/// Tells a damaged line of a line-based file from a file that is not line-based at all.
///
/// A damaged line is kept and the others go on, but only where lines are what the file is made of: a truncated array
/// or object over many lines would else be read as the few lines of it that happen to be objects.
struct LineDamage {
  private var hasObjects = false
  private var firstFailure: ScanFailure?
  private var isFirstLine = true

  /// Takes note of a line that is one object.
  mutating func sawObject() {
    hasObjects = true
    isFirstLine = false
  }

  /// Takes note of a line that is none. Throws where it shows that the whole file is something else, or damaged in a
  /// way that no line explains.
  /// - Parameter failure: why it is none, with its offset in the line.
  mutating func saw(_ failure: ScanFailure, _ line: LineReader.Line, _ bytes: RawSpan) throws(ScanFailure) {
    let part = bytes.extracting(line.range)
    let inFile = ScanFailure(line.range.lowerBound + failure.offset, failure.reason, code: failure.code)
    // Disks fill files with NULs when the power goes, and UTF-16 is full of them. No text has any.
    for index in line.exact where JSONScanner.byte(bytes, index) == 0 { throw ScanFailure(index, "a NUL byte") }
    if isFirstLine, !LineDamage.isLine(part) { throw inFile }
    // What is left of an array whose elements stand on lines of their own.
    let first = JSONScanner.byte(part, 0)
    let endsInComma = JSONScanner.byte(part, part.byteCount - 1) == 0x2C
    if first == 0x5D || (!hasObjects && (first == 0x5B || endsInComma)) { throw firstFailure ?? inFile }
    isFirstLine = false
    if firstFailure == nil { firstFailure = inFile }
  }

  /// Throws the first failure where no line was an object.
  func finish() throws(ScanFailure) {
    if !hasObjects, let firstFailure { throw firstFailure }
  }

  /// Whether the first line of a file, though damaged, is one of a line-based file: a conflict marker, a whole value,
  /// several objects, or half an object that ends within a string, as no object over many lines does.
  static func isLine(_ line: RawSpan) -> Bool {
    if isConflictMarker(line) { return true }
    var scanner = JSONScanner()
    do throws(ScanFailure) {
      try scanner.skipValue(line, depth: 1)
    } catch {
      return JSONScanner.byte(line, 0) == 0x7B && endsWithinString(line)
    }
    scanner.skipWhitespace(line)
    return scanner.isAtEnd(line) || scanner.peek(line) == 0x7B
  }

  /// Whether a file begins with a damaged line, and lines of objects follow.
  static func isFirstOfLines(_ bytes: RawSpan) -> Bool {
    var reader = LineReader()
    guard let first = reader.next(bytes), isLine(bytes.extracting(first.range)) else { return false }
    while let line = reader.next(bytes) {
      if (try? LineReader.members(of: bytes.extracting(line.range))) != nil { return true }
    }
    return false
  }

  private static func isConflictMarker(_ line: RawSpan) -> Bool {
    [0x3C, 0x3D, 0x3E, 0x7C].contains { (mark: UInt8) in (0..<7).allSatisfy { JSONScanner.byte(line, $0) == mark } }
  }

  private static func endsWithinString(_ line: RawSpan) -> Bool {
    var isInString = false
    var index = 0
    while index < line.byteCount {
      switch JSONScanner.byte(line, index) {
      case 0x5C where isInString: index += 1
      case 0x22: isInString.toggle()
      default: break
      }
      index += 1
    }
    return isInString
  }
}
