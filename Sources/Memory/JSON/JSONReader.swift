import CRDT

/// Reads small JSON of our own back: records and private state. Not for user values, which stay bytes.
package enum JSONReader {
  /// One value, still as written.
  package struct Value: Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// A string's decoded text.
    package var text: [UInt8]? { JSONObject.string(0..<bytes.count, bytes.span.bytes) }

    /// A whole number that fits.
    package var integer: Int? { Int(String(decoding: bytes, as: UTF8.self)) }

    package var bool: Bool? {
      bytes == Array("true".utf8) ? true : bytes == Array("false".utf8) ? false : nil
    }

    /// An object's members in order; empty for anything else.
    package var members: [(name: ByteString, value: Value)] {
      guard let parsed = try? JSONObject.members(at: 0, bytes.span.bytes) else { return [] }
      return parsed.members.map { JSONReader.member($0, bytes.span.bytes) }
    }

    /// An array's elements in order; empty for anything else.
    package var elements: [Value] {
      guard let parsed = try? JSONObject.elements(at: 0, bytes.span.bytes) else { return [] }
      return parsed.elements.map { Value(bytes: JSONText.slice(bytes.span.bytes, $0)) }
    }

    package subscript(_ name: ByteString) -> Value? { members.last { $0.name == name }?.value }
  }

  /// The members of the one object that `bytes` are, the last of each name.
  package static func object(_ bytes: [UInt8]) throws(ScanFailure) -> [ByteString: Value] {
    let span = bytes.span.bytes
    var scanner = JSONScanner()
    scanner.skipWhitespace(span)
    let parsed = try JSONObject.members(at: scanner.offset, span)
    scanner.offset = parsed.range.upperBound
    scanner.skipWhitespace(span)
    guard scanner.isAtEnd(span) else { throw ScanFailure(scanner.offset, "text after the end of the object") }
    var fields: [ByteString: Value] = [:]
    for parsedMember in parsed.members {
      let (name, value) = member(parsedMember, span)
      fields[name] = value
    }
    return fields
  }

  private static func member(_ member: JSONMember, _ bytes: RawSpan) -> (name: ByteString, value: Value) {
    (
      ByteString(bytes: JSONText.decode(member.name, bytes)),
      Value(bytes: JSONText.slice(bytes, member.value))
    )
  }
}
