import CRDT
import Memory

/// What the names of a project say: which repositories are one project, and which names may leave this host.
extension ProjectIdentity {
  /// All names, its key among them.
  var names: Set<ByteString> { Set([key] + aliases) }

  private var isNamed: Bool { key.bytes.starts(with: "name:".utf8) }

  private func names(_ kind: String) -> Set<ByteString> { names.filter { $0.bytes.starts(with: kind.utf8) } }

  /// Whether it is known by a remote.
  var hasRemote: Bool { !names("git:").isEmpty }

  /// Whether both are the same project on every host.
  ///
  /// A given name says it all. Between repositories the remote decides, by which either is or was known: a fork has the
  /// root commit of what it was forked from. The root commit counts where one of them has no remote. A path never does.
  public func isSameProject(as other: ProjectIdentity) -> Bool {
    if key == other.key { return true }
    if isNamed || other.isNamed { return false }
    let (own, others) = (names("git:"), other.names("git:"))
    guard own.isEmpty || others.isEmpty else { return !own.isDisjoint(with: others) }
    return !names("root:").isDisjoint(with: other.names("root:"))
  }

  /// Whether both are the same repository in the same folder of this host, whatever its remote is now.
  func isSameCheckout(as other: ProjectIdentity) -> Bool {
    !isNamed && !other.isNamed && isAtSamePath(as: other)
      && !names("root:").isDisjoint(with: other.names("root:"))
  }

  func isAtSamePath(as other: ProjectIdentity) -> Bool { !names("path:").isDisjoint(with: other.names("path:")) }

  /// The same with what looks like a secret in a name that was found, as a token in a remote's path, replaced by the
  /// name's digest: the same on every host that has that remote.
  func withoutSecrets() -> ProjectIdentity {
    ProjectIdentity(
      key: isNamed ? key : Self.withoutSecrets(key),
      aliases: Array(Set(aliases.map(Self.withoutSecrets))).sorted())
  }

  private static func withoutSecrets(_ name: ByteString) -> ByteString {
    let prefix = Array("git:".utf8)
    var name = name
    if name.bytes.starts(with: prefix) {
      // As an older version kept it.
      name = ByteString(bytes: Array(name.bytes.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }))
    }
    guard secretRule(in: name) != nil else { return name }
    let kind = name.bytes.firstIndex(of: UInt8(ascii: ":")).map { Array(name.bytes[...$0]) } ?? []
    return ByteString(bytes: kind + Array("sha256:\(EntryIdentity.hexDigest(of: name.bytes).prefix(32))".utf8))
  }

  /// The rule by which a name looks like a secret. The built-in rules, without exceptions: the same on every host.
  static func secretRule(in name: ByteString) -> String? {
    let scanner = SecretScanner()
    for text in [name.bytes, percentDecoded(name.bytes)] {
      if let finding = scanner.findings(in: JSONText.quoted(text)).first { return finding.rule }
    }
    return nil
  }

  private static func percentDecoded(_ bytes: [UInt8]) -> [UInt8] {
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
