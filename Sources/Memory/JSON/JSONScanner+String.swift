/// A string as it stands in the buffer.
package struct JSONStringToken: Hashable {
  /// The bytes between the quotes, escapes as written.
  package var range: Range<Int>
  /// True when it holds a backslash, so that ``range`` is not yet the text.
  package var hasEscapes: Bool

  package init(range: Range<Int>, hasEscapes: Bool) {
    self.range = range
    self.hasEscapes = hasEscapes
  }
}

extension JSONScanner {
  /// Moves over a string, quotes included: escapes, control characters and UTF-8 are checked.
  @inline(__always)
  package mutating func skipString(
    _ bytes: RawSpan, orElse reason: StaticReason = "a string was expected"
  ) throws(ScanFailure) -> JSONStringToken {
    guard peek(bytes) == 0x22 else { throw failure(bytes, reason) }
    let start = offset + 1
    var position = start
    var hasEscapes = false
    let wordLimit = bytes.byteCount - 8
    scan: while true {
      // Eight bytes at a time while none is a quote, a backslash, a control character or outside ASCII.
      while position <= wordLimit {
        let word = bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
        let special = JSONScanner.specialBytes(in: UInt64(littleEndian: word))
        if special != 0 {
          position += special.trailingZeroBitCount >> 3
          break
        }
        position += 8
      }
      switch JSONScanner.byte(bytes, position) {
      case 0x22:
        offset = position + 1
        return JSONStringToken(range: start..<position, hasEscapes: hasEscapes)
      case 0x5C:
        hasEscapes = true
        position = try escapeEnd(bytes, at: position)
      case 0x20...0x7F:
        position += 1
      case 0x80...0xFF:
        position = try sequenceEnd(bytes, at: position)
      default:
        throw badStringByte(bytes, at: position)
      }
    }
  }

  /// High bit set in each byte that is `"`, `\`, below 0x20, or 0x80 and above. Exact for the lowest such byte:
  /// a subtraction borrows only from behind one of them, and bytes of 0x80 and above are in the result anyway.
  @inline(__always)
  private static func specialBytes(in word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = (word ^ (ones &* 0x22)) &- ones
    let slashes = (word ^ (ones &* 0x5C)) &- ones
    let controls = word &- ones &* 0x20
    return (quotes | slashes | controls | word) & (ones &* 0x80)
  }

  @inline(never)
  private func badStringByte(_ bytes: RawSpan, at position: Int) -> ScanFailure {
    if position >= bytes.byteCount { return ScanFailure(position, "the file ends in the middle of a string") }
    return JSONScanner.byte(bytes, position) == 0
      ? ScanFailure(position, "a NUL byte")
      : ScanFailure(position, "a control character in a string; write it as an escape")
  }

  @inline(never)
  private func escapeEnd(_ bytes: RawSpan, at position: Int) throws(ScanFailure) -> Int {
    switch JSONScanner.byte(bytes, position + 1) {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
      return position + 2
    case 0x75:
      for index in position + 2..<position + 6
      where JSONScanner.hexValue(JSONScanner.byte(bytes, index)) == nil {
        throw ScanFailure(index, "a \\u escape needs four hex digits")
      }
      return position + 6
    default:
      throw ScanFailure(position, "an escape that JSON does not have")
    }
  }

  @inline(__always)
  static func hexValue(_ digit: UInt8) -> UInt32? {
    switch digit {
    case 0x30...0x39: UInt32(digit) - 0x30
    case 0x61...0x66: UInt32(digit) - 0x61 + 10
    case 0x41...0x46: UInt32(digit) - 0x41 + 10
    default: nil
    }
  }

  /// The end of the UTF-8 sequence that starts with a byte of 0x80 or more (Unicode 15, table 3-7).
  @inline(never)
  private func sequenceEnd(_ bytes: RawSpan, at position: Int) throws(ScanFailure) -> Int {
    let first = JSONScanner.byte(bytes, position)
    let second = JSONScanner.byte(bytes, position + 1)
    func isContinuation(_ index: Int) -> Bool { JSONScanner.byte(bytes, index) & 0xC0 == 0x80 }
    switch first {
    case 0xC2...0xDF where isContinuation(position + 1):
      return position + 2
    case 0xE0 where second >= 0xA0 && second <= 0xBF && isContinuation(position + 2),
      0xE1...0xEC where isContinuation(position + 1) && isContinuation(position + 2),
      0xED where second >= 0x80 && second <= 0x9F && isContinuation(position + 2),
      0xEE...0xEF where isContinuation(position + 1) && isContinuation(position + 2):
      return position + 3
    case 0xF0 where second >= 0x90 && second <= 0xBF && isContinuation(position + 2) && isContinuation(position + 3),
      0xF1...0xF3
    where isContinuation(position + 1) && isContinuation(position + 2) && isContinuation(position + 3),
      0xF4 where second >= 0x80 && second <= 0x8F && isContinuation(position + 2) && isContinuation(position + 3):
      return position + 4
    default:
      throw ScanFailure(position, "not valid UTF-8")
    }
  }
}
