import CRDT

/// Writes JSON of our own (reports, records), compact, members in the order they are given. Never used on user values,
/// which are copied as bytes.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init() {}

  /// The text written so far.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// One object; `body` writes its members.
  public mutating func object(_ body: (inout JSONWriter) -> Void) { nested(0x7B, 0x7D, body) }

  /// One array; `body` writes its elements with ``element(_:)``, ``object(_:)`` and the like.
  public mutating func array(_ body: (inout JSONWriter) -> Void) { nested(0x5B, 0x5D, body) }

  public mutating func member(_ name: String, _ value: String) { member(Array(name.utf8), Array(value.utf8)) }

  public mutating func member(_ name: String, _ value: String?) {
    if let value { member(name, value) } else { raw(name, Array("null".utf8)) }
  }

  public mutating func member(_ name: String, _ value: ByteString) { member(Array(name.utf8), value.bytes) }

  public mutating func member(_ name: [UInt8], _ value: [UInt8]) {
    key(name)
    JSONText.append(string: value, to: &bytes)
  }

  public mutating func member(_ name: String, _ value: Int) { raw(name, Array(String(value).utf8)) }

  public mutating func member(_ name: String, _ value: Int64) { raw(name, Array(String(value).utf8)) }

  public mutating func member(_ name: String, _ value: Bool) { raw(name, Array((value ? "true" : "false").utf8)) }

  /// A member whose value is JSON already.
  public mutating func raw(_ name: String, _ json: [UInt8]) {
    key(Array(name.utf8))
    bytes += json
  }

  /// The same under a name that is data.
  public mutating func raw(_ name: ByteString, _ json: [UInt8]) {
    key(name.bytes)
    bytes += json
  }

  public mutating func object(_ name: String, _ body: (inout JSONWriter) -> Void) {
    key(Array(name.utf8))
    needsComma = false
    object(body)
  }

  public mutating func array(_ name: String, _ body: (inout JSONWriter) -> Void) {
    key(Array(name.utf8))
    needsComma = false
    array(body)
  }

  public mutating func element(_ value: String) {
    comma()
    JSONText.append(string: Array(value.utf8), to: &bytes)
  }

  /// An element that is JSON already.
  public mutating func rawElement(_ json: [UInt8]) {
    comma()
    bytes += json
  }

  private mutating func nested(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
    comma()
    bytes.append(open)
    needsComma = false
    body(&self)
    bytes.append(close)
    needsComma = true
  }

  private mutating func key(_ name: [UInt8]) {
    comma()
    JSONText.append(string: name, to: &bytes)
    bytes.append(0x3A)
    needsComma = true
  }

  private mutating func comma() {
    if needsComma { bytes.append(0x2C) }
    needsComma = true
  }
}
