import CRDT
import Memory
import TestKit
import Testing

/// The scanner over whatever JSON there is.
struct SecretLawsTests {
  private static let token = Gen<Int>.int(in: 0...1_000_000).map { seed in
    var random = SplitMix64(seed: UInt64(seed))
    let letters = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
    // The last two make sure that there are letters and digits.
    return "gh" + "p_" + String((0..<34).map { _ in letters[Int(random.next() % UInt64(letters.count))] }) + "a7"
  }

  @Test func `any JSON is scanned, the same way every time`() {
    checkProperty("scanning ends", .jsonValue(depth: 3).padded) { (text: String) in
      let first = SecretScanner().findings(in: Array(text.utf8))
      try demandEqual(SecretScanner().findings(in: Array(text.utf8)), first)
      _ = SecretScanner().findings(in: Array(text.utf8.dropLast()))
    }
  }

  @Test func `a token is found wherever it stands, and no finding tells it`() {
    let noise = Gen<String>.jsonObject(members: 0...3, depth: 1)
    checkProperty("tokens are found", zip(Self.token, noise, Gen<Int>.int(in: 0...4))) { token, noise, place in
      let escaped = token.utf8.map { "\\u00" + String($0, radix: 16) }.joined()
      let text =
        switch place {
        case 0: #"{"noise":\#(noise),"content":"a \#(token) b"}"#
        case 1: #"{"\#(token)":\#(noise)}"#
        case 2: #"{"noise":\#(noise),"content":"\#(escaped)"}"#
        case 3: #"{"noise":\#(noise),"a":[[{"b":"{\"c\":\"\#(token)\"}"}]]}"#
        default: #"{"password":"\#(token)","noise":\#(noise)}"#
        }
      let findings = SecretScanner().findings(in: Array(text.utf8))
      try demand(findings.contains { $0.rule == "github-token" }, "not found in \(text)")
      try demand(!"\(findings)".contains(token), "told")
      let item = MemoryDocument.Item(id: ByteString(token), content: Array(text.utf8))
      guard let held = SecretScanner().heldBack(item) else { throw PropertyFailure("not held back") }
      try demand(!"\(held)".contains(token) && !"\(held.id) \(held.member)".contains(token), "told by its name")
    }
  }
}
