import CRDT
import Memory

/// `hosts/<host>.json`: which installation writes as this host, and how much of the others it has seen.
///
/// Only its owner writes it. Written along with another change, or once a day: seeing is no reason to commit.
public struct HostRecord: Hashable, Sendable {
  public var host: HostName
  /// The installation's random 128-bit identity, 32 hex digits.
  public var replica: String
  public var created: Instant
  /// The format of what this host writes.
  public var formatVersion: Int
  /// The newest stamp seen of every host.
  public var seen: [ByteString: Instant]
  /// The format of each memory of this host, by the source's name (empty: the one without a name): a new machine
  /// creates its memory file in the form its peers use.
  public var formats: [ByteString: ByteString] = [:]

  public static let currentFormatVersion = 1

  public init(
    host: HostName, replica: String, created: Instant, formatVersion: Int = currentFormatVersion,
    seen: [ByteString: Instant] = [:]
  ) {
    self.host = host
    self.replica = replica
    self.created = created
    self.formatVersion = formatVersion
    self.seen = seen
  }

  /// One line of JSON, members in a fixed order.
  var written: [UInt8] {
    var writer = JSONWriter()
    writer.object { object in
      object.member("host", host.text)
      object.member("replica", replica)
      object.member("created", created.description)
      object.member("format", formatVersion)
      object.object("seen") { object in
        for (host, instant) in seen.sorted(by: { $0.key < $1.key }) {
          object.member(host.bytes, Array(instant.roundedUpToNanoseconds.written))
        }
      }
      if !formats.isEmpty {
        object.object("memories") { object in
          for (source, format) in formats.sorted(by: { $0.key < $1.key }) { object.member(source.bytes, format.bytes) }
        }
      }
    }
    return writer.bytes + [0x0A]
  }

  /// Reads a record; `nil` when it is damaged or of a form this version cannot read.
  init?(_ bytes: [UInt8]) {
    guard let fields = try? JSONReader.object(bytes), let name = fields["host"]?.text,
      let host = HostName(String(decoding: name, as: UTF8.self)), let replica = fields["replica"]?.text,
      let createdText = fields["created"]?.text, let created = Instant(rfc3339: createdText)
    else { return nil }
    self.host = host
    self.replica = String(decoding: replica, as: UTF8.self)
    self.created = created
    self.formatVersion = fields["format"]?.integer ?? HostRecord.currentFormatVersion
    self.seen = [:]
    for (host, value) in fields["seen"]?.members ?? [] {
      if let text = value.text, let instant = Instant(rfc3339: text) { seen[host] = instant }
    }
    for (source, value) in fields["memories"]?.members ?? [] {
      if let text = value.text { formats[source] = ByteString(bytes: text) }
    }
  }

  /// The join of two copies of one record: what each has seen, the rest from the copy of the earlier installation (of
  /// the smaller replica, where they were created at once).
  func joined(with other: HostRecord) -> HostRecord {
    let isOlder = (created, replica) <= (other.created, other.replica)
    var result = isOlder ? self : other
    result.formatVersion = max(formatVersion, other.formatVersion)
    // What another installation has seen says nothing of this one.
    guard replica == other.replica else { return result }
    result.seen = seen.merging(other.seen) { max($0, $1) }
    result.formats = formats.merging(other.formats) { max($0, $1) }
    return result
  }
}
