import Git

/// A repository in memory with the contract of the real one, for simulation: deterministic, no disk, no clock.
public final class SimulatedRepository: Repository {
  var store = SimulatedObjects()
  private var refs: [String: ObjectID] = [:]
  private var settings: [String: String] = [:]
  /// The servers that `remote(url:)` finds.
  public var servers: [String: SimulatedServer]
  /// Thrown by the next call that writes an object or a ref, once: a full disk.
  public var failNextWrite: GitError?
  /// Objects whose reading throws `.corrupt`.
  public var corruptObjects: Set<ObjectID> = []

  public init(servers: [String: SimulatedServer] = [:]) { self.servers = servers }

  private func error(_ code: GitError.Code, _ operation: String, _ message: String, retryable: Bool = false)
    -> GitError
  {
    GitError(code, operation: operation, message: message, isRetryable: retryable)
  }

  private func beforeWrite() throws(GitError) {
    guard let failure = failNextWrite else { return }
    failNextWrite = nil
    throw failure
  }

  public func reference(_ name: String) throws(GitError) -> ObjectID? { refs[name] }

  public func references(prefix: String) throws(GitError) -> [(name: String, id: ObjectID)] {
    refs.filter { $0.key.utf8.starts(with: prefix.utf8) }.sorted { $0.key < $1.key }
      .map { (name: $0.key, id: $0.value) }
  }

  public func updateReference(
    _ name: String, to id: ObjectID?, expecting expected: ObjectID?, message: String
  ) throws(GitError) {
    try beforeWrite()
    guard refs[name] == expected else {
      throw error(.refChanged, "update ref \(name)", "somebody else changed it meanwhile", retryable: true)
    }
    if let id, store.objects[id] == nil { throw error(.notFound, "update ref \(name)", "no object \(id)") }
    refs[name] = id
  }

  private func object(_ id: ObjectID) throws(GitError) -> SimulatedObject {
    if corruptObjects.contains(id) { throw error(.corrupt, "read object \(id.short)", "it is damaged") }
    guard let object = store.objects[id] else {
      throw error(.notFound, "read object \(id.short)", "object not found")
    }
    return object
  }

  public func readBlob(_ id: ObjectID) throws(GitError) -> [UInt8] {
    guard case .blob(let bytes) = try object(id) else { throw error(.notFound, "read blob", "another type") }
    return bytes
  }

  public func writeBlob(_ bytes: [UInt8]) throws(GitError) -> ObjectID {
    try beforeWrite()
    let id = try blobID(of: bytes)
    store.objects[id] = .blob(bytes)
    return id
  }

  public func blobID(of bytes: [UInt8]) throws(GitError) -> ObjectID { SimulatedObjects.id("blob", bytes) }

  public func readTree(_ id: ObjectID) throws(GitError) -> [TreeEntry] {
    guard case .tree(let entries) = try object(id) else {
      throw error(.notFound, "read tree", "another type")
    }
    return entries
  }

  public func writeTree(_ entries: [TreeEntry]) throws(GitError) -> ObjectID {
    try beforeWrite()
    for entry in entries {
      let isUsable =
        !entry.name.isEmpty && !entry.name.contains("/") && ![".", "..", ".git"].contains(entry.name)
      guard isUsable else { throw error(.invalid, "write tree", "unusable name \(entry.name)") }
      guard entry.mode == .submodule || store.objects[entry.id] != nil else {
        throw error(.notFound, "write tree", "no object \(entry.id)")
      }
    }
    guard Set(entries.map { Array($0.name.utf8) }).count == entries.count else {
      throw error(.invalid, "write tree", "two entries of one name")
    }
    return store.addTree(entries)
  }

  public func readCommit(_ id: ObjectID) throws(GitError) -> Commit {
    guard case .commit(let commit) = try object(id) else {
      throw error(.notFound, "read commit", "another type")
    }
    return commit
  }

  public func writeCommit(tree: ObjectID, parents: [ObjectID], signature: Signature, message: String)
    throws(GitError) -> ObjectID
  {
    try beforeWrite()
    _ = try readTree(tree)
    for parent in parents { _ = try readCommit(parent) }
    return store.addCommit(tree: tree, parents: parents, signature: signature, message: message)
  }

  public func isAncestor(_ ancestor: ObjectID, of descendant: ObjectID) throws(GitError) -> Bool {
    _ = try readCommit(ancestor)
    _ = try readCommit(descendant)
    return store.history([descendant]).contains(ancestor)
  }

  public func mergeBase(_ left: ObjectID, _ right: ObjectID) throws(GitError) -> ObjectID? {
    _ = try readCommit(left)
    _ = try readCommit(right)
    let common = store.history([left]).intersection(store.history([right]))
    // Best: not reachable from another common one.
    let best = common.filter { candidate in
      !common.contains { $0 != candidate && store.history([$0]).contains(candidate) }
    }
    return store.topological(best).first
  }

  public func walk(from tips: [ObjectID], hiding hidden: [ObjectID]) throws(GitError) -> [ObjectID] {
    for commit in tips + hidden { _ = try readCommit(commit) }
    return store.topological(store.history(tips).subtracting(store.history(hidden)))
  }

  public func mergeTrees(base: ObjectID?, ours: ObjectID, theirs: ObjectID) throws(GitError) -> TreeMerge {
    for tree in [base, ours, theirs].compactMap(\.self) { _ = try readTree(tree) }
    var conflicts: [String] = []
    let id = store.merge(base: base, ours: ours, theirs: theirs, path: "", conflicts: &conflicts)
    return conflicts.isEmpty ? .clean(id) : .conflicts(conflicts.sorted())
  }

  public func setting(_ key: String) throws(GitError) -> String? { settings[key.lowercased()] }

  public func setSetting(_ key: String, to value: String?) throws(GitError) {
    settings[key.lowercased()] = value
  }

  public func remote(url: String) throws(GitError) -> any Remote {
    guard let server = servers[url] else {
      throw error(.invalid, "use remote \(url)", "no such simulated server")
    }
    return SimulatedRemote(self, server)
  }

  func pin(_ name: String, _ id: ObjectID) { refs[name] = id }
}
