/// Goes through an entry's JSON and looks at every string and member name.
struct SecretWalk {
  private enum PathPart {
    case member([UInt8])
    case element(Int)
  }

  private let rules: SecretRuleIndex
  private var scanner = JSONScanner()
  private var path: [PathPart] = []
  private var found: [(rule: String, path: [PathPart])] = []
  private(set) var secrets: [[UInt8]] = []

  /// - Returns: the findings, and what was found, which is not to leave this module.
  static func scan(_ content: [UInt8], rules: SecretRuleIndex) -> (findings: [SecretFinding], secrets: [[UInt8]]) {
    var walk = SecretWalk(rules: rules)
    do {
      try walk.value(content.span.bytes, named: nil)
    } catch {
      walk.path = []
      walk.look(at: content, named: nil)
    }
    return (walk.findings, walk.secrets)
  }

  private init(rules: SecretRuleIndex) { self.rules = rules }

  private var findings: [SecretFinding] {
    var unique: Set<SecretFinding> = []
    return found.map { SecretFinding(rule: $0.rule, member: shown($0.path)) }.filter { unique.insert($0).inserted }
  }

  // MARK: JSON

  private mutating func value(_ bytes: RawSpan, named name: SecretName?) throws(ScanFailure) {
    guard path.count < JSONScanner.depthLimit else {
      throw ScanFailure(scanner.offset, "nested deeper than 512 levels")
    }
    scanner.skipWhitespace(bytes)
    switch scanner.peek(bytes) {
    case 0x7B: try object(bytes)
    case 0x5B: try array(bytes, named: name)
    case 0x22: look(at: JSONText.decode(try scanner.skipString(bytes), bytes), named: name)
    default:
      let start = scanner.offset
      try scanner.skipScalar(bytes)
      guard name == .password, bytes.byteCount > start, scanner.peekDigit(bytes, at: start) else { return }
      look(at: JSONText.slice(bytes, start..<scanner.offset), named: name)
    }
  }

  private mutating func object(_ bytes: RawSpan) throws(ScanFailure) {
    scanner.offset += 1
    scanner.skipWhitespace(bytes)
    var namedBySibling: SecretName?
    var siblings: [(path: [PathPart], text: [UInt8])] = []
    while scanner.peek(bytes) != 0x7D {
      let memberName = JSONText.decode(try scanner.skipName(bytes), bytes)
      let lowered = String(decoding: memberName, as: UTF8.self).lowercased()
      path.append(.member(memberName))
      look(at: memberName, named: nil)
      if scanner.peek(bytes) == 0x22, SecretWords.naming.contains(lowered) || SecretWords.holding.contains(lowered) {
        let text = JSONText.decode(try scanner.skipString(bytes), bytes)
        look(at: text, named: nil)
        if SecretWords.holding.contains(lowered) {
          siblings.append((path, text))
        } else if namedBySibling == nil {
          namedBySibling = SecretName(text)
        }
      } else {
        try value(bytes, named: SecretName(memberName))
      }
      path.removeLast()
      scanner.skipWhitespace(bytes)
      if scanner.peek(bytes) == 0x2C {
        scanner.offset += 1
        scanner.skipWhitespace(bytes)
      } else if scanner.peek(bytes) != 0x7D {
        throw ScanFailure(scanner.offset, "a comma or } was expected")
      }
    }
    scanner.offset += 1
    // {"name": "DB_PASSWORD", "value": "…"}
    guard let namedBySibling else { return }
    for (path, text) in siblings {
      guard let rule = SecretTextScan.rule(for: SecretValue(text), named: namedBySibling, isMember: false) else {
        continue
      }
      found.append((rule.rawValue, path))
      secrets.append(text)
    }
  }

  private mutating func array(_ bytes: RawSpan, named name: SecretName?) throws(ScanFailure) {
    scanner.offset += 1
    scanner.skipWhitespace(bytes)
    var index = 0
    var texts: [[UInt8]] = []
    while scanner.peek(bytes) != 0x5D {
      path.append(.element(index))
      let start = scanner.offset
      try value(bytes, named: name)
      path.removeLast()
      texts.append(JSONObject.string(start..<scanner.offset, bytes) ?? [])
      index += 1
      scanner.skipWhitespace(bytes)
      if scanner.peek(bytes) == 0x2C {
        scanner.offset += 1
        scanner.skipWhitespace(bytes)
      } else if scanner.peek(bytes) != 0x5D {
        throw ScanFailure(scanner.offset, "a comma or ] was expected")
      }
    }
    scanner.offset += 1
    for block in SecretKeyLines(rules).blocks(in: texts) {
      found.append((block.rule, path))
      secrets += texts[block.lines]
    }
  }

  // MARK: Text

  private mutating func look(at text: [UInt8], named name: SecretName?) {
    let hits = SecretTextScan.hits(in: text, rules: rules)
    for hit in hits {
      found.append((hit.rule, path))
      secrets.append(Array(text[hit.range]))
    }
    guard let name, hits.isEmpty,
      let rule = SecretTextScan.rule(for: SecretValue(text), named: name, isMember: true)
    else { return }
    found.append((rule.rawValue, path))
    secrets.append(text)
  }

  // MARK: Paths

  private func shown(_ path: [PathPart]) -> String {
    var text = ""
    for part in path.prefix(16) {
      switch part {
      case .element(let index): text += "[\(index)]"
      case .member(let name): text += (text.isEmpty ? "" : ".") + shown(name)
      }
    }
    return text.isEmpty ? "*" : text
  }

  /// A plain name that has nothing of a secret in it.
  private func shown(_ name: [UInt8]) -> String {
    let isPlain =
      !name.isEmpty && name.count <= 64 && name.allSatisfy { ByteClass.word.contains($0) || $0 == 0x2D || $0 == 0x2E }
    let isTelling = secrets.contains { name.holds($0) || $0.holds(name) && name.count >= 6 }
    return isPlain && !isTelling ? String(decoding: name, as: UTF8.self) : "*"
  }
}

extension JSONScanner {
  /// Whether a number begins there.
  fileprivate func peekDigit(_ bytes: RawSpan, at position: Int) -> Bool {
    JSONScanner.byte(bytes, position) &- 0x30 < 10
  }
}
