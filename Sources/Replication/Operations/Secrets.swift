import CRDT
import Durability
import Git
import Memory

extension Store {
  /// The file of further rules in the store's folder.
  static let secretRulesName = ".crdt-secrets"

  /// Built-in rules and those of the store, without what is allowed here.
  ///
  /// Throws where rules cannot be read, `.configuration` where they are not there or make no sense: then nothing is
  /// backed up, rather than too much.
  /// - Parameter more: names of rules that are let through this time, besides what `crdt-backup allow` lets through.
  public func secretScanner(allowing more: Set<ByteString> = []) throws(ReplicationError) -> SecretScanner {
    SecretScanner(rules: try secretRules(), allowed: try privateState.readAllowed().union(more))
  }

  /// The file of further rules, there or not.
  var secretRulesPath: String {
    let name = settings.secrets ?? Store.secretRulesName
    return name.hasPrefix("/") ? name : paths.folder + "/" + name
  }

  private func secretRules() throws(ReplicationError) -> [SecretRule] {
    let path = secretRulesPath
    let bytes = try storing { () throws(StorageError) in
      try effects.fileSystem.read(path, limitBytes: 1 << 20)
    }
    guard let bytes else {
      guard settings.secrets != nil else { return SecretRule.builtIn }
      throw ReplicationError(
        .configuration, "\(path): the rules for secrets that \(StoreSettings.Key.secrets) names are not there",
        remedy:
          "Nothing was changed. Put the file there, or unset \(StoreSettings.Key.secrets) in the store's git config")
    }
    do {
      // The store's own come first: where two fit, the first is named.
      let source = settings.secrets == nil ? Store.secretRulesName : path
      return try SecretRule.parse(bytes, source: source) + SecretRule.builtIn
    } catch {
      throw ReplicationError(
        .configuration, error.description, remedy: "Nothing was changed. Mend that line and run again")
    }
  }

  /// What may be backed up although it looks like a secret: ids and names of rules, in byte order.
  public func allowed() throws(ReplicationError) -> [ByteString] { try privateState.readAllowed().sorted() }

  /// What is held back of all memories of this host.
  func readHeld() throws(ReplicationError) -> [HeldBackEntry] {
    var held: [HeldBackEntry] = []
    for source in settings.sources { held += try privateState.of(source).readHeld() }
    return held
  }

  /// Lets an entry that is held back, or all that a rule finds, be backed up by the next run, on this host.
  ///
  /// Throws `.noInput` for a name that is neither, so that a slip of the pen does not pass for a decision.
  /// - Returns: whether it was not allowed already.
  @discardableResult
  public func allow(_ name: ByteString) throws(ReplicationError) -> Bool {
    try locked { () throws(ReplicationError) in
      var names = try privateState.readAllowed()
      guard !names.contains(name) else { return false }
      let rules = try secretRules().map(\.name) + ContextualSecret.allCases.map(\.rawValue)
      guard
        try readHeld().contains(where: { $0.id == name })
          || rules.contains(where: { ByteString($0) == name })
      else {
        throw ReplicationError(
          .noInput, "nothing is held back under the id \(name), and no rule has that name",
          remedy: "`crdt-backup status` lists what is held back")
      }
      names.insert(name)
      try privateState.writeAllowed(names)
      return true
    }
  }

  /// Takes an allowance back. What was backed up under it stays backed up.
  /// - Returns: whether there was one.
  @discardableResult
  public func disallow(_ name: ByteString) throws(ReplicationError) -> Bool {
    try locked { () throws(ReplicationError) in
      var names = try privateState.readAllowed()
      guard names.remove(name) != nil else { return false }
      try privateState.writeAllowed(names)
      return true
    }
  }
}
