import CRDT

/// One addition of an id by one host: the key of the CRDT, written `host_id_timestamp`.
///
/// A host name holds no `_` and the timestamp has a fixed length, so the text is taken apart again without doubt:
/// no two (host, id, timestamp) share one.
public struct UniqueID: Hashable, Sendable {
  public var host: HostName
  /// The entry's own name for itself; any bytes, `_` included.
  public var id: ByteString
  /// When the addition was stamped, to the nanosecond.
  public var created: Instant

  public init(host: HostName, id: ByteString, created: Instant) {
    self.host = host
    self.id = id
    self.created = created
  }

  /// The written form, before it is escaped as a JSON string.
  public var text: ByteString {
    var bytes = Array(host.text.utf8)
    bytes.append(0x5F)
    bytes += id.bytes
    bytes.append(0x5F)
    created.write(into: &bytes)
    return ByteString(bytes: bytes)
  }

  /// Takes a text apart. `nil` when it was not composed by this product (another tool's key is still a key).
  public init?(_ text: ByteString) {
    let bytes = text.bytes
    guard let hostEnd = bytes.firstIndex(of: 0x5F),
      let host = HostName(String(decoding: bytes[..<hostEnd], as: UTF8.self)),
      bytes.count >= hostEnd + 2 + Instant.writtenCount
    else { return nil }
    let stampStart = bytes.count - Instant.writtenCount
    let stampBytes = Array(bytes[stampStart...])
    guard bytes[stampStart - 1] == 0x5F, let created = Instant(rfc3339: stampBytes),
      created.written == stampBytes
    else { return nil }
    self.host = host
    self.id = ByteString(bytes[(hostEnd + 1)..<(stampStart - 1)])
    self.created = created
  }
}
