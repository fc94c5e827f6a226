import CRDT

/// How far a state was collected: of each host an instant, up to which a value that is gone is gone for good.
///
/// A version vector, joined by the greater of both. Instants are kept to the nanosecond, rounded up, as they are written.
public struct CollectedFrontier: Hashable, Sendable {
  public private(set) var newest: [ByteString: Instant] = [:]

  public init() {}

  public init(_ newest: [ByteString: Instant]) { for (host, instant) in newest { insert(host, instant) } }

  public var isEmpty: Bool { newest.isEmpty }

  public func covers(_ stamp: Stamp) -> Bool { newest[stamp.host].map { stamp.instant <= $0 } ?? false }

  public mutating func insert(_ host: ByteString, _ instant: Instant) {
    let instant = instant.roundedUpToNanoseconds
    newest[host] = max(newest[host] ?? instant, instant)
  }

  public mutating func formUnion(_ other: CollectedFrontier) {
    for (host, instant) in other.newest { insert(host, instant) }
  }
}

/// Where a value stands: in which host's file, under which unique_id. A file holds one value a key.
public struct FileKey: Hashable, Sendable {
  /// The host the file belongs to.
  public var host: ByteString
  public var uniqueID: ByteString

  public init(host: ByteString, uniqueID: ByteString) {
    self.host = host
    self.uniqueID = uniqueID
  }
}
