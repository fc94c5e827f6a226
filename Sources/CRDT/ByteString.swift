/// Text or other data compared by its bytes alone.
///
/// Swift's `String` takes canonically equivalent text for equal: `é` as one scalar and as `e` with an accent are one
/// key of a `Dictionary`. Replicas that keep the one or the other would then differ in their bytes for ever, so keys
/// and values of the lattices in this module are byte strings.
public struct ByteString: Hashable, Comparable, Sendable {
  /// The bytes themselves: any, not only valid UTF-8.
  public var bytes: [UInt8]

  /// Holds `bytes`.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Holds the UTF-8 bytes of `text`, not normalized.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// The order of the bytes as unsigned numbers; a prefix comes first.
  ///
  /// - Complexity: O(*n*) in the length of the shorter.
  public static func < (left: ByteString, right: ByteString) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

extension ByteString: ExpressibleByStringLiteral {
  /// Holds the UTF-8 bytes of the literal.
  public init(stringLiteral text: String) { self.init(text) }
}

extension ByteString: CustomStringConvertible {
  /// The bytes read as UTF-8; what is no UTF-8 shows as U+FFFD.
  public var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension ByteString: CustomDebugStringConvertible {
  /// A literal that tells apart what looks the same: everything but printable ASCII as `\xHH`.
  public var debugDescription: String {
    var text = "\""
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""): text += "\\\""
      case UInt8(ascii: "\\"): text += "\\\\"
      case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16, uppercase: true)
      }
    }
    return text + "\""
  }
}
