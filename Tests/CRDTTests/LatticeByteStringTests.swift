import CRDT
import Testing

struct ByteStringTests {
  @Test func comparesBytesNotCharacters() {
    let composed: ByteString = "\u{E9}"
    let decomposed: ByteString = "e\u{301}"
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed]).count == 2)
    #expect(decomposed < composed)
  }

  @Test func sortsAsUnsignedBytesWithPrefixesFirst() {
    let sorted: [ByteString] = ["", "a", "a\u{0}", "ab", "b", "\u{7F}", "\u{80}", "\u{FFFF}", "\u{10000}"]
    #expect(sorted.reversed().sorted() == sorted)
    #expect(ByteString([0x7F]) < ByteString([0x80]))
  }

  @Test func keepsBytesThatAreNoText() {
    let broken = ByteString([0x61, 0xFF, 0x22])
    #expect(broken.bytes == [0x61, 0xFF, 0x22])
    #expect(broken.description == "a\u{FFFD}\"")
    #expect(broken.debugDescription == "\"a\\xFF\\\"\"")
  }
}
