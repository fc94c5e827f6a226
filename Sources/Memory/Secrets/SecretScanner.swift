import CRDT

/// A secret that was found: which rule says so, and where. Never the secret itself.
public struct SecretFinding: Hashable, Sendable {
  /// The rule's name.
  public var rule: String
  /// The member that holds it, such as `env.DB_PASSWORD` or `notes[2]`; what itself holds a secret shows as `*`.
  public var member: String

  public init(rule: String, member: String) {
    self.rule = rule
    self.member = member
  }
}

/// Finds secrets in entries before they are written where others can read them.
///
/// A value, not an owner of anything: the same content and rules always give the same findings.
public struct SecretScanner: Sendable {
  /// Names of rules, and ids of entries, that are let through.
  public let allowed: Set<ByteString>
  let rules: SecretRuleIndex

  /// - Parameters:
  ///   - rules: by form; those of ``ContextualSecret`` always apply.
  ///   - allowed: names of rules that are not to be reported, and ids that ``heldBack(_:)`` lets through.
  public init(rules: [SecretRule] = SecretRule.builtIn, allowed: Set<ByteString> = []) {
    self.rules = SecretRuleIndex(rules)
    self.allowed = allowed
  }

  /// Looks at all items of a memory.
  /// - Complexity: O(n)
  public func scan(_ items: [MemoryDocument.Item]) -> SecretScan { SecretScan(self, items) }

  func isAllowed(_ id: ByteString, _ rule: String) -> Bool {
    allowed.contains(id) || allowed.contains(ByteString(rule))
  }

  /// What was found in an item alone, and how the item may be called; `nil` when nothing was, or the item is allowed.
  public func heldBack(_ item: MemoryDocument.Item) -> HeldBackEntry? {
    guard !allowed.contains(item.id) else { return nil }
    let scan = SecretWalk.scan(item.content, rules: rules)
    let findings = reported(scan.findings)
    let idHits = SecretTextScan.hits(in: item.id.bytes, rules: rules)
    guard let first = findings.first else { return nil }
    let digest = ContentDigest(of: item.content)
    let isTelling = !idHits.isEmpty || scan.secrets.contains { item.id.bytes.holds($0) } || item.id.count > 200
    // The digest of what is in the entry, so that it can still be named.
    let name = isTelling ? ByteString("sha256:" + digest.description.prefix(16)) : item.id
    guard !allowed.contains(name) else { return nil }
    return HeldBackEntry(id: name, rule: first.rule, member: first.member, contentDigest: digest)
  }

  /// What is found in an entry's content, in its order, each rule once a member.
  ///
  /// Works on decoded strings and on member names, so that no escape hides anything. Bytes that are no JSON are taken as one text.
  /// - Complexity: O(n)
  public func findings(in content: [UInt8]) -> [SecretFinding] {
    reported(SecretWalk.scan(content, rules: rules).findings)
  }

  /// Whether a name calls its value a secret, as `DB_PASSWORD` does; whatever the value is.
  package static func isSecretName(_ name: ByteString) -> Bool { SecretName(name.bytes) != nil }

  private func reported(_ findings: [SecretFinding]) -> [SecretFinding] {
    findings.filter { !allowed.contains(ByteString($0.rule)) }
  }
}

/// An entry that stays on this host, because something in it looks like a secret.
public struct HeldBackEntry: Hashable, Sendable, CustomStringConvertible {
  /// The entry's id; where that tells the secret, `sha256:` and a part of the content's digest.
  public var id: ByteString
  /// The first rule that fits.
  public var rule: String
  /// The member it is in.
  public var member: String
  public var contentDigest: ContentDigest

  public init(id: ByteString, rule: String, member: String, contentDigest: ContentDigest) {
    self.id = id
    self.rule = rule
    self.member = member
    self.contentDigest = contentDigest
  }

  /// `aws-access-key in entry X`, in one line whatever the id is.
  public var description: String {
    "\(rule) in entry " + String(id.description.map { $0.isNewline || ($0.asciiValue ?? 0x20) < 0x20 ? "?" : $0 })
  }
}
