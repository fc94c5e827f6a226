/// What one kind of secret looks like.
public struct SecretRule: Hashable, Sendable {
  /// What has to hold of a match besides its form.
  public enum Check: Hashable, Sendable {
    /// Nothing: the form says it all.
    case none
    /// What follows the needle is no placeholder and looks drawn by lot.
    case random
    /// The lines of a key follow.
    case keyBlock
  }

  /// By which a finding is named and allowed: lower-case letters, digits and `-`.
  public let name: String
  public let pattern: SecretPattern
  public let check: Check

  public init(name: String, pattern: SecretPattern, check: Check = .none) {
    self.name = name
    self.pattern = pattern
    self.check = check
  }

  /// Whether `name` can name a rule.
  public static func isName(_ name: some StringProtocol) -> Bool {
    !name.isEmpty && name.utf8.count <= 64
      && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
  }

  /// Reads a file of rules: one a line, `name: pattern` (see ``SecretPattern``); `#` starts a comment line.
  ///
  /// Throws `.invalidRules` with file, line and reason; half a rule set would let through what its writer meant to keep.
  public static func parse(_ bytes: [UInt8], source: String) throws(MemoryError) -> [SecretRule] {
    var rules: [SecretRule] = []
    for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      func refusal(_ reason: String) -> MemoryError {
        MemoryError(.invalidRules, source: source, line: index + 1, column: 1, reason: reason)
      }
      let text = trimmed(line)
      if text.isEmpty || text.first == UInt8(ascii: "#") { continue }
      guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
        throw refusal("a rule is written \"name: pattern\"")
      }
      let name = String(decoding: trimmed(text[..<colon]), as: UTF8.self)
      guard isName(name) else { throw refusal("the name of a rule is made of a-z, 0-9 and -") }
      do {
        let pattern = try SecretPattern(String(decoding: trimmed(text[(colon + 1)...]), as: UTF8.self))
        rules.append(SecretRule(name: name, pattern: pattern))
      } catch { throw refusal(error.reason) }
    }
    return rules
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = bytes
    while let first = rest.first, ByteClass.space.contains(first) { rest.removeFirst() }
    while let last = rest.last, ByteClass.space.contains(last) { rest.removeLast() }
    return rest
  }
}
