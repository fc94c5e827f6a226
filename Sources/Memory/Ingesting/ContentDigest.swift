/// The SHA-256 of what an entry's content means: how two values are told apart without keeping them.
///
/// Of its ``JSONMeaning``, not of its bytes: a program that reads its memory and saves it again with other escapes has
/// edited nothing, and stamping that would let stale data win.
public struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// The digest of a JSON object without metadata.
  /// - Complexity: O(n)
  public init(of content: [UInt8]) {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for (index, byte) in SHA256Digest.of(JSONMeaning.form(of: content) ?? content).enumerated() {
      switch index >> 3 {
      case 0: words.0 = words.0 << 8 | UInt64(byte)
      case 1: words.1 = words.1 << 8 | UInt64(byte)
      case 2: words.2 = words.2 << 8 | UInt64(byte)
      default: words.3 = words.3 << 8 | UInt64(byte)
      }
    }
    (first, second, third, fourth) = words
  }

  /// Takes the 64 lower-case hex digits of ``description``; `nil` for anything else.
  public init?(hex: [UInt8]) {
    guard hex.count == 64 else { return nil }
    var words: [UInt64] = []
    for start in stride(from: 0, to: 64, by: 16) {
      var word: UInt64 = 0
      for digit in hex[start..<start + 16] {
        switch digit {
        case 0x30...0x39: word = word << 4 | UInt64(digit - 0x30)
        case 0x61...0x66: word = word << 4 | UInt64(digit - 0x61 + 10)
        default: return nil
        }
      }
      words.append(word)
    }
    (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
  }

  /// 64 lower-case hex digits.
  public var description: String {
    [first, second, third, fourth].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }.joined()
  }
}
