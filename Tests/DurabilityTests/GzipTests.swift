import Durability
import Testing

struct GzipTests {
  private let text = Array(repeating: Array("a text that repeats itself; ".utf8), count: 20_000).flatMap(\.self)

  @Test func bytesComeBack() throws {
    for bytes in [[], [0], text] {
      let packed = try Gzip.compress(bytes)
      #expect(try Gzip.decompress(packed, limitBytes: bytes.count) == bytes)
      #expect(try Gzip.compress(bytes) == packed)
    }
    #expect(try Gzip.compress(text).count < text.count / 20)
  }

  @Test func damageIsNamed() throws {
    let packed = try Gzip.compress(text)
    #expect(throws: Gzip.Damage.tooLarge) { try Gzip.decompress(packed, limitBytes: text.count - 1) }
    #expect(throws: Gzip.Damage.truncated) { try Gzip.decompress(packed.dropLast(), limitBytes: text.count) }
    #expect(throws: Gzip.Damage.trailingBytes) { try Gzip.decompress(packed + [0], limitBytes: text.count) }
    #expect(throws: Gzip.Damage.notGzip) { try Gzip.decompress(text, limitBytes: text.count) }
    #expect(throws: Gzip.Damage.truncated) { try Gzip.decompress([], limitBytes: 0) }
    var flipped = packed
    flipped[packed.count / 2] ^= 1
    #expect(throws: Gzip.Damage.self) { try Gzip.decompress(flipped, limitBytes: text.count) }
  }
}
