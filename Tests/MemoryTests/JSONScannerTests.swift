import Testing

@testable import Memory

/// The scanner accepts RFC 8259, no more and no less.
struct JSONScannerTests {
  @Test(arguments: [
    "null", "true", "false", "0", "-0", "1", "-1", "10", "1.0", "1e2", "1E+2", "1e-2", "0.10", "-0.0e0",
    "123456789012345678901234567890", "1e99999", "\"\"", "\"a\"", #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\uD800""#,
    #""\udfff\ud800""#, #""\uD83D\uDE00""#, "\"é\"", "\"e\u{301}\"", "\"😀\"", "\"\u{FFFF}\"", "\"\u{7F}\"",
    "\"\u{10FFFF}\"", "[]", "{}", "[ ]", "{ }", "[1,2]", " [ 1 , 2 ] ", #"{"a":1}"#, #"{ "a" : { "b" : [ ] } }"#,
    #"{"a":1,"a":2}"#, #"{"":0}"#, "[[[[]]]]", #"[{},[],{"a":[{}]}]"#, "\t\r\n 1 \t\r\n",
  ])
  func `accepts`(text: String) {
    #expect(failure(Array(text.utf8)) == nil)
  }

  @Test(arguments: [
    ("", 0), (" ", 1), ("nul", 3), ("nulL", 3), ("True", 0), ("tru", 3), ("truth", 3), ("NaN", 0), ("Infinity", 0),
    ("+1", 0), ("01", 1), ("-", 1), ("-a", 1), ("1.", 2), (".5", 0), ("1.e1", 2), ("1e", 2), ("1e+", 3), ("1E-x", 3),
    ("--1", 1), ("0x10", 1), ("1 2", 2), ("1,", 1), ("'a'", 0), ("\"", 1), ("\"a", 2), ("\"\\", 1), ("\"\\x\"", 1),
    ("\"\\u12\"", 5), ("\"\\u12g4\"", 5), ("\"\\u", 3), ("\"\n\"", 1), ("\"\t\"", 1), ("\"\u{1}\"", 1), ("[", 1),
    ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("[1}", 2), ("]", 0), ("[]]", 2), ("{", 1),
    ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\":1", 6), ("{\"a\":1,", 7), ("{\"a\":1,}", 7), ("{a:1}", 1), ("{1:1}", 1),
    ("{\"a\" 1}", 5), ("{\"a\":1]", 6), ("{,}", 1), ("}", 0), ("{\"a\":}", 5), ("// c\n1", 0), ("1 // c", 2),
    ("[1,/**/2]", 3), ("\u{A0}1", 0), ("\u{B}1", 0), ("\u{C}1", 0), ("\0", 0), ("1\0", 1), ("\"\0\"", 1),
  ])
  func `refuses where it goes wrong`(text: String, offset: Int) {
    #expect(failure(Array(text.utf8))?.offset == offset)
  }

  @Test(
    arguments: [
      // Table 3-7 of Unicode: each first byte with its least and greatest followers.
      [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE0, 0xBF, 0xBF], [0xE1, 0x80, 0x80], [0xEC, 0xBF, 0xBF],
      [0xED, 0x80, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80],
      [0xF0, 0xBF, 0xBF, 0xBF], [0xF1, 0x80, 0x80, 0x80], [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x80, 0x80, 0x80],
      [0xF4, 0x8F, 0xBF, 0xBF],
    ] as [[UInt8]])
  func `accepts UTF-8`(sequence: [UInt8]) {
    for before in 0...9 {
      let padding = [UInt8](repeating: 0x61, count: before)
      #expect(failure([0x22] + padding + sequence + [0x22]) == nil)
    }
  }

  @Test(
    arguments: [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x22], [0xDF, 0xC0], [0xE0, 0x9F, 0xBF], [0xE0, 0x80],
      [0xE1, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]])
  func `refuses what is no UTF-8`(sequence: [UInt8]) {
    for before in 0...9 {
      let padding = [UInt8](repeating: 0x61, count: before)
      let found = failure([0x22] + padding + sequence + [0x22])
      #expect(found?.offset == before + 1)
      #expect(found?.reason == "not valid UTF-8")
    }
  }

  @Test func `finds every special byte at every place of a word`() {
    for place in 0..<24 {
      for byte in UInt8.min ... .max {
        var text = [UInt8](repeating: 0x61, count: 24)
        text[place] = byte
        let isFine = byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
        #expect((failure([0x22] + text + [0x22]) == nil) == isFine, "byte \(byte) at \(place)")
      }
    }
  }

  @Test func `accepts 512 levels and refuses 513`() {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      let inner = open == "[" ? "" : "1"
      func nested(_ levels: Int) -> [UInt8] {
        Array((String(repeating: open, count: levels) + inner + String(repeating: close, count: levels)).utf8)
      }
      #expect(failure(nested(512)) == nil)
      let refused = failure(nested(513))
      #expect(refused?.offset == 512 * open.utf8.count)
      #expect(refused?.reason == "nested deeper than 512 levels")
    }
  }

  @Test func `remembers of each level whether it is an array or an object`() {
    // A pattern that repeats with no power of two, so that a bit in the wrong word shows.
    let levels = (0..<512).map { $0 % 3 == 0 || $0 % 7 == 0 }
    let open = levels.map { $0 ? "[" : #"{"a":"# }.joined()
    let close = levels.reversed().map { $0 ? "]" : "}" }
    #expect(failure(Array((open + "1" + close.joined()).utf8)) == nil)
    for wrong in stride(from: 0, to: 512, by: 31) {
      var closing = close
      closing[wrong] = close[wrong] == "]" ? "}" : "]"
      #expect(failure(Array((open + "1" + closing.joined()).utf8))?.offset == open.utf8.count + 1 + wrong)
    }
  }

  @Test func `counts the levels around a value`() {
    let bytes = Array("[]".utf8)
    #expect(scanFailure(bytes, depth: 511) == nil)
    #expect(scanFailure(bytes, depth: 512)?.offset == 0)
  }

  @Test func `names line and column in bytes`() {
    let bytes = Array("[\n  \"é\",\n  tru\n]".utf8)
    let found = failure(bytes)?.located(source: "memory.json", in: bytes.span.bytes)
    #expect(found?.line == 3)
    #expect(found?.column == 6)
    #expect(
      found?.description == "memory.json:3:6: not a JSON value (only true, false and null are words)")
  }

  private func failure(_ bytes: [UInt8]) -> ScanFailure? { scanFailure(bytes) }
}

/// Why a whole text is no JSON; `nil` when it is.
func scanFailure(_ bytes: [UInt8], depth: Int = 0) -> ScanFailure? {
  let span = bytes.span.bytes
  var scanner = JSONScanner()
  do throws(ScanFailure) {
    scanner.skipWhitespace(span)
    try scanner.skipValue(span, depth: depth)
    scanner.skipWhitespace(span)
    return scanner.isAtEnd(span) ? nil : scanner.failure(span, "text after the end of the value")
  } catch {
    return error
  }
}
