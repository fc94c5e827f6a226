import Foundation
import TestKit
import Testing

@testable import Memory

/// The scanner beside Foundation's parser, and strings through writing and reading.
struct JSONLawsTests {
  @Test func `what the grammar makes is accepted`() {
    checkProperty("generated JSON is accepted", .jsonValue(depth: 3).padded) { (text: String) in
      try demand(isAccepted(Array(text.utf8)), "refused")
    }
  }

  @Test func `texts with a mistake are judged as Foundation judges them`() {
    let mutated = Gen<[UInt8]> { choices in
      var bytes = Array(try choices.draw(Gen<String>.jsonValue(depth: 2).padded).utf8)
      for _ in 0...(try choices.choice(upTo: 2)) where !bytes.isEmpty {
        let place = try Int(choices.choice(upTo: UInt64(bytes.count - 1)))
        switch try choices.choice(upTo: 3) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(try choices.draw(byte), at: place)
        case 2: bytes[place] = try choices.draw(byte)
        default: bytes.removeSubrange(place...)
        }
      }
      return bytes
    }
    checkProperty("agreement with Foundation", mutated) { bytes in
      // Where the two differ: Foundation guesses UTF-16 from NULs, takes a byte order mark and a trailing comma, and
      // refuses lone surrogates and numbers no double holds.
      try assume(!bytes.contains(0) && !bytes.starts(with: [0xEF, 0xBB, 0xBF]))
      let text = String(decoding: bytes, as: UTF8.self)
      try assume(text.firstMatch(of: /,[ \t\r\n]*[\]}]/) == nil)
      let isOracleSure = !text.lowercased().contains("\\ud") && !text.lowercased().contains("e")
      let oracle = (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])) != nil
      let own = isAccepted(bytes)
      if oracle { try demand(own, "Foundation reads it: \(text)") }
      if own, isOracleSure { try demand(oracle, "Foundation does not read it: \(text)") }
    }
  }

  private var byte: Gen<UInt8> {
    .oneOf(.element(of: Array("\"\\[]{},:0123456789-+.eEtfnul \n\u{E9}".utf8)), .int(in: 1...255))
  }

  @Test func `decoded strings are Foundation's`() {
    checkProperty("decoding", .jsonString(count: 0...8)) { (literal: String) in
      // Foundation refuses lone surrogates and drops a byte order mark inside a string.
      try assume(!literal.lowercased().contains("\\ud") && !literal.unicodeScalars.contains("\u{FEFF}"))
      let bytes = Array(literal.utf8)
      let own = JSONObject.string(0..<bytes.count, bytes.span.bytes)
      let oracle = try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed]) as? String
      try demandEqual(own, oracle.map { Array($0.utf8) }, "another text")
    }
  }

  @Test func `any text comes back through quoting`() {
    // Lone surrogates too, in their generalized UTF-8 form, never two halves in a row that would be one character.
    let surrogate = Gen<[UInt8]>.element(of: [[0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xBF, 0xBF]])
    let piece = Gen<[UInt8]>.oneOf(
      Gen<String>.text(count: 1...6).map { Array($0.utf8) }, surrogate.map { $0 + [0x78] })
    checkProperty("quoting", piece.array(count: 0...4)) { pieces in
      let text = pieces.flatMap { $0 }
      let quoted = JSONText.quoted(text)
      try demand(isAccepted(quoted), "not valid JSON")
      try demandEqual(JSONObject.string(0..<quoted.count, quoted.span.bytes), text, "another text")
    }
  }

  @Test func `squeezing keeps the meaning and is done once`() {
    checkProperty("squeezing", Gen<String>.jsonValue(depth: 3).padded) { text in
      let bytes = Array(text.utf8)
      var once: [UInt8] = []
      JSONText.appendCompact(bytes.span.bytes, 0..<bytes.count, to: &once)
      var twice: [UInt8] = []
      JSONText.appendCompact(once.span.bytes, 0..<once.count, to: &twice)
      try demandEqual(once, twice, "not idempotent")
      try demand(isAccepted(once), "no longer valid")
      try demandEqual(isAccepted(bytes), true, "the text was not valid")
    }
  }

  private func isAccepted(_ bytes: [UInt8]) -> Bool {
    let span = bytes.span.bytes
    var scanner = JSONScanner()
    scanner.skipWhitespace(span)
    guard (try? scanner.skipValue(span, depth: 0)) != nil else { return false }
    scanner.skipWhitespace(span)
    return scanner.isAtEnd(span)
  }
}
