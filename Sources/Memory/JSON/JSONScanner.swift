/// A validating scanner of RFC 8259 JSON over bytes: it moves over values and builds nothing.
///
/// Accepts exactly the RFC's grammar in UTF-8, nested at most ``depthLimit`` deep. Numbers of any size and lone
/// `\u` surrogates are kept as written. A byte order mark is refused. The scanner is a cursor: each call gets the
/// buffer again, so it can be stored without borrowing it.
/// - Complexity: one pass; O(1) memory.
package struct JSONScanner {
  /// Where the next byte is read.
  package var offset: Int
  /// Set once white space was met outside a string; the caller clears it.
  package var sawWhitespace = false

  /// Levels of arrays and objects allowed, counted from the top of the file.
  package static let depthLimit = 512

  package init(offset: Int = 0) { self.offset = offset }

  /// The byte at `position`, or 0 behind the end (0 is never valid outside a string, nor inside one).
  @inline(__always)
  static func byte(_ bytes: RawSpan, _ position: Int) -> UInt8 {
    position < bytes.byteCount
      ? bytes.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self) : 0
  }

  @inline(__always)
  package func peek(_ bytes: RawSpan) -> UInt8 { JSONScanner.byte(bytes, offset) }

  package func isAtEnd(_ bytes: RawSpan) -> Bool { offset >= bytes.byteCount }

  /// Moves over space, tab, line feed and carriage return.
  @inline(__always)
  package mutating func skipWhitespace(_ bytes: RawSpan) {
    var next = JSONScanner.byte(bytes, offset)
    guard next <= 0x20 else { return }
    while next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 {
      sawWhitespace = true
      offset += 1
      next = JSONScanner.byte(bytes, offset)
    }
  }

  /// Moves over one given byte, or throws `reason`.
  @inline(__always)
  package mutating func expect(_ expected: UInt8, _ bytes: RawSpan, _ reason: StaticReason)
    throws(ScanFailure)
  {
    guard peek(bytes) == expected else { throw failure(bytes, reason) }
    offset += 1
  }

  /// Moves over `text`, eight to sixteen bytes, if it stands here; otherwise returns false and stays.
  @inline(__always)
  package mutating func skipExactly(_ text: StaticString, _ bytes: RawSpan) -> Bool {
    let count = text.utf8CodeUnitCount
    guard offset + count < bytes.byteCount else { return false }
    let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: count)
    // The first and the last word; they overlap.
    func isEqual(at position: Int) -> Bool {
      bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset + position, as: UInt64.self)
        == expected.loadUnaligned(fromByteOffset: position, as: UInt64.self)
    }
    guard isEqual(at: 0), isEqual(at: count - 8) else { return false }
    offset += count
    return true
  }

  /// `reason`, or a better one when the bytes simply end here or hold a NUL or byte order mark.
  @inline(never)
  package func failure(_ bytes: RawSpan, _ reason: StaticReason) -> ScanFailure {
    if offset >= bytes.byteCount { return ScanFailure(offset, "the file ends in the middle of a value") }
    switch peek(bytes) {
    case 0: return ScanFailure(offset, "a NUL byte")
    case 0xEF where JSONScanner.byte(bytes, offset + 1) == 0xBB && JSONScanner.byte(bytes, offset + 2) == 0xBF:
      return ScanFailure(offset, "a byte order mark; save the file as UTF-8 without BOM")
    case 0x3C where JSONScanner.isRepeated(bytes, offset, 0x3C),
      0x3D where JSONScanner.isRepeated(bytes, offset, 0x3D),
      0x3E where JSONScanner.isRepeated(bytes, offset, 0x3E),
      0x7C where JSONScanner.isRepeated(bytes, offset, 0x7C):
      return ScanFailure(offset, "a git conflict marker; the file was merged as text and is unresolved")
    default: return ScanFailure(offset, reason)
    }
  }

  private static func isRepeated(_ bytes: RawSpan, _ offset: Int, _ value: UInt8) -> Bool {
    (0..<7).allSatisfy { byte(bytes, offset + $0) == value }
  }

  /// Moves over a literal, number, string, array or object.
  /// - Parameter depth: how many arrays and objects are open around it.
  package mutating func skipValue(_ bytes: RawSpan, depth: Int) throws(ScanFailure) {
    switch peek(bytes) {
    case 0x22: _ = try skipString(bytes)
    case 0x7B, 0x5B: try skipContainer(bytes, depth: depth)
    default: try skipScalar(bytes)
    }
  }

  /// Moves over a number or one of `true`, `false`, `null`.
  @inline(__always)
  package mutating func skipScalar(_ bytes: RawSpan) throws(ScanFailure) {
    switch peek(bytes) {
    case 0x74: try skipLiteral(bytes, 0x6575_7274, count: 4)
    case 0x66: try skipLiteral(bytes, 0x65_736C_6166, count: 5)
    case 0x6E: try skipLiteral(bytes, 0x6C6C_756E, count: 4)
    case 0x2D, 0x30...0x39: try skipNumber(bytes)
    default: throw failure(bytes, "not a JSON value")
    }
  }

  private mutating func skipLiteral(_ bytes: RawSpan, _ word: UInt64, count: Int) throws(ScanFailure) {
    for index in 0..<count
    where JSONScanner.byte(bytes, offset + index) != UInt8(truncatingIfNeeded: word >> (8 * UInt64(index))) {
      offset += index
      throw failure(bytes, "not a JSON value (only true, false and null are words)")
    }
    offset += count
  }

  /// Moves over a number of any size.
  package mutating func skipNumber(_ bytes: RawSpan) throws(ScanFailure) {
    if peek(bytes) == 0x2D { offset += 1 }
    if peek(bytes) == 0x30 {
      offset += 1
      if peek(bytes) &- 0x30 < 10 { throw failure(bytes, "a number with a leading zero") }
    } else {
      try skipDigits(bytes)
    }
    if peek(bytes) == 0x2E {
      offset += 1
      try skipDigits(bytes)
    }
    if peek(bytes) | 0x20 == 0x65 {
      offset += 1
      if peek(bytes) == 0x2B || peek(bytes) == 0x2D { offset += 1 }
      try skipDigits(bytes)
    }
  }

  @inline(__always)
  private mutating func skipDigits(_ bytes: RawSpan) throws(ScanFailure) {
    guard peek(bytes) &- 0x30 < 10 else { throw failure(bytes, "a digit is missing in a number") }
    while peek(bytes) &- 0x30 < 10 { offset += 1 }
  }
}
