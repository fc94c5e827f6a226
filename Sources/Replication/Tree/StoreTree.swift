import CRDT
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
  /// Everything at the top that is not ours, `.gitattributes` included, and what has one of our names without being a
  /// plain file or folder. Where we write a name ourselves, ours stands.
  var foreign: [TreeEntry] = []
  /// What is not ours in our own folders, by folder.
  var foreignInside: [String: [TreeEntry]] = [:]

  static let unifiedName = "unified-memory.json"
  static let attributesName = ".gitattributes"

  static func stateFileName(of host: String) -> String { "memory-\(host).json" }
  static func hostRecordName(of host: String) -> String { "hosts/\(host).json" }

  /// Whether this is the tree of a store, or could become one without taking anything over: it holds a merge, a host's
  /// record or a host file that reads as one, or nothing but what hosting sites put into a new repository.
  func isStoreOrFresh(in repository: any Repository) throws(GitError) -> Bool {
    if unified != nil { return true }
    for id in hostRecords.values where (try? repository.readBlob(id)).flatMap(HostRecord.init) != nil { return true }
    for (path, id) in stateFiles {
      guard let bytes = try? repository.readBlob(id), let table = try? EntryTable([Source(name: path, bytes: bytes)])
      else { continue }
      if table.count > 0 { return true }
    }
    guard stateFiles.isEmpty, hostRecords.isEmpty, foreignInside.isEmpty, blobs == nil else { return false }
    return foreign.allSatisfy { entry in
      guard entry.mode == .file else { return false }
      let name = entry.name.lowercased()
      return name.hasPrefix("readme") || name.hasPrefix("license") || name == ".gitignore"
        || name == StoreTree.attributesName
    }
  }
}

extension StoreTree {
  static func read(_ id: ObjectID, from repository: any Repository) throws(GitError) -> StoreTree {
    var tree = StoreTree()
    func isFile(_ entry: TreeEntry) -> Bool { entry.mode == .file || entry.mode == .executable }
    for entry in try repository.readTree(id) {
      switch (entry.name, entry.mode) {
      case ("hosts", .folder):
        for record in try repository.readTree(entry.id) {
          if isFile(record), record.name.hasSuffix(".json") {
            tree.hostRecords["hosts/\(record.name)"] = record.id
          } else {
            tree.foreignInside["hosts", default: []].append(record)
          }
        }
      case ("blobs", .folder): tree.blobs = entry.id
      case ("unified-memory", .folder): tree.unifiedShards = entry.id
      case (StoreTree.unifiedName, _) where isFile(entry): tree.unified = entry.id
      case (let name, _) where isFile(entry) && name.hasPrefix("memory-") && name.hasSuffix(".json"):
        tree.stateFiles[name] = entry.id
      case (let name, .folder) where name.hasPrefix("memory-"):
        for shard in try repository.readTree(entry.id) {
          if isFile(shard), shard.name.hasSuffix(".json") {
            tree.stateFiles["\(name)/\(shard.name)"] = shard.id
          } else {
            tree.foreignInside[name, default: []].append(shard)
          }
        }
      default: tree.foreign.append(entry)
      }
    }
    tree.sortForeign()
    return tree
  }

  /// Puts what is not ours into the order that makes equal trees equal.
  mutating func sortForeign() {
    foreign.sort { ByteString($0.name) < ByteString($1.name) }
    for folder in foreignInside.keys { foreignInside[folder]?.sort { ByteString($0.name) < ByteString($1.name) } }
  }

  /// The last entry of each name: ours come last.
  private static func oneOfEachName(_ entries: [TreeEntry]) -> [TreeEntry] {
    Array(Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { _, ours in ours }).values)
  }

  /// The files that are not ours as a tree of their own, for a merge as git does it.
  func writeForeign(to repository: any Repository) throws(GitError) -> ObjectID {
    var root = foreign.filter { $0.name != StoreTree.attributesName }
    for (name, entries) in foreignInside where !entries.isEmpty {
      root.append(TreeEntry(name: name, mode: .folder, id: try repository.writeTree(entries)))
    }
    return try repository.writeTree(StoreTree.oneOfEachName(root))
  }

  static func read(commit id: ObjectID, from repository: any Repository) throws(GitError) -> StoreTree {
    try read(try repository.readCommit(id).tree, from: repository)
  }

  /// Writes the tree objects. Equal contents give equal ids.
  func write(to repository: any Repository) throws(GitError) -> ObjectID {
    var root: [TreeEntry] = []
    var folders = foreignInside
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
      root.append(TreeEntry(name: name, mode: .folder, id: try repository.writeTree(StoreTree.oneOfEachName(entries))))
    }
    if let blobs { root.append(TreeEntry(name: "blobs", mode: .folder, id: blobs)) }
    if let unifiedShards { root.append(TreeEntry(name: "unified-memory", mode: .folder, id: unifiedShards)) }
    root = StoreTree.oneOfEachName(foreign + root)
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
