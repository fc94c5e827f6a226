import CRDT

/// How entries and hosts are named where they do not name themselves.
public enum EntryIdentity {
  /// The text of an object's `id` member: a string decoded, or a number as written. The last one counts, as in every
  /// common parser. `nil` when there is none of these kinds, or it is empty.
  package static func idMember(of object: [UInt8]) -> ByteString? {
    let bytes = object.span.bytes
    guard let parsed = try? JSONObject.members(at: 0, bytes) else { return nil }
    return idMember(in: parsed.members, bytes)
  }

  package static func idMember(in members: [JSONMember], _ bytes: RawSpan) -> ByteString? {
    for member in members.reversed() where JSONText.decode(member.name, bytes) == [0x69, 0x64] {
      switch JSONObject.kind(at: member.value.lowerBound, bytes) {
      case .string:
        guard let text = JSONObject.string(member.value, bytes), !text.isEmpty else { return nil }
        return ByteString(bytes: text)
      case .number: return ByteString(bytes: JSONText.slice(bytes, member.value))
      default: return nil
      }
    }
    return nil
  }

  /// The id that a value states of itself: its `id`, or what its record of a knowledge graph goes by. `nil` where the
  /// name stands outside the value, or there is none.
  /// - Parameter content: a compact JSON object.
  public static func statedID(of content: [UInt8]) -> ByteString? {
    let bytes = content.span.bytes
    guard let members = try? JSONObject.members(at: 0, bytes).members else { return nil }
    return GraphRecord(members, bytes)?.id ?? idMember(in: members, bytes)
  }

  /// The id of a value that has none: `sha256-` and the first 32 hex digits of the digest of its form, so that
  /// another spelling of it is not another value.
  public static func contentID(of content: [UInt8]) -> ByteString {
    ByteString("sha256-" + hexDigest(of: JSONMeaning.form(of: content, keepsOrder: true) ?? content).prefix(32))
  }

  /// Whether two contents are spellings of one value.
  public static func isSameMeaning(_ content: [UInt8], _ other: [UInt8]) -> Bool {
    content == other || (JSONMeaning.form(of: content).map { $0 == JSONMeaning.form(of: other) } ?? false)
  }

  /// SHA-256 in lower-case hex.
  public static func hexDigest(of bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: SHA256Digest.of(bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
      as: UTF8.self)
  }

  /// The host name any text folds to; see ``HostName/init(folding:digest:)``.
  public static func hostName(folding text: some StringProtocol) -> HostName {
    HostName(folding: text, digest: hexDigest(of:))
  }
}
