import CZlib

/// Checksums of bytes.
public enum Checksum {
  /// CRC-32 as in zlib and PNG. Finds accidental damage, not malice. O(n).
  public static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let contiguous = Array(bytes)
    return contiguous.withUnsafeBufferPointer { buffer in
      UInt32(truncatingIfNeeded: crc32_z(crc32_z(0, nil, 0), buffer.baseAddress, buffer.count))
    }
  }
}

/// An envelope for private state: a file that was torn, cut, mixed up or damaged is told from a good one.
///
/// `CRDTSEAL`, kind (8 bytes, zero-padded), version and payload length (4 and 8 bytes, little endian), payload,
/// CRC-32 of all that (4 bytes).
public struct SealedRecord: Hashable, Sendable {
  /// Why bytes are no such record. In every case: rebuild, never guess.
  public enum Damage: String, Error, Hashable, Sendable {
    case notARecord, otherKind, truncated, trailingBytes, checksum
  }

  private static let magic = Array("CRDTSEAL".utf8)
  private static let headerBytes = 28

  /// What the payload is, at most eight ASCII letters.
  public var kind: String
  /// The version of the payload's form; a reader decides which it knows.
  public var version: UInt32
  public var payload: [UInt8]

  public init(kind: String, version: UInt32, payload: [UInt8]) {
    precondition(kind.utf8.count <= 8 && !kind.utf8.contains(0))
    self.kind = kind
    self.version = version
    self.payload = payload
  }

  /// The bytes to write.
  public var sealed: [UInt8] {
    var bytes = Self.magic
    bytes += Array(kind.utf8) + [UInt8](repeating: 0, count: 8 - kind.utf8.count)
    bytes += (0..<4).map { UInt8(truncatingIfNeeded: version >> (8 * UInt32($0))) }
    let length = UInt64(payload.count)
    bytes += (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }
    bytes += payload
    let checksum = Checksum.crc32(bytes)
    bytes += (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * UInt32($0))) }
    return bytes
  }

  /// Opens what `sealed` gave. Throws ``Damage`` for anything else.
  public init(opening bytes: [UInt8], kind expectedKind: String) throws(Damage) {
    guard bytes.starts(with: Self.magic) else { throw .notARecord }
    guard bytes.count >= Self.headerBytes + 4 else { throw .truncated }
    let kind = String(decoding: bytes[8..<16].prefix { $0 != 0 }, as: UTF8.self)
    guard kind == expectedKind else { throw .otherKind }
    let length = Self.number(bytes[20..<28])
    let room = UInt64(bytes.count - Self.headerBytes - 4)
    guard length <= room else { throw .truncated }
    guard length == room else { throw .trailingBytes }
    let end = bytes.count - 4
    guard UInt64(Checksum.crc32(bytes[..<end])) == Self.number(bytes[end...]) else { throw .checksum }
    self.init(
      kind: kind, version: UInt32(Self.number(bytes[16..<20])),
      payload: Array(bytes[Self.headerBytes..<end]))
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
