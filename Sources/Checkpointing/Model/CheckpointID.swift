import CRDT

/// The identity of a checkpoint, session or annotation: a random UUID (RFC 9562, version 4), written in lower case.
public struct CheckpointID: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// 36 ASCII characters.
  public let text: String

  /// Makes one of 16 random bytes.
  /// - Precondition: there are 16.
  public init(random bytes: [UInt8]) {
    precondition(bytes.count == 16, "a UUID is 128 bits")
    var bytes = bytes
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = Array("0123456789abcdef".utf8)
    var output: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { output.append(0x2D) }
      output += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    text = String(decoding: output, as: UTF8.self)
  }

  /// Reads a UUID of any version, in either case; `nil` for anything else.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return nil }
    var output: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case 0x2D where [8, 13, 18, 23].contains(index): output.append(byte)
      case _ where [8, 13, 18, 23].contains(index): return nil
      case 0x30...0x39, 0x61...0x66: output.append(byte)
      case 0x41...0x46: output.append(byte + 0x20)
      default: return nil
      }
    }
    self.text = String(decoding: output, as: UTF8.self)
  }

  public init?(_ text: ByteString) { self.init(String(decoding: text.bytes, as: UTF8.self)) }

  /// The text as a key.
  public var bytes: ByteString { ByteString(text) }
  /// The first eight digits, for tables.
  public var short: String { String(text.prefix(8)) }
  public var description: String { text }

  public static func < (left: CheckpointID, right: CheckpointID) -> Bool { left.bytes < right.bytes }
}
