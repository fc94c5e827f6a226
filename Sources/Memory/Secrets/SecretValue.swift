/// A piece of text that may be a secret, and the questions that tell it from what people write otherwise.
struct SecretValue {
  let bytes: [UInt8]
  private let lowered: String

  init(_ bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
    lowered = String(decoding: self.bytes.map { ByteClass.upper.contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  private func has(_ members: ByteClass) -> Bool { bytes.contains(where: members.contains) }
  private var hasLetter: Bool { has(.lower) || has(.upper) }
  private func isMade(of members: ByteClass) -> Bool { bytes.allSatisfy(members.contains) }
  private func holds(anyOf parts: [String]) -> Bool { parts.contains { lowered.utf8.holds($0.utf8) } }

  /// `<token>`, `xxxx`, `$ENV_VAR`, `{{ vault.x }}`, `changeme`: it stands for a secret and is none.
  var isPlaceholder: Bool {
    guard let first = bytes.first, Set(bytes).count > 2 else { return true }
    if SecretWords.placeholders.contains(lowered) || holds(anyOf: SecretWords.placeholderParts) { return true }
    if bytes.count < 20, holds(anyOf: SecretWords.shortPlaceholderParts) { return true }
    switch first {
    case UInt8(ascii: "<"), UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "("): return true
    case UInt8(ascii: "%"): return bytes.last == first
    case UInt8(ascii: "$"):
      let name = SecretValue(bytes.dropFirst())
      if let second = name.bytes.first, second == UInt8(ascii: "{") || second == UInt8(ascii: "(") { return true }
      return name.isMade(of: .word) && !(name.has(.lower) && (name.has(.upper) || name.has(.digits)))
    default: return false
    }
  }

  /// A path, a URL, a call or a chain of names: where a secret is, not what it is.
  var isReference: Bool {
    if holds(anyOf: ["://", "("]) || bytes.starts(with: "./".utf8) || bytes.starts(with: "~/".utf8) { return true }
    let slashes = bytes.count { $0 == UInt8(ascii: "/") }
    if bytes.first == UInt8(ascii: "/"), slashes > 1 { return true }
    return (slashes > 0 || bytes.contains(UInt8(ascii: "."))) && isWords
  }

  /// Names and small numbers between signs, as in `deploy-token-2` or `config.auth.token`.
  var isWords: Bool {
    let parts = bytes.split { !ByteClass.word.contains($0) || $0 == UInt8(ascii: "_") }
    guard !parts.isEmpty else { return true }
    return parts.allSatisfy { part in
      let letters = part.prefix { !ByteClass.digits.contains($0) }
      let digits = part.dropFirst(letters.count)
      guard digits.allSatisfy(ByteClass.digits.contains), digits.count <= 4, letters.count <= 16 else { return false }
      // A capital at the start, or capitals all through; no more.
      return letters.dropFirst().allSatisfy(ByteClass.lower.contains) || letters.allSatisfy(ByteClass.upper.contains)
    }
  }

  /// Bits a byte by how often each byte is in it: about 4.5 for 32 letters and digits drawn by lot, 2 to 3 for a word.
  var entropy: Double {
    guard !bytes.isEmpty else { return 0 }
    var counts = Array(repeating: 0, count: 256)
    for byte in bytes { counts[Int(byte)] += 1 }
    return counts.reduce(0) { sum, count in
      guard count > 0 else { return sum }
      let share = Double(count) / Double(bytes.count)
      return sum - share * SecretValue.log2(share)
    }
  }

  /// The base-2 logarithm of a share in (0, 1], by squaring: there is no `log` without a C library's.
  private static func log2(_ share: Double) -> Double {
    var mantissa = share.significand
    var result = Double(share.exponent)
    var bit = 0.5
    for _ in 0..<24 {
      mantissa *= mantissa
      if mantissa >= 2 {
        mantissa /= 2
        result += bit
      }
      bit /= 2
    }
    return result
  }

  /// Whether the variable part of a token with a known beginning is one.
  var isRandomPart: Bool { !isPlaceholder && !isWords && entropy >= (bytes.count < 16 ? 2.2 : 2.6) }

  /// Whether a member named like a password holds one.
  var isPasswordOfMember: Bool {
    bytes.count >= 6 && bytes.count <= 256 && !has(.space) && !isPlaceholder && !isReference
  }

  /// Whether text sets a password to this: more than a word that may just follow in a sentence.
  var isPasswordInText: Bool {
    guard isPasswordOfMember, !holds(anyOf: SecretWords.methods), !isDate else { return false }
    if isMade(of: .digits) { return true }
    if has(.digits) && hasLetter { return !(isWords && bytes.contains(UInt8(ascii: "-"))) }
    if has(ByteClass("!@#$%^&*+=?~".utf8)), hasLetter { return true }
    return SecretValue(bytes.dropFirst()).has(.upper) && has(.lower) && !isWords
  }

  /// Whether a sentence says that the password is this.
  var isSpokenPassword: Bool {
    isPasswordInText && bytes.count <= 64 && hasLetter && has(.digits) && !has(ByteClass("/.:".utf8))
  }

  private var isDate: Bool { isMade(of: ByteClass("0123456789-/.:TZ".utf8)) && has(ByteClass("-/:".utf8)) }

  /// Whether a key, token or secret is this.
  var isToken: Bool {
    guard bytes.count >= 16, bytes.count <= 4096, !has(.space), has(.digits), hasLetter else { return false }
    return !isPlaceholder && !isReference && !isWords && !isDate && entropy >= 3 && !isMethod
  }

  private var isMethod: Bool { bytes.count < 32 && holds(anyOf: SecretWords.methods) }

  /// 40 characters of base 64: the secret half of an access key.
  var isAccessKeySecret: Bool {
    bytes.count == 40
      && isMade(of: ByteClass(Array("+/=".utf8) + Array(0x30...0x39) + Array(0x61...0x7A) + Array(0x41...0x5A)))
      && !isPlaceholder && entropy >= 3.5
  }

  /// Letters of both cases and digits without any order: no hash, no identifier, no words.
  var isHighEntropy: Bool {
    guard bytes.count >= 20, has(.lower), has(.upper), bytes.count(where: ByteClass.digits.contains) >= 3,
      !isPlaceholder
    else { return false }
    func kind(_ byte: UInt8) -> Int {
      ByteClass.digits.contains(byte) ? 0 : ByteClass.lower.contains(byte) ? 1 : ByteClass.upper.contains(byte) ? 2 : 3
    }
    let changes = zip(bytes, bytes.dropFirst()).count { kind($0) != kind($1) }
    return changes * 10 >= bytes.count * 4 && entropy >= 3.5
  }
}

extension Sequence where Element == UInt8 {
  /// Whether `part` is somewhere in it.
  func holds(_ part: some Sequence<UInt8>) -> Bool {
    let (whole, part) = (Array(self), Array(part))
    guard whole.count >= part.count else { return false }
    return (0...whole.count - part.count).contains { whole[$0..<$0 + part.count].elementsEqual(part) }
  }
}
