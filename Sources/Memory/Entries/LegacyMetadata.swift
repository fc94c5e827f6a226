import CRDT

/// Metadata for entries of older files that have none: a function of the entry and the file's host, never random, so
/// that every host makes the same.
enum LegacyMetadata {
  /// The members that may hold an older entry's time, the first one readable counts.
  private static let timeMembers: [ByteString] = [
    "timestamp", "created_at", "updated_at", "last_updated", "createdAt", "updatedAt",
  ]

  /// The entry with its deterministic metadata.
  /// - Parameter compact: the object without white space outside strings and without metadata.
  static func entry(_ compact: [UInt8], members: [JSONMember], host: HostName) -> Entry {
    let bytes = compact.span.bytes
    let id = EntryIdentity.idMember(in: members, bytes) ?? EntryIdentity.contentID(of: compact)
    let instant = time(members, bytes)
    let unique = UniqueID(host: host, id: id, created: instant)
    return Entry(
      content: compact,
      metadata: Metadata(
        stamp: Stamp(instant: instant, host: host.bytes), version: 0, uniqueID: unique.text))
  }

  private static func time(_ members: [JSONMember], _ bytes: RawSpan) -> Instant {
    for name in timeMembers {
      for member in members where JSONText.decode(member.name, bytes) == name.bytes {
        if let instant = time(of: member.value, bytes) { return instant }
      }
    }
    return .epoch
  }

  /// RFC 3339 text, or a whole number of seconds or milliseconds since 1970 (beyond 10^11 it is milliseconds).
  private static func time(of value: Range<Int>, _ bytes: RawSpan) -> Instant? {
    switch JSONObject.kind(at: value.lowerBound, bytes) {
    case .string:
      guard let text = JSONObject.string(value, bytes) else { return nil }
      // Cut to what the written form holds, so that the unique_id and the stamp say the same.
      return Instant(rfc3339: text).map {
        Instant(seconds: $0.seconds, attoseconds: $0.attoseconds - $0.attoseconds % 1_000_000_000)
      }
    case .number:
      let text = String(decoding: JSONText.slice(bytes, value), as: UTF8.self)
      guard let number = Int64(text.prefix { $0 != "." && $0 != "e" && $0 != "E" }),
        !text.contains("e"), !text.contains("E"), number >= 0
      else { return nil }
      if number >= 100_000_000_000 {
        guard number / 1000 <= Instant.latest.seconds else { return nil }
        return Instant(unixSeconds: number / 1000, nanoseconds: number % 1000 * 1_000_000)
      }
      return Instant(unixSeconds: number)
    default: return nil
    }
  }
}
