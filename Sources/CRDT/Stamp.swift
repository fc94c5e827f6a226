/// When and where a value was written. Totally ordered: by instant, then by the host's bytes.
public struct Stamp: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var instant: Instant
  /// The writer's name as bytes: foreign files may hold names no ``HostName`` would take.
  public var host: ByteString

  public init(instant: Instant, host: ByteString) {
    self.instant = instant
    self.host = host
  }

  public static func < (left: Stamp, right: Stamp) -> Bool {
    left.instant != right.instant ? left.instant < right.instant : left.host < right.host
  }

  public var description: String { "\(instant) \(host)" }
}
