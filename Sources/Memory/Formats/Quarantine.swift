import CRDT

/// A line of a line-based memory file that cannot be read, kept as an entry with its exact bytes.
///
/// `{"line":"<the bytes as a string>"}`, or `{"base64":"…"}` where they are no UTF-8. Its id is the digest of the
/// bytes, so that the same damage is the same entry on every host. It is no memory: no view shows it, and once the
/// line is gone from the file (mended or taken out) the entry is resolved, in one-way backups too.
public enum Quarantine {
  public static let kind: ByteString = "quarantine"

  private static let idPrefix = Array("quarantine:".utf8)

  /// The id of a line.
  public static func id(of line: [UInt8]) -> ByteString {
    ByteString(bytes: idPrefix + Array(EntryIdentity.hexDigest(of: line).prefix(32).utf8))
  }

  /// Whether an id is formed like one of these. An entry of a user's own may be called so too: its kind decides.
  static func mayBe(_ id: ByteString) -> Bool { id.bytes.starts(with: idPrefix) }

  /// Whether a damaged line is one that git leaves around the sides of a conflict.
  public static func isConflictMarker(_ item: MemoryDocument.Item) -> Bool {
    guard item.kind == kind, let line = line(ofContent: item.content) else { return false }
    return ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].contains { line.starts(with: $0.utf8) }
  }

  /// The content of the entry for a line.
  static func content(of line: [UInt8]) -> [UInt8] {
    // Text in the strict sense: what a JSON string gives back to the byte.
    if String(validating: line, as: UTF8.self) != nil {
      return Array(#"{"line":"#.utf8) + JSONText.quoted(line) + [0x7D]
    }
    return Array(#"{"base64":""#.utf8) + Base64.encode(line) + [0x22, 0x7D]
  }

  /// The exact bytes of the line that an entry's content keeps; `nil` when it is no such content.
  public static func line(ofContent content: [UInt8]) -> [UInt8]? {
    let bytes = content.span.bytes
    guard let members = try? JSONObject.members(at: 0, bytes).members, members.count == 1,
      let text = JSONObject.string(members[0].value, bytes)
    else { return nil }
    if members[0].isNamed("line", bytes) { return text }
    return members[0].isNamed("base64", bytes) ? Base64.decode(text) : nil
  }

  static func item(_ line: [UInt8], number: Int, range: Range<Int>) -> MemoryDocument.Item {
    MemoryDocument.Item(id: id(of: line), content: content(of: line), kind: kind, line: number, range: range)
  }
}

/// RFC 4648 with padding.
enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      let group = (0..<3).reduce(0) { $0 << 8 | ($1 < count ? Int(bytes[start + $1]) : 0) }
      for position in 0..<4 {
        output.append(position <= count ? digits[group >> (18 - 6 * position) & 63] : 0x3D)
      }
    }
    return output
  }

  /// `nil` for anything that ``encode(_:)`` does not write.
  static func decode(_ text: [UInt8]) -> [UInt8]? {
    var output: [UInt8] = []
    var group = 0
    var bits = 0
    for byte in text where byte != 0x3D {
      guard let digit = digits.firstIndex(of: byte) else { return nil }
      group = (group << 6 | digit) & 0xFFFF
      bits += 6
      if bits >= 8 {
        bits -= 8
        output.append(UInt8(group >> bits & 0xFF))
      }
    }
    return encode(output) == text ? output : nil
  }
}
