import Testing

@testable import Memory

/// Reading and writing single strings, and squeezing.
struct JSONTextTests {
  @Test(arguments: [
    (#""""#, ""), (#""a""#, "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9""#, "Aé"),
    (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00x""#, "😀x"), (#""\u0000""#, "\0"), (#""\uFFFF""#, "\u{FFFF}"),
    (#""é\u0301""#, "é\u{301}"), (#""\u005f""#, "_"), (#""\\u0041""#, "\\u0041"),
  ])
  func `decodes`(literal: String, text: String) {
    #expect(decoded(Array(literal.utf8)) == Array(text.utf8))
  }

  @Test(
    arguments: [
      (#""\ud800""#, [0xED, 0xA0, 0x80]), (#""\uDFFF""#, [0xED, 0xBF, 0xBF]),
      (#""\ud800\u0041""#, [0xED, 0xA0, 0x80, 0x41]),
      (#""\ud800\ud800\udc00""#, [0xED, 0xA0, 0x80, 0xF0, 0x90, 0x80, 0x80]),
      (#""\udc00\ud800""#, [0xED, 0xB0, 0x80, 0xED, 0xA0, 0x80]),
    ] as [(String, [UInt8])])
  func `keeps lone surrogates apart, and writes them so that they come back`(literal: String, text: [UInt8]) {
    #expect(decoded(Array(literal.utf8)) == text)
    let written = JSONText.quoted(text)
    #expect(scanFailure(written) == nil)
    #expect(decoded(written) == text)
  }

  @Test func `writes every byte below 0x80 so that it comes back`() {
    let text = (UInt8(0)..<0x80).map { $0 }
    let written = JSONText.quoted(text)
    #expect(scanFailure(written) == nil)
    #expect(decoded(written) == text)
  }

  @Test func `squeezes white space outside strings only`() {
    let text = " { \"a b\" :\t[ 1 , \" \\\" , \" , { } ] ,\r\n\"c\\\\\" : \"  \" } "
    var output: [UInt8] = []
    let bytes = Array(text.utf8)
    JSONText.appendCompact(bytes.span.bytes, 0..<bytes.count, to: &output)
    #expect(String(decoding: output, as: UTF8.self) == #"{"a b":[1," \" , ",{}],"c\\":"  "}"#)
  }

  private func decoded(_ literal: [UInt8]) -> [UInt8]? {
    JSONObject.string(0..<literal.count, literal.span.bytes)
  }
}
