/// One form for all spellings of a JSON value, to tell an edit from a value that another program merely saved again.
///
/// A file that is read and written by some JSON library comes back with other escapes (`"caf\u00e9"`, `"café"`), other
/// numbers of the same value (`1.0`, `1`, `1e0`) and members in another order, although nobody changed anything. Values
/// of one form are equal as RFC 8259 means them: strings by their code units, numbers by their exact decimal value,
/// never rounded, members whatever their order. Names that stand twice in one object keep their order. Unicode is not
/// normalized: `é` in one and in two scalars are two texts.
///
/// For comparing only: what is kept and written are always the user's own bytes.
package enum JSONMeaning {
  /// The form of one value: JSON again, and the compact value itself where it is spelled plainly. `nil` for what is no
  /// JSON value.
  /// - Parameter keepsOrder: members in another order are another value.
  /// - Complexity: O(n), and O(m log m) for the members of each object.
  package static func form(of value: [UInt8], keepsOrder: Bool = false) -> [UInt8]? {
    let bytes = value.span.bytes
    var writer = FormWriter(capacity: value.count + value.count / 8, keepsOrder: keepsOrder)
    writer.scanner.skipWhitespace(bytes)
    guard (try? writer.appendValue(bytes, depth: 0)) != nil else { return nil }
    writer.scanner.skipWhitespace(bytes)
    return writer.scanner.isAtEnd(bytes) ? writer.form : nil
  }

  /// The exact decimal value of a number token, as JavaScript would write it (ECMA-262 Number::toString), but of any
  /// precision. A power of more digits than any program writes stays as it is, but for
  /// its letter.
  static func form(ofNumber token: ArraySlice<UInt8>) -> [UInt8] {
    var rest = token
    let isNegative = rest.first == 0x2D
    if isNegative { rest.removeFirst() }
    let mantissa = rest.prefix { $0 | 0x20 != 0x65 }
    var power = rest.dropFirst(mantissa.count + 1)
    let isPowerNegative = power.first == 0x2D
    if isPowerNegative || power.first == 0x2B { power.removeFirst() }
    power = power.drop { $0 == 0x30 }

    let whole = mantissa.prefix { $0 != 0x2E }
    let digits = whole + mantissa.dropFirst(whole.count + 1)
    let zeros = digits.prefix { $0 == 0x30 }.count
    let significant = digits.dropFirst(zeros)
    guard let last = significant.lastIndex(where: { $0 != 0x30 }) else { return [0x30] }
    guard power.count <= 15 else { return token.map { $0 == 0x45 ? 0x65 : $0 } }
    let shift = power.reduce(0) { $0 * 10 + Int($1 - 0x30) } * (isPowerNegative ? -1 : 1)
    return (isNegative ? [0x2D] : []) + number(Array(significant[...last]), point: whole.count - zeros + shift)
  }

  /// - Parameter point: how many digits stand before the point; may be negative or more than there are.
  private static func number(_ digits: [UInt8], point: Int) -> [UInt8] {
    func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0x30, count: count) }
    if digits.count <= point, point <= 21 { return digits + zeros(point - digits.count) }
    if 0 < point, point <= 21 { return digits[..<point] + [0x2E] + digits[point...] }
    if -6 < point, point <= 0 { return [0x30, 0x2E] + zeros(-point) + digits }
    let fraction = digits.count > 1 ? [0x2E] + digits[1...] : []
    return digits[..<1] + fraction + [0x65] + Array(String(point - 1).utf8)
  }
}

/// Writes ``JSONMeaning/form(of:keepsOrder:)`` in one pass over the value.
private struct FormWriter {
  var scanner = JSONScanner()
  var form: [UInt8] = []
  private let keepsOrder: Bool

  init(capacity: Int, keepsOrder: Bool) {
    self.keepsOrder = keepsOrder
    form.reserveCapacity(capacity)
  }

  mutating func appendValue(_ bytes: RawSpan, depth: Int) throws(ScanFailure) {
    switch scanner.peek(bytes) {
    case 0x7B: try appendObject(bytes, depth: depth)
    case 0x5B: try appendArray(bytes, depth: depth)
    case 0x22: append(try scanner.skipString(bytes), bytes)
    default:
      let start = scanner.offset
      try scanner.skipScalar(bytes)
      let token = JSONText.slice(bytes, start..<scanner.offset)
      form += token[0] == 0x2D || (0x30...0x39).contains(token[0]) ? JSONMeaning.form(ofNumber: token[...]) : token
    }
  }

  private mutating func append(_ token: JSONStringToken, _ bytes: RawSpan) {
    JSONText.append(string: JSONText.decode(token, bytes), to: &form)
  }

  private mutating func appendArray(_ bytes: RawSpan, depth: Int) throws(ScanFailure) {
    try enter(bytes, depth: depth)
    form.append(0x5B)
    var isFirst = true
    while scanner.peek(bytes) != 0x5D {
      if !isFirst { form.append(0x2C) }
      isFirst = false
      try appendValue(bytes, depth: depth + 1)
      try leave(0x5D, bytes)
    }
    scanner.offset += 1
    form.append(0x5D)
  }

  private mutating func appendObject(_ bytes: RawSpan, depth: Int) throws(ScanFailure) {
    try enter(bytes, depth: depth)
    form.append(0x7B)
    let start = form.count
    var members: [(name: [UInt8], range: Range<Int>)] = []
    var isSorted = true
    while scanner.peek(bytes) != 0x7D {
      let token = try scanner.skipName(bytes)
      let name = JSONText.decode(token, bytes)
      if !members.isEmpty { form.append(0x2C) }
      let memberStart = form.count
      JSONText.append(string: name, to: &form)
      form.append(0x3A)
      try appendValue(bytes, depth: depth + 1)
      if let last = members.last, name.lexicographicallyPrecedes(last.name) { isSorted = false }
      members.append((name, memberStart..<form.count))
      try leave(0x7D, bytes)
    }
    scanner.offset += 1
    if !isSorted, !keepsOrder {
      let order = members.indices.sorted { left, right in
        if members[left].name == members[right].name { return left < right }
        return members[left].name.lexicographicallyPrecedes(members[right].name)
      }
      let sorted = order.map { form[members[$0].range] }.joined(separator: [0x2C])
      form.replaceSubrange(start..., with: Array(sorted))
    }
    form.append(0x7D)
  }

  private mutating func enter(_ bytes: RawSpan, depth: Int) throws(ScanFailure) {
    guard depth < JSONScanner.depthLimit else { throw scanner.failure(bytes, "nested too deep") }
    scanner.offset += 1
    scanner.skipWhitespace(bytes)
  }

  /// Behind a member or an element: its end, or a comma that something follows.
  private mutating func leave(_ end: UInt8, _ bytes: RawSpan) throws(ScanFailure) {
    scanner.skipWhitespace(bytes)
    if scanner.peek(bytes) == end { return }
    try scanner.expect(0x2C, bytes, "a comma or the end was expected")
    scanner.skipWhitespace(bytes)
    guard scanner.peek(bytes) != end else { throw scanner.failure(bytes, "a comma and nothing behind it") }
  }
}
