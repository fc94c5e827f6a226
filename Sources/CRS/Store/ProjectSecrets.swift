import CRDT
import Memory

/// Which names of a project may be written down: they are read on every host.
extension ProjectIdentity {
  /// The same with what looks like a secret in a name that was found, as a token in a remote's path, replaced by the
  /// name's digest: the same on every host that has that remote.
  func withoutSecrets() -> ProjectIdentity {
    ProjectIdentity(
      key: isNamed ? key : Self.withoutSecrets(key),
      aliases: Array(Set(aliases.map(Self.withoutSecrets))).sorted())
  }

  static func withoutSecrets(_ name: ByteString) -> ByteString {
    var name = name
    if name.bytes.starts(with: "git:".utf8) {
      let location = name.bytes.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
      // Anything but the digest of a query is as an older version kept it.
      if !isQueryDigest(name.bytes[location.endIndex...]) { name = ByteString(bytes: Array(location)) }
    }
    guard secretRule(in: name) != nil else { return name }
    let kind = name.bytes.firstIndex(of: UInt8(ascii: ":")).map { Array(name.bytes[...$0]) } ?? []
    return ByteString(bytes: kind + Array("sha256:\(EntryIdentity.hexDigest(of: name.bytes).prefix(32))".utf8))
  }

  private static func isQueryDigest(_ text: ArraySlice<UInt8>) -> Bool {
    text.first == UInt8(ascii: "?") && text.count == 1 + queryDigestLength
      && text.dropFirst().allSatisfy {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
      }
  }

  private static let scanner = SecretScanner()

  /// The rule by which a name looks like a secret. The built-in rules, without exceptions: the same on every host.
  static func secretRule(in name: ByteString) -> String? {
    // Digests.
    if name.bytes.starts(with: "path:".utf8) || name.bytes.starts(with: "root:".utf8) { return nil }
    var text = name.bytes
    // What was escaped twice is no less a secret.
    for _ in 0..<4 {
      if let finding = scanner.findings(in: JSONText.quoted(text)).first { return finding.rule }
      if holdsCredential(text) { return ContextualSecret.secretAssignment.rawValue }
      let decoded = percentDecoded(text)
      if decoded == text { break }
      text = decoded
    }
    return nil
  }

  /// Whether a name says of a part of itself that it is a credential: `token=…`, `api_key:…`, `auth;…`, `user:…@host`.
  ///
  /// Whatever the part looks like: no host needs it to tell projects apart. A word alone, as in `token-bucket` or
  /// `secret-santa`, says nothing.
  private static func holdsCredential(_ name: [UInt8]) -> Bool {
    // Behind the kind, as `git:`.
    let text = name.firstIndex(of: UInt8(ascii: ":")).map { name[($0 + 1)...] } ?? name[...]
    for segment in text.split(separator: UInt8(ascii: "/")) {
      for (index, byte) in zip(segment.indices, segment) where separators.contains(byte) {
        guard index + 1 < segment.endIndex else { continue }
        let word = segment[..<index].reversed().prefix { isWordByte($0) }.reversed()
        if isCredentialWord(Array(word)) { return true }
        if byte == UInt8(ascii: ":"), index > segment.startIndex, segment[index...].contains(UInt8(ascii: "@")) {
          return true
        }
      }
    }
    return false
  }

  private static let separators: Set<UInt8> = Set("=:;".utf8)

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: false
    }
  }

  static func isCredentialWord(_ word: [UInt8]) -> Bool {
    if SecretScanner.isSecretName(ByteString(bytes: word)) { return true }
    let text = String(decoding: word, as: UTF8.self).lowercased()
    let last = text.split { "_-.".contains($0) }.last ?? ""
    return credentialWords.contains(String(last)) || text.hasSuffix("auth")
      || keyEndings.contains { text.hasSuffix($0) }
  }

  /// Words that a path sets to a credential, besides those that any text does.
  private static let credentialWords: Set<String> = [
    "auth", "creds", "jwt", "oauth", "oauth2", "pass", "sig", "signature",
  ]
  private static let keyEndings = ["apikey", "secretkey", "accesskey", "privatekey"]

  static func percentDecoded(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
      {
        result.append(byte)
        index += 3
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  /// - Throws: `secretFound` for a given name that looks like a secret: it would be read on every host.
  func refuseSecretName() throws(CRSError) {
    guard isNamed, let rule = Self.secretRule(in: key) else { return }
    throw CRSError(
      .secretFound, "the project's name looks like a secret (\(rule))",
      remedy: "Nothing was kept. Every host would read it: give another name with --project")
  }
}

extension ByteString {
  /// A project's name as it may be told: one that looks like a secret by its digest, one of odd characters in one line.
  public var shownName: String {
    let text = ProjectIdentity.withoutSecrets(self).description
    return String(text.map { $0.isNewline || ($0.asciiValue ?? 0x20) < 0x20 ? "?" : $0 })
  }
}
