import CRDT

/// What was known of one unique_id: of each host the newest stamp.
///
/// Instants are kept to the nanosecond, rounded up, so that the written form says the same as the value.
public struct KnownStamps: Hashable, Sendable {
  /// Host → newest instant.
  public private(set) var newest: [ByteString: Instant] = [:]

  public init() {}

  public init(_ newest: [ByteString: Instant]) {
    for (host, instant) in newest { insert(Stamp(instant: instant, host: host)) }
  }

  /// What the writer of a value knew, the value included.
  public init(of metadata: Metadata) {
    self.init(metadata.seen)
    insert(metadata.stamp)
  }

  /// From now on this stamp, and every older one of its host, is known.
  public mutating func insert(_ stamp: Stamp) {
    let instant = stamp.instant.roundedUpToNanoseconds
    newest[stamp.host] = max(newest[stamp.host] ?? instant, instant)
  }

  /// The join: what either knew.
  public mutating func formUnion(_ other: KnownStamps) {
    for (host, instant) in other.newest { insert(Stamp(instant: instant, host: host)) }
  }

  /// Whether a value with this stamp was known.
  public func covers(_ stamp: Stamp) -> Bool { newest[stamp.host].map { stamp.instant <= $0 } ?? false }

  /// Puts what is known of one host under another name.
  mutating func rename(_ host: ByteString, to name: ByteString) {
    guard let instant = newest.removeValue(forKey: host) else { return }
    insert(Stamp(instant: instant, host: name))
  }

  /// The greatest instant of any host.
  public var greatest: Instant? { newest.values.max() }

  /// The form of the metadata's `seen`: without the writer's own host, whose stamp says it already.
  public func seen(by host: ByteString) -> [ByteString: Instant] { newest.filter { $0.key != host } }
}
