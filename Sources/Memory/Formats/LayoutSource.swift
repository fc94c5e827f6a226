import CRDT

/// A memory file that is being rewritten, and how it is laid out.
struct LayoutSource {
  let bytes: [UInt8]
  let style: LayoutStyle
  private let isSpreadAnywhere: Bool

  init(_ bytes: [UInt8], isLineBased: Bool) {
    self.bytes = bytes
    style = LayoutStyle(of: bytes, isLineBased: isLineBased)
    isSpreadAnywhere = !isLineBased && style.isSpreadAnywhere
  }

  func slice(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }

  /// The value in `range` without white space outside strings.
  func compact(_ range: Range<Int>) -> [UInt8] {
    var output: [UInt8] = []
    JSONText.appendCompact(bytes.span.bytes, range, to: &output)
    return output
  }

  /// What the line begins with that `offset` is in; nothing where no value is spread over lines: there it has no use,
  /// and lines are long.
  func indentation(at offset: Int) -> [UInt8] {
    guard isSpreadAnywhere else { return [] }
    let start = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return Array(bytes[start...].prefix { $0 == 0x20 || $0 == 0x09 })
  }

  func kind(_ range: Range<Int>) -> JSONKind { JSONObject.kind(at: range.lowerBound, bytes.span.bytes) }

  /// The members of the object at `range`, which was read before.
  func members(_ range: Range<Int>) -> [JSONMember] {
    (try? JSONObject.members(at: range.lowerBound, bytes.span.bytes).members) ?? []
  }

  /// The elements of the array at `range`, which was read before.
  func elements(_ range: Range<Int>) -> [Range<Int>] {
    (try? JSONObject.elements(at: range.lowerBound, bytes.span.bytes).elements) ?? []
  }
}

/// A member as it shall be.
struct LayoutMember {
  enum Value {
    /// Compact, to be laid out.
    case compact([UInt8])
    /// Laid out already.
    case text([UInt8])
  }

  /// The name's JSON string with its quotes.
  var name: [UInt8]
  var value: Value

  var decodedName: ByteString {
    ByteString(bytes: JSONObject.string(0..<name.count, name.span.bytes) ?? name)
  }

  /// The members of a compact object.
  static func all(of compact: [UInt8]) -> [LayoutMember] {
    let span = compact.span.bytes
    let members = (try? JSONObject.members(at: 0, span).members) ?? []
    return members.map { member in
      LayoutMember(
        name: JSONText.slice(span, member.whole.lowerBound..<member.name.range.upperBound + 1),
        value: .compact(JSONText.slice(span, member.value)))
    }
  }
}
