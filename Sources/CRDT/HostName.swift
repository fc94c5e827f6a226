/// The name of a host as it stands in file names, stamps and unique_ids: `[a-z0-9][a-z0-9.-]{0,62}`.
///
/// Never holds `_` or `/`, so it is safe in a path and ends where a unique_id's first `_` begins.
public struct HostName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The name; ASCII by construction.
  public let text: String

  /// The longest name, in bytes.
  public static let maximumCount = 63

  /// Takes a name that is already in the form; `nil` for any other.
  public init?(_ text: some StringProtocol) {
    guard HostName.isValid(Array(text.utf8)) else { return nil }
    self.text = String(text)
  }

  /// The name as bytes, the key of stamps.
  public var bytes: ByteString { ByteString(text) }

  public var description: String { text }

  public static func < (left: HostName, right: HostName) -> Bool { left.bytes < right.bytes }

  static func isValid(_ bytes: [UInt8]) -> Bool {
    guard (1...maximumCount).contains(bytes.count), isAlphanumeric(bytes[0]) else { return false }
    return bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2E || $0 == 0x2D }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
  }

  /// Makes a name of any text: ASCII letters become lower case, every other byte a `-`.
  ///
  /// Where that changed the name, `digest` of the original's bytes is appended, so that two machines whose names fold
  /// alike (`Ada's Mac`, `Ada_s Mac`) never share a file. The same text always folds to the same name.
  /// - Parameter digest: lower-case hex of a cryptographic hash of the bytes; its first eight digits are used.
  public init(folding original: some StringProtocol, digest: ([UInt8]) -> String) {
    let bytes = Array(original.utf8)
    if HostName.isValid(bytes) {
      self.text = String(original)
      return
    }
    let lowered = bytes.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    var folded = lowered.map { HostName.isAlphanumeric($0) || $0 == 0x2E || $0 == 0x2D ? $0 : 0x2D }
    folded = Array(folded.drop { !HostName.isAlphanumeric($0) }.prefix(HostName.maximumCount - 9))
    while let last = folded.last, !HostName.isAlphanumeric(last) { folded.removeLast() }
    let base = folded.isEmpty ? "host" : String(decoding: folded, as: UTF8.self)
    self.text = base + "-" + digest(bytes).prefix(8)
    assert(HostName.isValid(Array(text.utf8)))
  }

  /// This name with `-suffix` behind it, shortened in front where it would get too long.
  public func suffixed(_ suffix: String) -> HostName? {
    var base = text.prefix(max(0, HostName.maximumCount - suffix.utf8.count - 1))
    while let last = base.last, last == "-" || last == "." { base.removeLast() }
    return HostName(base + "-" + suffix)
  }
}
