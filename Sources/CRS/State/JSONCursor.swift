import CRDT
import Memory

/// Reads JSON of this module's own forms in one pass, member by member, without building a tree.
struct JSONCursor {
  private let bytes: [UInt8]
  private var scanner = JSONScanner()

  /// Whether what a user wrote is read: a member that is there twice is a mistake then.
  private let isStrict: Bool

  init(_ bytes: [UInt8], isStrict: Bool = false) {
    self.bytes = bytes
    self.isStrict = isStrict
    skipWhitespace()
  }

  /// The kind of the value that comes next.
  var kind: JSONKind { JSONObject.kind(at: scanner.offset, bytes.span.bytes) }

  /// Reads an object; `body` reads the value of each member it is given.
  mutating func object(_ body: (String, inout JSONCursor) throws(CRSError) -> Void) throws(CRSError) {
    try members { name, cursor throws(CRSError) in try body(name.description, &cursor) }
  }

  /// Reads an object whose member names are data.
  mutating func members(_ body: (ByteString, inout JSONCursor) throws(CRSError) -> Void) throws(CRSError) {
    try expect(0x7B, "an object was expected")
    skipWhitespace()
    if skip(0x7D) { return }
    var seen: Set<ByteString> = []
    while true {
      guard scanner.peek(bytes.span.bytes) == 0x22 else { throw failure("a member's name was expected") }
      let name = ByteString(bytes: try text())
      if isStrict, !seen.insert(name).inserted { throw failure("the member '\(name)' is there twice") }
      skipWhitespace()
      try expect(0x3A, "a colon was expected")
      skipWhitespace()
      try body(name, &self)
      skipWhitespace()
      if skip(0x7D) { return }
      try expect(0x2C, "a comma or } was expected")
      skipWhitespace()
    }
  }

  /// Reads an array; `body` reads each element.
  mutating func array(_ body: (inout JSONCursor) throws(CRSError) -> Void) throws(CRSError) {
    try expect(0x5B, "an array was expected")
    skipWhitespace()
    if skip(0x5D) { return }
    while true {
      try body(&self)
      skipWhitespace()
      if skip(0x5D) { return }
      try expect(0x2C, "a comma or ] was expected")
      skipWhitespace()
    }
  }

  /// Reads a string.
  mutating func string() throws(CRSError) -> ByteString {
    guard scanner.peek(bytes.span.bytes) == 0x22 else { throw failure("a string was expected") }
    return ByteString(bytes: try text())
  }

  /// Reads a whole number; one beyond 2⁶⁴ − 1 becomes that.
  mutating func saturatingUnsigned() throws(CRSError) -> UInt64 {
    let start = scanner.offset
    try scan { scanner, bytes throws(ScanFailure) in try scanner.skipNumber(bytes) }
    var value: UInt64 = 0
    for byte in bytes[start..<scanner.offset] {
      guard byte &- 0x30 < 10 else { throw failure("a whole number from 0 was expected") }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
      value = overflow || carry || value == .max ? .max : sum
    }
    return value
  }

  /// Reads a number as it stands.
  mutating func number() throws(CRSError) -> Double {
    let start = scanner.offset
    try scan { scanner, bytes throws(ScanFailure) in try scanner.skipNumber(bytes) }
    guard let value = Double(String(decoding: bytes[start..<scanner.offset], as: UTF8.self)) else {
      throw failure("a number was expected")
    }
    return value
  }

  /// Reads `true` or `false`.
  mutating func bool() throws(CRSError) -> Bool {
    let isTrue = scanner.peek(bytes.span.bytes) == 0x74
    guard kind == .bool else { throw failure("true or false was expected") }
    try skipValue()
    return isTrue
  }

  /// Moves over any value.
  mutating func skipValue() throws(CRSError) {
    try scan { scanner, bytes throws(ScanFailure) in try scanner.skipValue(bytes, depth: 0) }
  }

  /// Moves over any value and returns its bytes.
  mutating func raw() throws(CRSError) -> [UInt8] {
    let start = scanner.offset
    try skipValue()
    return Array(bytes[start..<scanner.offset])
  }

  /// Makes sure that nothing but white space follows.
  mutating func end() throws(CRSError) {
    skipWhitespace()
    guard scanner.isAtEnd(bytes.span.bytes) else { throw failure("text after the end") }
  }

  /// A refusal of what stands here.
  func failure(_ reason: String) -> CRSError { CRSError(.badData, "\(reason) at byte \(scanner.offset + 1)") }

  private mutating func text() throws(CRSError) -> [UInt8] {
    var token: JSONStringToken?
    try scan { scanner, bytes throws(ScanFailure) in token = try scanner.skipString(bytes) }
    guard let token else { return [] }
    return JSONText.decode(token, bytes.span.bytes)
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard scanner.peek(bytes.span.bytes) == byte else { return false }
    scanner.offset += 1
    return true
  }

  private mutating func expect(_ byte: UInt8, _ reason: String) throws(CRSError) {
    guard skip(byte) else { throw failure(reason) }
  }

  private mutating func skipWhitespace() {
    let bytes = self.bytes
    scanner.skipWhitespace(bytes.span.bytes)
  }

  private mutating func scan(_ body: (inout JSONScanner, RawSpan) throws(ScanFailure) -> Void) throws(CRSError) {
    // The scanner changes while the bytes are borrowed: the array is shared with a local owner, not copied.
    let bytes = self.bytes
    do throws(ScanFailure) {
      try body(&scanner, bytes.span.bytes)
    } catch {
      throw CRSError(.badData, "\(error.reason) at byte \(error.offset + 1)")
    }
  }
}
