import CRDT
import Durability
import Memory

extension Store {
  /// Adds a memory under a name of its own, or changes one that is there. The next backup takes it up.
  ///
  /// Throws `.usage` for a name that cannot be one, or a memory that is backed up already under another.
  /// - Returns: whether anything was changed.
  @discardableResult
  public func addSource(_ source: MemorySource) throws(ReplicationError) -> Bool {
    try locked { () throws(ReplicationError) in
      settings = try StoreSettings.read(from: repository)
      guard let name = source.name, HostName(name) != nil else {
        throw ReplicationError(
          .usage, "\"\(source.name ?? "")\" is no name for a source",
          remedy: "A name is 1 to 63 of a-z, 0-9, . and -, and starts with a letter or digit")
      }
      for other in settings.sources where other.name != name {
        guard try isSame(source.memory, other.memory) else { continue }
        throw ReplicationError(
          .usage, "\(source.memory) is backed up already, as \(other.name.map { "the source \($0)" } ?? "the memory")",
          remedy: "Nothing was changed")
      }
      let before = settings.namedSources.first { $0.name == name }
      if before == source { return false }
      // The base tells of another file; what that file's values were is recognised from the state.
      if before?.memory != source.memory { try forgetFile(privateState.of(source)) }
      try set(StoreSettings.Key.source(name, "memory"), source.memory)
      try set(StoreSettings.Key.source(name, "format"), source.format?.rawValue)
      try set(StoreSettings.Key.source(name, "writeBack"), source.isWrittenBack ? "true" : "false")
      // Its name last: what is not listed is not there.
      settings.namedSources.removeAll { $0.name == name }
      settings.namedSources.append(source)
      try writeSourceNames()
      return true
    }
  }

  /// Takes a memory out of the backup. Its entries stay, here and on all hosts; so does its file.
  /// - Returns: whether there was one.
  @discardableResult
  public func removeSource(_ name: String) throws(ReplicationError) -> Bool {
    try locked { () throws(ReplicationError) in
      settings = try StoreSettings.read(from: repository)
      guard let source = settings.namedSources.first(where: { $0.name == name }) else { return false }
      settings.namedSources.removeAll { $0.name == name }
      try writeSourceNames()
      for key in ["memory", "format", "writeBack"] { try set(StoreSettings.Key.source(name, key), nil) }
      try forgetFile(privateState.of(source))
      return true
    }
  }

  /// The names of all memories that have entries here, from whichever host.
  public func sourceNames() throws(ReplicationError) -> [ByteString] {
    let tip = try tip()
    let table = try StateReader(repository: repository).table(of: try tree(of: tip), tips: [tip].compactMap(\.self))
    return Set((0..<table.count).compactMap { table.entrySource($0) }).sorted()
  }

  private func writeSourceNames() throws(ReplicationError) {
    settings.namedSources.sort { ByteString($0.name ?? "") < ByteString($1.name ?? "") }
    let names = settings.namedSources.compactMap(\.name)
    try set(StoreSettings.Key.sources, names.isEmpty ? nil : names.joined(separator: " "))
  }

  /// Takes away what is known of a memory's file, also what waits to be settled: it is to be another one.
  func forgetFile(_ state: PrivateState) throws(ReplicationError) {
    try storing { () throws(StorageError) in
      for path in [
        state.basePath, state.preparedBasePath, state.preparedWritePath, state.ingestedPath, state.heldPath,
      ] where try effects.fileSystem.information(path) != nil {
        _ = try effects.fileSystem.remove(path)
      }
    }
  }

  private func isSame(_ path: String, _ other: String) throws(ReplicationError) -> Bool {
    if path == other { return true }
    let files = effects.fileSystem
    return try storing { () throws(StorageError) in
      if try files.target(of: path) == files.target(of: other) { return true }
      guard let one = try files.information(path), let two = try files.information(other) else { return false }
      return one.device == two.device && one.inode == two.inode
    }
  }
}
