import CRDT
import Memory

/// A JSON number that keeps its spelling: what was read is what is written, and what the checksum is taken of.
public struct ExactNumber: Hashable, Sendable, CustomStringConvertible {
  /// The number as written.
  public let text: ByteString
  /// The nearest double; infinite for what no double can hold.
  public let value: Double

  public static func == (left: ExactNumber, right: ExactNumber) -> Bool { left.text == right.text }
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }

  /// Takes a number by the grammar of RFC 8259; `nil` for anything else.
  public init?(_ text: ByteString) {
    let span = text.bytes.span.bytes
    var scanner = JSONScanner()
    guard let first = text.bytes.first, first == 0x2D || (0x30...0x39).contains(first),
      (try? scanner.skipNumber(span)) != nil, scanner.isAtEnd(span),
      let value = Double(text.description)
    else { return nil }
    self.text = text
    self.value = value
  }

  /// - Precondition: the value is finite.
  public init(_ value: Double) {
    precondition(value.isFinite, "JSON has no such number")
    text = ByteString("\(value)")
    self.value = value
  }

  public var description: String { text.description }
}
