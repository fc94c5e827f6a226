import CRDT
import Memory

/// A JSON object in its one canonical spelling: compact, members sorted by the bytes of their names, each name once.
///
/// The same members always give the same bytes, so a digest of them means the same on every host and after any reload.
/// Values are JSON already and kept byte for byte.
struct CanonicalObject: Hashable, Sendable {
  var members: [ByteString: [UInt8]] = [:]

  init() {}

  /// Levels that may be around an object once it is in an entry of a host file: what is read here has to fit in there.
  static let levelsAround = 8

  /// Reads an object. White space outside strings goes; everything else in the values stays as written.
  /// - Parameters:
  ///   - what: what the bytes are meant to be, for the error.
  ///   - levelsAround: how many levels of the greatest depth are not theirs.
  init(_ bytes: [UInt8], what: String, levelsAround: Int = CanonicalObject.levelsAround) throws(CheckpointError) {
    do {
      let span = bytes.span.bytes
      var scanner = JSONScanner()
      scanner.skipWhitespace(span)
      let parsed = try JSONObject.members(at: scanner.offset, span, depth: levelsAround)
      scanner.offset = parsed.range.upperBound
      scanner.skipWhitespace(span)
      guard scanner.isAtEnd(span) else { throw ScanFailure(scanner.offset, "text after the end of the object") }
      members.reserveCapacity(parsed.members.count)
      for member in parsed.members {
        let name = ByteString(bytes: JSONText.decode(member.name, span))
        var value: [UInt8] = []
        JSONText.appendCompact(span, member.value, to: &value)
        guard members.updateValue(value, forKey: name) == nil else {
          throw ScanFailure(member.name.range.lowerBound, "a member that is there twice")
        }
      }
    } catch let failure as ScanFailure {
      throw CheckpointError(.badData, failure.located(source: what, in: bytes.span.bytes).description)
    } catch {
      throw CheckpointError(.badData, "\(what): \(error)")
    }
  }

  var isEmpty: Bool { members.isEmpty }

  /// The canonical bytes.
  /// - Complexity: O(n log n) in the number of members.
  var bytes: [UInt8] {
    var output: [UInt8] = [0x7B]
    for (index, (name, value)) in members.sorted(by: { $0.key < $1.key }).enumerated() {
      if index > 0 { output.append(0x2C) }
      JSONText.append(string: name.bytes, to: &output)
      output.append(0x3A)
      output += value
    }
    output.append(0x7D)
    return output
  }

  mutating func set(_ name: ByteString, _ text: ByteString) { members[name] = JSONText.quoted(text.bytes) }
  mutating func set(_ name: ByteString, _ text: String) { members[name] = JSONText.quoted(Array(text.utf8)) }
  mutating func set(_ name: ByteString, _ number: Int) { members[name] = Array(String(number).utf8) }
  mutating func set(_ name: ByteString, _ instant: Instant) { set(name, instant.description) }
  mutating func set(_ name: ByteString, _ object: CanonicalObject) { members[name] = object.bytes }
  mutating func set(_ name: ByteString, _ texts: [ByteString]) {
    members[name] = CanonicalObject.array(texts.map { JSONText.quoted($0.bytes) })
  }

  static func array(_ elements: [[UInt8]]) -> [UInt8] {
    var output: [UInt8] = [0x5B]
    for (index, element) in elements.enumerated() {
      if index > 0 { output.append(0x2C) }
      output += element
    }
    output.append(0x5D)
    return output
  }
}

/// Takes the members of an object one after the other; what is left is unknown here, and kept.
struct MemberReader {
  private(set) var rest: CanonicalObject
  /// What is read, for errors.
  let what: String

  init(_ object: CanonicalObject, what: String) {
    rest = object
    self.what = what
  }

  init(_ bytes: [UInt8], what: String, levelsAround: Int = CanonicalObject.levelsAround) throws(CheckpointError) {
    self.init(try CanonicalObject(bytes, what: what, levelsAround: levelsAround), what: what)
  }

  /// A member's JSON; `nil` when it is missing or null.
  mutating func take(_ name: ByteString) -> [UInt8]? {
    guard let value = rest.members.removeValue(forKey: name), value != Array("null".utf8) else { return nil }
    return value
  }

  mutating func text(_ name: ByteString) throws(CheckpointError) -> ByteString? {
    guard let value = take(name) else { return nil }
    guard let text = JSONReader.Value(bytes: value).text else { throw wrong(name, "is no string") }
    return ByteString(bytes: text)
  }

  mutating func integer(_ name: ByteString) throws(CheckpointError) -> Int? {
    guard let value = take(name) else { return nil }
    guard let number = Int(String(decoding: value, as: UTF8.self)) else { throw wrong(name, "is no whole number") }
    return number
  }

  mutating func instant(_ name: ByteString) throws(CheckpointError) -> Instant? {
    guard let text = try text(name) else { return nil }
    guard let instant = Instant(rfc3339: text.bytes) else { throw wrong(name, "is no RFC 3339 time") }
    return instant
  }

  mutating func texts(_ name: ByteString) throws(CheckpointError) -> [ByteString]? {
    guard let elements = try elements(name) else { return nil }
    var texts: [ByteString] = []
    for element in elements {
      guard let text = JSONReader.Value(bytes: element).text else { throw wrong(name, "holds what is no string") }
      texts.append(ByteString(bytes: text))
    }
    return texts
  }

  mutating func elements(_ name: ByteString) throws(CheckpointError) -> [[UInt8]]? {
    guard let value = take(name) else { return nil }
    guard value.first == 0x5B else { throw wrong(name, "is no array") }
    return JSONReader.Value(bytes: value).elements.map(\.bytes)
  }

  mutating func object(_ name: ByteString) throws(CheckpointError) -> CanonicalObject? {
    guard let value = take(name) else { return nil }
    guard value.first == 0x7B else { throw wrong(name, "is no object") }
    return try CanonicalObject(value, what: "\(what).\(name)")
  }

  func required<Value>(_ name: ByteString, _ value: Value?) throws(CheckpointError) -> Value {
    guard let value else { throw wrong(name, "is missing") }
    return value
  }

  func wrong(_ name: ByteString, _ why: String) -> CheckpointError {
    CheckpointError(.badData, "\(what): \"\(name)\" \(why)")
  }
}
