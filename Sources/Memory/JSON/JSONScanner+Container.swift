extension JSONScanner {
  /// Moves over an array or object and all that is in it, without recursion: one bit a level tells which it is.
  package mutating func skipContainer(_ bytes: RawSpan, depth: Int) throws(ScanFailure) {
    var isObject = InlineArray<8, UInt64>(repeating: 0)
    var level = depth
    while true {
      // At the start of a value.
      switch peek(bytes) {
      case 0x7B, 0x5B:
        let opensObject = peek(bytes) == 0x7B
        guard level < JSONScanner.depthLimit else {
          throw ScanFailure(offset, "nested deeper than 512 levels")
        }
        let bit: UInt64 = 1 << UInt64(level & 63)
        if opensObject { isObject[level >> 6] |= bit } else { isObject[level >> 6] &= ~bit }
        level += 1
        offset += 1
        skipWhitespace(bytes)
        if opensObject {
          if peek(bytes) != 0x7D {
            _ = try skipName(bytes)
            continue
          }
        } else if peek(bytes) != 0x5D {
          continue
        }
        offset += 1
        level -= 1
      case 0x22:
        _ = try skipString(bytes)
      default:
        try skipScalar(bytes)
      }

      // Behind a value: close what ends here, or go on to the next.
      while true {
        if level == depth { return }
        skipWhitespace(bytes)
        let inObject = isObject[(level - 1) >> 6] & (1 << UInt64((level - 1) & 63)) != 0
        let next = peek(bytes)
        if next == 0x2C {
          offset += 1
          skipWhitespace(bytes)
          if inObject { _ = try skipName(bytes) }
          break
        }
        guard next == (inObject ? 0x7D : 0x5D) else {
          throw failure(bytes, inObject ? "a comma or } was expected" : "a comma or ] was expected")
        }
        offset += 1
        level -= 1
      }
    }
  }

  /// Moves over a member's name, the colon and the space around it.
  @inline(__always)
  package mutating func skipName(_ bytes: RawSpan) throws(ScanFailure) -> JSONStringToken {
    let name = try skipString(bytes, orElse: "a member name in quotes was expected")
    skipWhitespace(bytes)
    try expect(0x3A, bytes, "a colon was expected")
    skipWhitespace(bytes)
    return name
  }
}
