/// One member of an object, as it stands in the buffer.
package struct JSONMember: Hashable {
  package var name: JSONStringToken
  /// The value, without white space around it.
  package var value: Range<Int>
  /// From the name's quote to the value's end.
  package var whole: Range<Int> { name.range.lowerBound - 1..<value.upperBound }
}

/// The kind of a JSON value, by its first byte.
package enum JSONKind: Hashable {
  case object, array, string, number, bool, null
}

/// Reading one level of a value: members of an object, elements of an array.
package enum JSONObject {
  /// The members of the object that starts at `offset`, in order; everything in them is validated.
  /// - Returns: the members and the object's range.
  package static func members(at offset: Int, _ bytes: RawSpan, depth: Int = 0)
    throws(ScanFailure) -> (members: [JSONMember], range: Range<Int>)
  {
    var scanner = JSONScanner(offset: offset)
    var members: [JSONMember] = []
    try scanner.expect(0x7B, bytes, "an object was expected")
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) == 0x7D { return ([], offset..<scanner.offset + 1) }
    while true {
      let name = try scanner.skipName(bytes)
      let start = scanner.offset
      try scanner.skipValue(bytes, depth: depth + 1)
      members.append(JSONMember(name: name, value: start..<scanner.offset))
      scanner.skipWhitespace(bytes)
      if scanner.peek(bytes) == 0x7D { return (members, offset..<scanner.offset + 1) }
      try scanner.expect(0x2C, bytes, "a comma or } was expected")
      scanner.skipWhitespace(bytes)
    }
  }

  /// The members of the one object that a file is.
  static func members(ofFile bytes: RawSpan) throws(ScanFailure) -> [JSONMember] {
    var scanner = JSONScanner()
    scanner.skipWhitespace(bytes)
    let parsed = try members(at: scanner.offset, bytes)
    scanner.offset = parsed.range.upperBound
    scanner.skipWhitespace(bytes)
    guard scanner.isAtEnd(bytes) else { throw scanner.failure(bytes, "text after the end of the object") }
    return parsed.members
  }

  /// The elements of the array that starts at `offset`, in order; everything in them is validated.
  package static func elements(at offset: Int, _ bytes: RawSpan, depth: Int = 0)
    throws(ScanFailure) -> (elements: [Range<Int>], range: Range<Int>)
  {
    var scanner = JSONScanner(offset: offset)
    var elements: [Range<Int>] = []
    try scanner.expect(0x5B, bytes, "an array was expected")
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) == 0x5D { return ([], offset..<scanner.offset + 1) }
    while true {
      let start = scanner.offset
      try scanner.skipValue(bytes, depth: depth + 1)
      elements.append(start..<scanner.offset)
      scanner.skipWhitespace(bytes)
      if scanner.peek(bytes) == 0x5D { return (elements, offset..<scanner.offset + 1) }
      try scanner.expect(0x2C, bytes, "a comma or ] was expected")
      scanner.skipWhitespace(bytes)
    }
  }

  /// The kind of the value that starts at `offset`.
  package static func kind(at offset: Int, _ bytes: RawSpan) -> JSONKind {
    switch JSONScanner.byte(bytes, offset) {
    case 0x7B: .object
    case 0x5B: .array
    case 0x22: .string
    case 0x74, 0x66: .bool
    case 0x6E: .null
    default: .number
    }
  }

  /// The decoded text of the string value in `range` (quotes included); `nil` when it is no string.
  package static func string(_ range: Range<Int>, _ bytes: RawSpan) -> [UInt8]? {
    guard range.count >= 2, JSONScanner.byte(bytes, range.lowerBound) == 0x22 else { return nil }
    let inside = range.lowerBound + 1..<range.upperBound - 1
    let hasEscapes = inside.contains { JSONScanner.byte(bytes, $0) == 0x5C }
    return JSONText.decode(JSONStringToken(range: inside, hasEscapes: hasEscapes), bytes)
  }
}
