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
  /// Of every host the mark that this one has merged: everything that host wrote with a stamp up to it. For this host
  /// itself it is its clock's mark, committed together with all that it has written.
  public var seen: [ByteString: Instant]
  /// How far the state was collected that this record was written with; see ``CollectedFrontier``.
  public var collected = CollectedFrontier()
  /// Hosts that this one has said are gone, or are back.
  public var retirements: [ByteString: Retirement] = [:]

  /// What a host says of another's being gone. The newest word of all hosts counts.
  public struct Retirement: Hashable, Sendable {
    /// When it was said.
    public var at: Instant
    /// The host's mark then; what it writes later says that it is back. `nil`: it is not gone.
    public var mark: Instant?

    public init(at: Instant, mark: Instant?) {
      self.at = at
      self.mark = mark
    }
  }
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

  /// One line of JSON, members in a fixed order; what is empty but for `seen` is left out.
  var written: [UInt8] {
    var writer = JSONWriter()
    writer.object { object in
      object.member("host", host.text)
      object.member("replica", replica)
      object.member("created", created.description)
      object.member("format", formatVersion)
      object.object("seen") { HostRecord.write(seen, &$0) }
      if !collected.isEmpty { object.object("collected") { HostRecord.write(collected.newest, &$0) } }
      if !retirements.isEmpty {
        object.object("retired") { object in
          for (host, retirement) in retirements.sorted(by: { $0.key < $1.key }) {
            var member = JSONWriter()
            member.object { member in
              member.member("at", retirement.at.roundedUpToNanoseconds.description)
              if let mark = retirement.mark { member.member("mark", mark.roundedUpToNanoseconds.description) }
            }
            object.raw(host, member.bytes)
          }
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

  private static func write(_ instants: [ByteString: Instant], _ object: inout JSONWriter) {
    for (host, instant) in instants.sorted(by: { $0.key < $1.key }) {
      object.member(host.bytes, Array(instant.roundedUpToNanoseconds.written))
    }
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
    self.seen = HostRecord.instants(fields["seen"])
    self.collected = CollectedFrontier(HostRecord.instants(fields["collected"]))
    for (host, value) in fields["retired"]?.members ?? [] {
      guard let at = value["at"]?.text.flatMap({ Instant(rfc3339: $0) }) else { continue }
      retirements[host] = Retirement(at: at, mark: value["mark"]?.text.flatMap { Instant(rfc3339: $0) })
    }
    for (source, value) in fields["memories"]?.members ?? [] {
      if let text = value.text { formats[source] = ByteString(bytes: text) }
    }
  }

  private static func instants(_ value: JSONReader.Value?) -> [ByteString: Instant] {
    var instants: [ByteString: Instant] = [:]
    for (host, value) in value?.members ?? [] {
      if let text = value.text, let instant = Instant(rfc3339: text) { instants[host] = instant }
    }
    return instants
  }

  /// The join of two copies of one record: what each has seen, the rest from the copy of the earlier installation (of
  /// the smaller replica, where they were created at once).
  func joined(with other: HostRecord) -> HostRecord {
    let isOlder = (created, replica) <= (other.created, other.replica)
    var result = isOlder ? self : other
    result.formatVersion = max(formatVersion, other.formatVersion)
    // What was collected is true of the state, whoever wrote it down.
    result.collected = collected
    result.collected.formUnion(other.collected)
    result.retirements = retirements.merging(other.retirements) { $0.at >= $1.at ? $0 : $1 }
    // What another installation has seen says nothing of this one.
    guard replica == other.replica else { return result }
    result.seen = seen.merging(other.seen) { max($0, $1) }
    result.formats = formats.merging(other.formats) { max($0, $1) }
    return result
  }
}
