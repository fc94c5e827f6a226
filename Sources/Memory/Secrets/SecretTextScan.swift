/// Looks for secrets in one decoded text.
struct SecretTextScan {
  /// A rule that fits, and the part of the text that is the secret.
  struct Hit {
    var rule: String
    var range: Range<Int>
  }

  private let rules: SecretRuleIndex
  private let text: [UInt8]
  private var hits: [Hit] = []
  /// Hits by form; what they cover is not told again by what stands around it.
  private var covered: [Range<Int>] = []

  /// All hits, each place told once.
  /// - Complexity: O(n)
  static func hits(in text: [UInt8], rules: SecretRuleIndex) -> [Hit] {
    var scan = SecretTextScan(rules: rules, text: text)
    scan.run()
    return scan.hits.filter { hit in
      switch ContextualSecret(rawValue: hit.rule) {
      case nil: true
      // What has a name besides is told by it.
      case .highEntropy: !scan.hits.contains { $0.rule != hit.rule && $0.range.overlaps(hit.range) }
      default: !scan.covered.contains { $0.overlaps(hit.range) }
      }
    }
  }

  private init(rules: SecretRuleIndex, text: [UInt8]) {
    self.rules = rules
    self.text = text
  }

  private mutating func run() {
    var runEnd = 0
    var matchEnd = 0
    for position in text.indices where hits.count < 100 {
      let byte = text[position]
      if position >= matchEnd, rules.starts.contains(byte), let end = matchRule(at: position) { matchEnd = end }
      if position >= runEnd, SecretTextScan.runBytes.contains(byte) {
        runEnd = text[position...].firstIndex { !SecretTextScan.runBytes.contains($0) } ?? text.count
        highEntropy(position..<runEnd)
      }
      switch byte {
      case UInt8(ascii: ":"):
        if text[(position + 1)...].starts(with: "//".utf8) {
          urlCredentials(at: position)
        } else {
          assignment(at: position)
        }
      case UInt8(ascii: "="): assignment(at: position)
      case UInt8(ascii: " "):
        if text[position...].starts(with: " is ".utf8) { spoken(at: position) }
      default: break
      }
    }
  }

  // MARK: By form

  /// Where the match ends.
  private mutating func matchRule(at position: Int) -> Int? {
    for rule in rules.rules(startingWith: text[position]) {
      guard let match = rule.pattern.match(text, at: position) else { continue }
      switch rule.check {
      case .none: break
      case .random:
        guard SecretValue(text[match.variable]).isRandomPart else { continue }
      case .keyBlock:
        guard hasKeyLines(behind: match.whole.upperBound) else { continue }
      }
      hits.append(Hit(rule: rule.name, range: match.whole))
      covered.append(match.whole)
      return match.whole.upperBound
    }
    return nil
  }

  /// A sentence may speak of the line that a key begins with; a key goes on with base 64.
  private func hasKeyLines(behind position: Int) -> Bool {
    var length = 0
    for byte in text[position...].prefix(600) {
      length = SecretTextScan.base64.contains(byte) ? length + 1 : 0
      if length >= 24 { return true }
    }
    return false
  }

  private static let base64 = ByteClass(
    Array("+/=".utf8) + Array(0x30...0x39) + Array(0x61...0x7A) + Array(0x41...0x5A))
  /// What a string drawn by lot is made of, as far as it is told from paths and sentences.
  private static let runBytes = ByteClass(
    Array("+_=-".utf8) + Array(0x30...0x39) + Array(0x61...0x7A) + Array(0x41...0x5A))
  private static let nameBytes = ByteClass(
    Array("_-.".utf8) + Array(0x30...0x39) + Array(0x61...0x7A) + Array(0x41...0x5A))
  private static let valueEnds = ByteClass(" \t\r\n\"'`,;)]}<>\\&|".utf8)

  // MARK: By what stands around

  private mutating func highEntropy(_ range: Range<Int>) {
    guard range.count >= 20 else { return }
    let before = text[max(0, range.lowerBound - 48)..<range.lowerBound].map {
      ByteClass.upper.contains($0) ? $0 | 0x20 : $0
    }
    guard !before.holds("base64,".utf8), SecretWords.nearby.contains(where: { before.holds($0.utf8) }),
      SecretValue(text[range]).isHighEntropy
    else { return }
    hits.append(Hit(rule: ContextualSecret.highEntropy.rawValue, range: range))
  }

  private mutating func urlCredentials(at colon: Int) {
    guard colon > 0, ByteClass.word.contains(text[colon - 1]) else { return }
    let rest = text[(colon + 3)...]
    let end = rest.firstIndex { ByteClass("/?# \t\r\n\"'`<>".utf8).contains($0) } ?? text.count
    let authority = text[(colon + 3)..<end]
    guard let at = authority.lastIndex(of: UInt8(ascii: "@")),
      let separator = authority[..<at].firstIndex(of: UInt8(ascii: ":"))
    else { return }
    let password = separator + 1..<at
    guard password.count >= 3, !SecretValue(text[password]).isPlaceholder, !isPlainWord(password) else { return }
    hits.append(Hit(rule: ContextualSecret.urlCredentials.rawValue, range: password))
  }

  /// `pass`, as in `https://user:pass@host`.
  private func isPlainWord(_ range: Range<Int>) -> Bool {
    ["pass", "pwd", "token", "user", "port"].contains { text[range].elementsEqual($0.utf8) }
  }

  /// `password = "…"`, `"api_key": "…"`, `token:=…`, at its separator.
  private mutating func assignment(at separator: Int) {
    guard let name = name(before: separator) else { return }
    var start = separator + 1
    while start < text.count, ByteClass(":=>".utf8).contains(text[start]) { start += 1 }
    guard let value = value(from: start) else { return }
    judge(value, name)
  }

  /// `the password is …`
  private mutating func spoken(at space: Int) {
    guard let name = name(before: space), let value = value(from: space + 4) else { return }
    if name == .password {
      guard SecretValue(text[value]).isSpokenPassword else { return }
      hits.append(Hit(rule: ContextualSecret.password.rawValue, range: value))
    } else {
      judge(value, name)
    }
  }

  private mutating func judge(_ value: Range<Int>, _ name: SecretName) {
    guard let rule = SecretTextScan.rule(for: SecretValue(text[value]), named: name, isMember: false) else { return }
    hits.append(Hit(rule: rule.rawValue, range: value))
  }

  /// The rule that a value under a name falls under.
  /// - Parameter isMember: the name is a JSON member's, and so certainly the value's own.
  static func rule(for value: SecretValue, named name: SecretName, isMember: Bool) -> ContextualSecret? {
    switch name {
    case .password: (isMember ? value.isPasswordOfMember : value.isPasswordInText) ? .password : nil
    case .accessKey where value.isAccessKeySecret: .awsSecretKey
    case .token, .accessKey: value.isToken ? .secretAssignment : nil
    }
  }

  /// The name that ends before a separator, quotes and spaces between them skipped.
  private func name(before separator: Int) -> SecretName? {
    var end = separator
    while end > 0, separator - end < 8, ByteClass(" \t\"'`\\]:".utf8).contains(text[end - 1]) { end -= 1 }
    var start = end
    while start > 0, end - start < 128, SecretTextScan.nameBytes.contains(text[start - 1]) { start -= 1 }
    guard start < end else { return nil }
    if let name = SecretName(Array(text[start..<end])) { return name }
    // Two or three words: "API key", "secret access key".
    guard start > 1, text[start - 1] == UInt8(ascii: " ") else { return nil }
    var before = start - 1
    while before > 0, start - before < 32, SecretTextScan.nameBytes.contains(text[before - 1]) { before -= 1 }
    return SecretName(Array(text[before..<end]))
  }

  /// The value that starts at or behind `position`, on the same line: up to its closing quote, or to the next space.
  private func value(from position: Int) -> Range<Int>? {
    var start = position
    while start < text.count, text[start] == 0x20 || text[start] == 0x09 || text[start] == 0x5C { start += 1 }
    guard start < text.count else { return nil }
    if ByteClass.quotes.contains(text[start]) {
      let quote = text[start]
      guard var end = text[(start + 1)...].prefix(1024).firstIndex(of: quote) else { return nil }
      if text[end - 1] == 0x5C, end - 1 > start { end -= 1 }
      return start + 1..<end
    }
    var end =
      text[start...].prefix(1024).firstIndex(where: SecretTextScan.valueEnds.contains) ?? min(text.count, start + 1024)
    if ["bearer", "basic"].contains(where: { isWord($0, start..<end) }), end < text.count, text[end] == 0x20 {
      return value(from: end)
    }
    while end > start, ByteClass(".,:!?".utf8).contains(text[end - 1]) { end -= 1 }
    return start < end ? start..<end : nil
  }

  private func isWord(_ word: String, _ range: Range<Int>) -> Bool {
    text[range].map { ByteClass.upper.contains($0) ? $0 | 0x20 : $0 }.elementsEqual(word.utf8)
  }
}

/// Rules by the byte they start with.
struct SecretRuleIndex: Sendable {
  let starts: ByteClass
  /// Names of the rules for the first line of a key.
  let keyRules: Set<String>
  private let byFirstByte: [UInt8: [SecretRule]]

  init(_ rules: [SecretRule]) {
    keyRules = Set(rules.filter { $0.check == .keyBlock }.map(\.name))
    byFirstByte = Dictionary(grouping: rules) { $0.pattern.needle[0] }
    starts = ByteClass(byFirstByte.keys)
  }

  func rules(startingWith byte: UInt8) -> [SecretRule] { byFirstByte[byte] ?? [] }
}
