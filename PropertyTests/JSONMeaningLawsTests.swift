import TestKit
import Testing

@testable import Memory

/// What counts as the same JSON value, and what does not.
struct JSONMeaningLawsTests {
  @Test func anotherSpellingIsTheSameValue() {
    checkProperty(
      "a value spelled anew has the same form", zip(.jsonValue(depth: 3), Gen<Int>.int(in: 0...7).array(count: 1...9))
    ) { (text: String, dice: [Int]) in
      let value = Array(text.utf8)
      var speller = Respeller(dice: dice)
      let other = speller.spelled(value)
      let form = JSONMeaning.form(of: value)
      try demand(form != nil, "no form")
      try demandEqual(JSONMeaning.form(of: other), form, "of \(String(decoding: other, as: UTF8.self))")
      // The form is JSON, and its own.
      try demandEqual(form.flatMap { JSONMeaning.form(of: $0) }, form, "the form has another form")
      var ordered = Respeller(dice: dice)
      ordered.keepsOrder = true
      try demandEqual(
        JSONMeaning.form(of: ordered.spelled(value), keepsOrder: true), JSONMeaning.form(of: value, keepsOrder: true))
    }
  }

  @Test func anotherValueIsNot() {
    // A change of one leaf, so that two equal forms would be a mistake.
    checkProperty("an edit has another form", zip(.jsonObject(members: 1...4), .jsonValue(depth: 1))) {
      (text: String, leaf: String) in
      let value = Array(text.utf8)
      guard let members = try? JSONObject.members(at: 0, value.span.bytes).members, let last = members.last else {
        return
      }
      let edited = value[..<last.value.lowerBound] + Array(leaf.utf8) + value[last.value.upperBound...]
      let (old, new) = (Array(value[last.value]), Array(leaf.utf8))
      let isSame = JSONMeaning.form(of: old) == JSONMeaning.form(of: new)
      try demandEqual(JSONMeaning.form(of: value) == JSONMeaning.form(of: Array(edited)), isSame)
    }
  }

  @Test func numbersAreEqualByTheirExactValue() {
    let classes = [
      ["0", "-0", "0.0", "0e5", "-0.00E-7"], ["1", "1.0", "1e0", "10e-1", "0.1e1"], ["-1", "-1.0", "-0.01E+2"],
      ["100", "1e2", "1E+2", "100.0"], ["0.1", "1e-1", "0.10"], ["9007199254740993", "9007199254740993.0"],
      ["9007199254740992"], ["12345678901234567890123"], ["12345678901234567890000", "1234567890123456789e4"],
      ["1e21", "1000000000000000000000"], ["1e22"], ["1e-7", "0.0000001"], ["0.30000000000000004"], ["0.3"],
      ["1e400"], ["1e401", "10e400"], ["1e-400"], ["1.5e3", "1500"], ["123.456", "1.23456e2"],
    ]
    for (index, spellings) in classes.enumerated() {
      let forms = Set(spellings.map { JSONMeaning.form(of: Array($0.utf8)) })
      #expect(forms.count == 1 && !forms.contains(nil), "\(spellings)")
      for other in classes[(index + 1)...] {
        #expect(!forms.contains(JSONMeaning.form(of: Array(other[0].utf8))), "\(spellings[0]) and \(other[0])")
      }
    }
  }

  @Test func plainSpellingIsItsOwnForm() {
    for text in [
      #"{"a":1,"b":["x",null,true,{}],"c":{"d":-0.5}}"#, #"[]"#, #""é/\"\\ \u0001""#, "12345678901234567890", "1.25e-9",
    ] {
      #expect(JSONMeaning.form(of: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) } == text)
    }
    for text in ["", "{", "[1,]", "{\"a\":1,}", "01", "1 2", "nul"] {
      #expect(JSONMeaning.form(of: Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test func spellingsOfUnicodeThatLookAlikeAreTwoTexts() {
    #expect(JSONMeaning.form(of: Array(#""\u00e9""#.utf8)) != JSONMeaning.form(of: Array(#""e\u0301""#.utf8)))
    #expect(JSONMeaning.form(of: Array(#""\ud800""#.utf8)) != JSONMeaning.form(of: Array(#""\ud801""#.utf8)))
    #expect(JSONMeaning.form(of: Array(#"{"a":1,"a":2}"#.utf8)) != JSONMeaning.form(of: Array(#"{"a":2,"a":1}"#.utf8)))
  }
}

/// Writes a JSON value as another program might: white space, escapes, numbers, and the order of members whose names are
/// all different.
struct Respeller {
  var dice: [Int]
  var keepsOrder = false
  private var next = 0

  init(dice: [Int]) { self.dice = dice }

  private mutating func roll() -> Int {
    next += 1
    return dice[next % dice.count] ^ (next & 1)
  }

  mutating func spelled(_ value: [UInt8]) -> [UInt8] {
    let bytes = value.span.bytes
    var scanner = JSONScanner()
    scanner.skipWhitespace(bytes)
    let start = scanner.offset
    switch JSONObject.kind(at: start, bytes) {
    case .object:
      guard var members = try? JSONObject.members(at: start, bytes).members else { return value }
      let names = members.map { JSONText.decode($0.name, bytes) }
      if !keepsOrder, Set(names).count == names.count, roll() & 1 == 0 { members.reverse() }
      let parts = members.map { member in
        spelledString(JSONText.decode(member.name, bytes)) + space() + [0x3A] + spelled(Array(value[member.value]))
      }
      return [0x7B] + space() + parts.joined(separator: [0x2C, 0x20]) + [0x7D]
    case .array:
      guard let elements = try? JSONObject.elements(at: start, bytes).elements else { return value }
      let parts = elements.map { spelled(Array(value[$0])) + space() }
      return [0x5B] + parts.joined(separator: [0x2C]) + [0x5D] + space()
    case .string:
      guard let text = JSONObject.string(start..<value.count, bytes) else { return value }
      return spelledString(text)
    case .number: return spelledNumber(String(decoding: value, as: UTF8.self).trimmed)
    default: return value
    }
  }

  private mutating func space() -> [UInt8] { [[], [0x20], [0x0A, 0x09]][roll() % 3] }

  /// - Parameter text: generalized UTF-8, as ``JSONText/decode`` gives it.
  private mutating func spelledString(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = [0x22]
    var index = 0
    while index < text.count {
      let byte = text[index]
      let length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
      let scalar = Array(text[index..<index + length])
      index += length
      let code = scalar.dropFirst().reduce(UInt32(length == 1 ? byte : byte & (0xFF >> UInt8(length + 1)))) {
        $0 << 6 | UInt32($1 & 0x3F)
      }
      let isSurrogate = (0xD800..<0xE000).contains(code)
      if code < 0x20 || code == 0x22 || code == 0x5C || isSurrogate || roll() & 3 == 0 {
        let units = code < 0x10000 ? [code] : [0xD800 + (code - 0x10000) >> 10, 0xDC00 + (code - 0x10000) & 0x3FF]
        for unit in units {
          let hex = String(unit, radix: 16, uppercase: roll() & 1 == 0)
          output += Array("\\u".utf8) + Array(repeating: 0x30, count: 4 - hex.utf8.count) + Array(hex.utf8)
        }
      } else if code == 0x2F, roll() & 1 == 0 {
        output += [0x5C, 0x2F]
      } else {
        output += scalar
      }
    }
    return output + [0x22]
  }

  private mutating func spelledNumber(_ text: String) -> [UInt8] {
    if text.contains("e") || text.contains("E") { return Array(text.uppercased().utf8) }
    switch roll() % 4 {
    case 0: return Array((text + (text.contains(".") ? "0" : ".0")).utf8)
    case 1: return Array((text + "e+0").utf8)
    case 2 where !text.contains(".") && text.last != "0": return Array((text + "0E-1").utf8)
    default: return Array(text.utf8)
    }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
