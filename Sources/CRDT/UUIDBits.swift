/// The 128 bits of a UUID (RFC 9562).
public struct UUIDBits: Hashable, Comparable, Sendable {
  public let high: UInt64
  public let low: UInt64

  /// A random one (version 4) of 16 random bytes.
  /// - Precondition: there are 16.
  public init(random bytes: [UInt8]) {
    precondition(bytes.count == 16, "a UUID is 128 bits")
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    high = number(bytes[..<8]) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
    low = number(bytes[8...]) & 0x3FFF_FFFF_FFFF_FFFF | 1 << 63
  }

  /// Reads the text of any version, in either case; `nil` for anything else.
  public init?(text: ByteString) {
    guard text.count == 36 else { return nil }
    var parts: (UInt64, UInt64) = (0, 0)
    var digits = 0
    for (index, byte) in text.bytes.enumerated() {
      if index == 8 || index == 13 || index == 18 || index == 23 {
        guard byte == 0x2D else { return nil }
        continue
      }
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x66: digit = byte - 0x61 + 10
      case 0x41...0x46: digit = byte - 0x41 + 10
      default: return nil
      }
      if digits < 16 { parts.0 = parts.0 << 4 | UInt64(digit) } else { parts.1 = parts.1 << 4 | UInt64(digit) }
      digits += 1
    }
    (high, low) = parts
  }

  /// The text in lower case: 36 ASCII characters.
  public var text: ByteString {
    let digits = Array("0123456789abcdef".utf8)
    var output: [UInt8] = []
    output.reserveCapacity(36)
    for index in 0..<32 {
      if index == 8 || index == 12 || index == 16 || index == 20 { output.append(0x2D) }
      let part = index < 16 ? high : low
      output.append(digits[Int(part >> (60 - 4 * UInt64(index % 16)) & 15)])
    }
    return ByteString(bytes: output)
  }

  /// The order of the texts.
  public static func < (left: UUIDBits, right: UUIDBits) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}
