import CRDT

/// Private keys whose lines are strings of their own: damaged lines of a file, observations, elements of an array.
///
/// A key in one string is told by its first line and the base 64 behind it. Pasted into a file of lines it is thirty
/// entries, and none of them alone is a secret.
struct SecretKeyLines {
  private let rules: SecretRuleIndex

  init(_ rules: SecretRuleIndex) { self.rules = rules }

  /// What the first line of a key holds, one of them. All begin alike.
  private static let marks = ["PRIVATE KEY", "PuTTY-User-Key-File"].map { Array($0.utf8) }

  private static func isFirstLine(_ text: [UInt8]) -> Bool {
    var position = text.startIndex
    while let found = text[position...].firstIndex(of: UInt8(ascii: "P")) {
      if marks.contains(where: text[found...].starts) { return !text[found...].holds("-----END".utf8) }
      position = found + 1
    }
    return false
  }

  /// Longer than any key; a bound for a first line that nothing ends.
  private static let maximumLineCount = 1_000

  /// Runs of texts that are the lines of one key, and the rule that says so.
  /// - Complexity: O(n)
  func blocks(in texts: [[UInt8]]) -> [(lines: Range<Int>, rule: String)] {
    var found: [(lines: Range<Int>, rule: String)] = []
    var start = 0
    while start < texts.count {
      defer { start += 1 }
      guard SecretKeyLines.isFirstLine(texts[start]) else { continue }
      var end = start + 1
      while end < texts.count, end - start < SecretKeyLines.maximumLineCount, SecretKeyLines.mayBeKeyLine(texts[end]) {
        end += 1
        if texts[end - 1].holds("-----END".utf8) { break }
      }
      let joined = Array(texts[start..<end].joined(separator: [0x0A]))
      guard end - start > 1,
        let hit = SecretTextScan.hits(in: joined, rules: rules).first(where: { rules.keyRules.contains($0.rule) })
      else { continue }
      found.append((start..<end, hit.rule))
      start = end - 1
    }
    return found
  }

  /// Base 64, a header such as `Proc-Type: 4,ENCRYPTED` or `Private-Lines: 8`, nothing, or the last line.
  private static func mayBeKeyLine(_ text: [UInt8]) -> Bool {
    let line = text.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }
    if line.isEmpty || text.holds("-----END".utf8) { return true }
    guard line.count <= 256 else { return false }
    if line.allSatisfy({ isBase64($0) }) { return true }
    let name = text.drop { $0 <= 0x20 }.prefix { ByteClass.word.contains($0) || $0 == 0x2D }
    return !name.isEmpty && text.drop { $0 <= 0x20 }.dropFirst(name.count).first == UInt8(ascii: ":")
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): true
    default: false
    }
  }
}

extension SecretScanner {
  /// The items of one memory that are lines of a private key: what they say, and the rule.
  /// - Complexity: O(n)
  func keyLines(in items: [MemoryDocument.Item]) -> [ContentDigest: String] {
    let texts = items.map(SecretScanner.text)
    var found: [ContentDigest: String] = [:]
    for block in SecretKeyLines(rules).blocks(in: texts) {
      for index in block.lines { found[ContentDigest(of: items[index].content)] = block.rule }
    }
    return found
  }

  /// What an item says: a damaged line, or its longest string.
  private static func text(of item: MemoryDocument.Item) -> [UInt8] {
    if item.kind == Quarantine.kind, let line = Quarantine.line(ofContent: item.content) { return line }
    let bytes = item.content.span.bytes
    guard let members = try? JSONObject.members(at: 0, bytes).members else { return [] }
    return members.compactMap { JSONObject.string($0.value, bytes) }.max { $0.count < $1.count } ?? []
  }
}

/// A scan of all items of one memory: of each by itself, and of private keys that go over several.
public struct SecretScan {
  private let scanner: SecretScanner
  private let keyLines: [ContentDigest: String]

  init(_ scanner: SecretScanner, _ items: [MemoryDocument.Item]) {
    self.scanner = scanner
    keyLines = scanner.keyLines(in: items)
  }

  /// What was found in an item, and how the item may be called; `nil` when nothing was, or the item is allowed.
  public func heldBack(_ item: MemoryDocument.Item) -> HeldBackEntry? {
    if let entry = scanner.heldBack(item) { return entry }
    if keyLines.isEmpty { return nil }
    let digest = ContentDigest(of: item.content)
    guard let rule = keyLines[digest], !scanner.isAllowed(item.id, rule) else { return nil }
    return HeldBackEntry(id: item.id, rule: rule, member: "*", contentDigest: digest)
  }
}
