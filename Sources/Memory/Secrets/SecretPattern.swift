/// The form of a token, in a tiny language that is matched in one pass, without going back.
///
/// - Any character stands for itself, `\` before it takes away its meaning.
/// - `[a-z0-9_]` is one byte of a class, `[^ ]` one that is not in it.
/// - A class may be followed by `{20}`, `{20,}` or `{20,40}`: so many. A run takes all it can get and gives nothing back.
/// - `*` is a run of anything but white space and quotes.
///
/// It starts with at least three plain characters, by which it is found. Where the first is a letter or digit, no letter,
/// digit or `_` may stand before it; where the last run has a greatest length, nothing of its class may follow.
public struct SecretPattern: Hashable, Sendable {
  enum Step: Hashable {
    case literal([UInt8])
    case run(ByteClass, count: ClosedRange<Int>)
  }

  /// The plain characters it starts with.
  let needle: [UInt8]
  /// What follows.
  let steps: [Step]

  /// Reads a pattern; throws ``Malformed`` with the reason.
  public init(_ text: some StringProtocol) throws(Malformed) {
    var parser = Parser(text: Array(text.utf8))
    var steps = try parser.steps()
    guard case .literal(let needle) = steps.first, needle.count >= 3 else {
      throw Malformed(reason: "a pattern starts with three or more plain characters")
    }
    steps.removeFirst()
    self.needle = needle
    self.steps = steps
  }

  /// Why a pattern was refused.
  public struct Malformed: Error, Hashable, Sendable {
    public var reason: String
  }

  /// What the pattern matches at `start`, and how much of that is behind the needle; `nil` when it does not.
  /// - Complexity: O(length of the match)
  func match(_ text: [UInt8], at start: Int) -> (whole: Range<Int>, variable: Range<Int>)? {
    guard text[start...].starts(with: needle) else { return nil }
    if start > 0, ByteClass.word.contains(needle[0]), ByteClass.word.contains(text[start - 1]) { return nil }
    let behindNeedle = start + needle.count
    var position = behindNeedle
    for step in steps {
      switch step {
      case .literal(let literal):
        guard text[position...].starts(with: literal) else { return nil }
        position += literal.count
      case .run(let allowed, let count):
        let begin = position
        while position < text.count, position - begin < count.upperBound, allowed.contains(text[position]) {
          position += 1
        }
        guard position - begin >= count.lowerBound else { return nil }
      }
    }
    if case .run(let allowed, let count) = steps.last, count.upperBound < SecretPattern.longestRun,
      position < text.count, allowed.contains(text[position])
    {
      return nil
    }
    return (start..<position, behindNeedle..<position)
  }
}

/// A set of bytes.
struct ByteClass: Hashable, Sendable {
  private var bits = SIMD4<UInt64>()

  func contains(_ byte: UInt8) -> Bool { bits[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

  mutating func insert(_ byte: UInt8) { bits[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

  var inverted: ByteClass {
    var result = self
    result.bits = ~bits
    return result
  }

  init(_ bytes: some Sequence<UInt8> = []) { for byte in bytes { insert(byte) } }

  static let digits = ByteClass(0x30...0x39)
  static let lower = ByteClass(0x61...0x7A)
  static let upper = ByteClass(0x41...0x5A)
  /// Letters, digits and `_`.
  static let word = ByteClass(Array(0x30...0x39) + Array(0x61...0x7A) + Array(0x41...0x5A) + [0x5F])
  static let space = ByteClass([0x20, 0x09, 0x0A, 0x0D])
  static let quotes = ByteClass("\"'`".utf8)
}

extension SecretPattern {
  fileprivate struct Parser {
    let text: [UInt8]
    var position = 0

    mutating func steps() throws(Malformed) -> [Step] {
      var steps: [Step] = []
      var literal: [UInt8] = []
      func flush() {
        if !literal.isEmpty { steps.append(.literal(literal)) }
        literal = []
      }
      while let byte = next() {
        switch byte {
        case UInt8(ascii: "["):
          flush()
          let allowed = try byteClass()
          steps.append(.run(allowed, count: try count()))
        case UInt8(ascii: "*"):
          flush()
          steps.append(.run(ByteClass(" \t\r\n\"'`".utf8).inverted, count: 0...SecretPattern.longestRun))
        case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "]"):
          throw Malformed(
            reason: "\(Unicode.Scalar(byte)) stands alone; write \\\(Unicode.Scalar(byte)) for the character")
        default: literal.append(try plain(byte))
        }
      }
      flush()
      return steps
    }

    private mutating func next() -> UInt8? {
      guard position < text.count else { return nil }
      position += 1
      return text[position - 1]
    }

    private mutating func plain(_ byte: UInt8) throws(Malformed) -> UInt8 {
      guard byte == UInt8(ascii: "\\") else { return byte }
      guard let escaped = next() else { throw Malformed(reason: "a \\ at the end") }
      return escaped
    }

    /// Behind the opening bracket.
    private mutating func byteClass() throws(Malformed) -> ByteClass {
      var allowed = ByteClass()
      var isEmpty = true
      let isInverted = position < text.count && text[position] == UInt8(ascii: "^")
      if isInverted { position += 1 }
      while let byte = next() {
        if byte == UInt8(ascii: "]") {
          guard !isEmpty else { throw Malformed(reason: "an empty class []") }
          return isInverted ? allowed.inverted : allowed
        }
        let first = try plain(byte)
        isEmpty = false
        let isRange =
          position + 1 < text.count && text[position] == UInt8(ascii: "-") && text[position + 1] != UInt8(ascii: "]")
        guard isRange else {
          allowed.insert(first)
          continue
        }
        position += 2
        let last = try plain(text[position - 1])
        guard first <= last else { throw Malformed(reason: "a range in a class runs backwards") }
        for member in first...last { allowed.insert(member) }
      }
      throw Malformed(reason: "a class is not closed with ]")
    }

    /// `{n}`, `{n,}` or `{n,m}`; exactly one where there is none.
    private mutating func count() throws(Malformed) -> ClosedRange<Int> {
      guard position < text.count, text[position] == UInt8(ascii: "{") else { return 1...1 }
      position += 1
      let malformed = Malformed(reason: "a count is written {20}, {20,} or {20,40}")
      guard let end = text[position...].firstIndex(of: UInt8(ascii: "}")) else { throw malformed }
      let parts = text[position..<end].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }
      position = end + 1
      guard let least = parts.first.flatMap({ Int($0) }), (0...SecretPattern.longestRun).contains(least) else {
        throw malformed
      }
      switch parts.count {
      case 1: return least...least
      case 2 where parts[1].isEmpty: return least...SecretPattern.longestRun
      case 2:
        guard let most = Int(parts[1]), most >= least, most <= SecretPattern.longestRun else { throw malformed }
        return least...most
      default: throw malformed
      }
    }
  }

  /// Where a run without an end stops counting: it bounds the work on a text that repeats a needle.
  static let longestRun = 512
}
