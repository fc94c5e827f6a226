/// Reading and writing single JSON strings, and squeezing white space out of a value.
package enum JSONText {
  /// The text of a string token. Lone surrogates become their three generalized UTF-8 bytes, so that no two
  /// different strings decode alike.
  /// - Precondition: the token was accepted by ``JSONScanner``.
  package static func decode(_ token: JSONStringToken, _ bytes: RawSpan) -> [UInt8] {
    guard token.hasEscapes else { return slice(bytes, token.range) }
    var text: [UInt8] = []
    text.reserveCapacity(token.range.count)
    var position = token.range.lowerBound
    while position < token.range.upperBound {
      let byte = JSONScanner.byte(bytes, position)
      guard byte == 0x5C else {
        text.append(byte)
        position += 1
        continue
      }
      let escape = JSONScanner.byte(bytes, position + 1)
      position += 2
      switch escape {
      case 0x62: text.append(0x08)
      case 0x66: text.append(0x0C)
      case 0x6E: text.append(0x0A)
      case 0x72: text.append(0x0D)
      case 0x74: text.append(0x09)
      case 0x75:
        var scalar = hexQuad(bytes, position)
        position += 4
        if scalar & 0xFC00 == 0xD800, position + 6 <= token.range.upperBound,
          JSONScanner.byte(bytes, position) == 0x5C, JSONScanner.byte(bytes, position + 1) == 0x75
        {
          let low = hexQuad(bytes, position + 2)
          if low & 0xFC00 == 0xDC00 {
            scalar = 0x10000 + ((scalar & 0x3FF) << 10 | low & 0x3FF)
            position += 6
          }
        }
        appendScalar(scalar, to: &text)
      default: text.append(escape)
      }
    }
    return text
  }

  private static func hexQuad(_ bytes: RawSpan, _ position: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 << 4 | (JSONScanner.hexValue(JSONScanner.byte(bytes, position + $1)) ?? 0) }
  }

  private static func appendScalar(_ scalar: UInt32, to text: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
    switch scalar {
    case ..<0x80: text.append(UInt8(scalar))
    case ..<0x800: text += [UInt8(0xC0 | scalar >> 6), tail(0)]
    case ..<0x10000: text += [UInt8(0xE0 | scalar >> 12), tail(6), tail(0)]
    default: text += [UInt8(0xF0 | scalar >> 18), tail(12), tail(6), tail(0)]
    }
  }

  /// Appends `text` as a JSON string with quotes. Generalized UTF-8 surrogates are written as `\ud800`, so that
  /// decoding gives `text` again and the output is valid UTF-8.
  package static func append(string text: [UInt8], to output: inout [UInt8]) {
    let hex = Array("0123456789abcdef".utf8)
    output.append(0x22)
    var index = 0
    while index < text.count {
      let byte = text[index]
      switch byte {
      case 0x22: output += [0x5C, 0x22]
      case 0x5C: output += [0x5C, 0x5C]
      case 0x0A: output += [0x5C, 0x6E]
      case 0x0D: output += [0x5C, 0x72]
      case 0x09: output += [0x5C, 0x74]
      case 0x00..<0x20:
        output += [0x5C, 0x75, 0x30, 0x30, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      case 0xED where index + 2 < text.count && text[index + 1] >= 0xA0:
        let unit = 0xD000 | Int(text[index + 1] & 0x3F) << 6 | Int(text[index + 2] & 0x3F)
        output += [
          0x5C, 0x75, hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15],
        ]
        index += 2
      default: output.append(byte)
      }
      index += 1
    }
    output.append(0x22)
  }

  /// `text` as a JSON string with quotes.
  package static func quoted(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    append(string: text, to: &output)
    return output
  }

  /// Appends the value in `range` without the white space outside its strings.
  /// - Precondition: the range is one JSON value accepted by ``JSONScanner``.
  package static func appendCompact(_ bytes: RawSpan, _ range: Range<Int>, to output: inout [UInt8]) {
    var inString = false
    var position = range.lowerBound
    while position < range.upperBound {
      let byte = JSONScanner.byte(bytes, position)
      if inString {
        output.append(byte)
        if byte == 0x5C {
          position += 1
          output.append(JSONScanner.byte(bytes, position))
        } else if byte == 0x22 {
          inString = false
        }
      } else if byte > 0x20 {
        output.append(byte)
        inString = byte == 0x22
      }
      position += 1
    }
  }

  /// A copy of some bytes of the buffer.
  package static func slice(_ bytes: RawSpan, _ range: Range<Int>) -> [UInt8] {
    let part = bytes.extracting(range)
    return [UInt8](unsafeUninitializedCapacity: range.count) { target, count in
      part.withUnsafeBytes { source in
        UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
      }
      count = range.count
    }
  }
}
