/// A string compared, ordered and hashed as bytes.
///
/// Swift's `String ==` is canonical equivalence: the NFC and NFD spellings of a name are one key in a `Set<String>`.
/// Ids and host names of memory are whatever bytes the user wrote, so they are keys of this type instead.
/// Usually UTF-8; a lone surrogate of a JSON `\u` escape is kept in its generalized UTF-8 form (WTF-8).
public struct ByteString: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The bytes themselves.
  public var bytes: [UInt8]

  public init(bytes: [UInt8]) { self.bytes = bytes }
  public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
  public init(_ string: some StringProtocol) { self.bytes = Array(string.utf8) }
  public init(stringLiteral value: String) { self.bytes = Array(value.utf8) }

  public var count: Int { bytes.count }
  public var isEmpty: Bool { bytes.isEmpty }

  /// For people: what is no UTF-8 shows as U+FFFD.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Byte order.
  public static func < (left: ByteString, right: ByteString) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
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
