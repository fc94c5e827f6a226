import CRDT

/// The identity of a checkpoint, session or annotation: a random UUID (RFC 9562, version 4), written in lower case.
public struct CheckpointID: Hashable, Comparable, Sendable, CustomStringConvertible {
  private let bits: UUIDBits

  /// Makes one of 16 random bytes.
  /// - Precondition: there are 16.
  public init(random bytes: [UInt8]) { bits = UUIDBits(random: bytes) }

  /// Reads a UUID of any version, in either case; `nil` for anything else.
  public init?(_ text: some StringProtocol) { self.init(ByteString(text)) }

  /// The same from bytes.
  public init?(_ text: ByteString) {
    guard let bits = UUIDBits(text: text) else { return nil }
    self.bits = bits
  }

  /// The text as a key: 36 ASCII characters.
  public var bytes: ByteString { bits.text }

  public var text: String { bytes.description }
  /// The first eight digits, for tables.
  public var short: String { String(text.prefix(8)) }
  public var description: String { text }

  /// The order of the texts.
  public static func < (left: CheckpointID, right: CheckpointID) -> Bool { left.bits < right.bits }
}
