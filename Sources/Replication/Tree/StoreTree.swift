import Git
import Memory

/// What one commit of a store holds, by object id: the one seam between a state and the layout of a tree.
///
/// Reading it touches the root tree and `hosts/` only; files are read when they are asked for. Both layouts of a host
/// file are understood (`memory-<host>.json`, and the shards `memory-<host>/<xx>.json`): a state file is known by its path.
struct StoreTree: Hashable {
  /// Host files by path.
  var stateFiles: [String: ObjectID] = [:]
  /// `hosts/<host>.json` by path.
  var hostRecords: [String: ObjectID] = [:]
  /// The tree of `blobs/`.
  var blobs: ObjectID?
  /// `unified-memory.json`, as somebody computed it.
  var unified: ObjectID?
  /// The tree of `unified-memory/`, written by versions with the large layout.
  var unifiedShards: ObjectID?
  /// Everything at the top that is not ours, `.gitattributes` included.
  var foreign: [TreeEntry] = []

  static let unifiedName = "unified-memory.json"
  static let attributesName = ".gitattributes"

  static func stateFileName(of host: String) -> String { "memory-\(host).json" }
  static func hostRecordName(of host: String) -> String { "hosts/\(host).json" }

  /// Whether this is the tree of a store, or could become one without taking anything over: it holds a store's files,
  /// or nothing but what hosting sites put into a new repository.
  var isStoreOrFresh: Bool {
    if !stateFiles.isEmpty || !hostRecords.isEmpty || unified != nil { return true }
    return foreign.allSatisfy { entry in
      let name = entry.name.lowercased()
      return name.hasPrefix("readme") || name.hasPrefix("license") || name.hasPrefix(".git")
    }
  }
}

extension StoreTree {
  static func read(_ id: ObjectID, from repository: any Repository) throws(GitError) -> StoreTree {
    var tree = StoreTree()
    for entry in try repository.readTree(id) {
      switch (entry.name, entry.mode) {
      case ("hosts", .folder):
        for record in try repository.readTree(entry.id) where record.mode == .file && record.name.hasSuffix(".json") {
          tree.hostRecords["hosts/\(record.name)"] = record.id
        }
      case ("blobs", .folder): tree.blobs = entry.id
      case (StoreTree.unifiedName, .file): tree.unified = entry.id
      case ("unified-memory", .folder): tree.unifiedShards = entry.id
      case (let name, .file) where name.hasPrefix("memory-") && name.hasSuffix(".json"):
        tree.stateFiles[name] = entry.id
      case (let name, .folder) where name.hasPrefix("memory-"):
        for shard in try repository.readTree(entry.id) where shard.mode == .file && shard.name.hasSuffix(".json") {
          tree.stateFiles["\(name)/\(shard.name)"] = shard.id
        }
      default: tree.foreign.append(entry)
      }
    }
    return tree
  }

  static func read(commit id: ObjectID, from repository: any Repository) throws(GitError) -> StoreTree {
    try read(try repository.readCommit(id).tree, from: repository)
  }

  /// Writes the tree objects. Equal contents give equal ids.
  func write(to repository: any Repository) throws(GitError) -> ObjectID {
    var root = foreign
    var folders: [String: [TreeEntry]] = [:]
    func place(_ path: String, _ id: ObjectID) {
      if let slash = path.firstIndex(of: "/") {
        let name = String(path[path.index(after: slash)...])
        folders[String(path[..<slash]), default: []].append(TreeEntry(name: name, mode: .file, id: id))
      } else {
        root.append(TreeEntry(name: path, mode: .file, id: id))
      }
    }
    for (path, id) in stateFiles { place(path, id) }
    for (path, id) in hostRecords { place(path, id) }
    if let unified { place(StoreTree.unifiedName, unified) }
    for (name, entries) in folders {
      root.append(TreeEntry(name: name, mode: .folder, id: try repository.writeTree(entries)))
    }
    if let blobs { root.append(TreeEntry(name: "blobs", mode: .folder, id: blobs)) }
    if let unifiedShards { root.append(TreeEntry(name: "unified-memory", mode: .folder, id: unifiedShards)) }
    return try repository.writeTree(root)
  }
}

extension StoreTree {
  /// Whether a path is a host's file, or one of its shards.
  static func isStateFile(_ path: String, of host: String) -> Bool {
    path == stateFileName(of: host) || path.hasPrefix("memory-\(host)/")
  }

  /// The host a state file belongs to by its path, as written there.
  static func hostText(ofStateFile path: String) -> String {
    var name = path.split(separator: "/").first.map(String.init) ?? path
    if name.hasSuffix(".json") { name.removeLast(5) }
    return String(name.dropFirst("memory-".count))
  }

  /// Where an entry of a host is written: into the one file, or into its shard once that host has the large layout
  /// (a host never goes back).
  func statePath(host: String, uniqueID: [UInt8]) -> String {
    let prefix = "memory-\(host)/"
    guard stateFiles.keys.contains(where: { $0.hasPrefix(prefix) }) else { return StoreTree.stateFileName(of: host) }
    return prefix + EntryIdentity.hexDigest(of: uniqueID).prefix(2) + ".json"
  }
}
