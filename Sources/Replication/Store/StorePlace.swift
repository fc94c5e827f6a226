import Durability
import Git

/// What a folder is, as far as a store is concerned. Finding out writes nothing.
enum StorePlace {
  /// No repository.
  case nothing
  /// A first use was cut off here, or is at work right now.
  case halfMade
  /// Somebody's repository without commits, index and files: nothing in it could suffer from becoming a store.
  case vacant
  case store(Store)
  /// A clone of a store: it has a store's files, and not yet the mark in its settings.
  case clone(Store)
  /// A repository that is somebody else's.
  case foreign

  static func look(at folder: String, effects: Effects) throws(ReplicationError) -> StorePlace {
    let files = effects.fileSystem
    let git = folder + "/.git"
    guard let there = try storing({ () throws(StorageError) in try files.information(git) }) else { return .nothing }
    if there.kind == .folder, try isHalfMade(folder, files) { return .halfMade }
    let repository = try replicating { () throws(GitError) in try LibGit2Repository.open(folder) }
    let store = try Store(repository: repository, paths: Store.paths(of: repository, folder: folder), effects: effects)
    let (version, head, references) = try replicating { () throws(GitError) in
      (
        try repository.setting(Store.versionKey), try repository.reference("HEAD"),
        try repository.references(prefix: "refs/")
      )
    }
    if version == "1" { return .store(store) }
    if head == nil, references.isEmpty {
      let index = store.paths.gitFolder + "/index"
      guard try storing({ () throws(StorageError) in try files.information(index) }) == nil,
        try isWithoutFiles(folder, files)
      else { return .foreign }
      let own = try storing { () throws(StorageError) in try files.information(store.paths.privateFolder) }
      return own == nil ? .vacant : .halfMade
    }
    guard let tip = try store.tip() else { return .foreign }
    let tree = try store.tree(of: tip)
    return tree.stateFiles.isEmpty || tree.hostRecords.isEmpty ? .foreign : .clone(store)
  }

  /// Whether making the repository was cut off: git writes HEAD last, and nothing can be kept without it.
  private static func isHalfMade(_ folder: String, _ files: any FileSystem) throws(ReplicationError) -> Bool {
    let git = folder + "/.git"
    for name in ["HEAD", "packed-refs", "index"]
    where try storing({ () throws(StorageError) in try files.information(git + "/" + name) }) != nil {
      return false
    }
    let contents: [(folder: String, expected: Set<String>)] = [
      ("/refs/heads", []), ("/objects", ["info", "pack"]), ("/objects/pack", []),
    ]
    for (place, expected) in contents {
      let names = try storing { () throws(StorageError) in
        try files.information(git + place) == nil ? [] : try files.list(git + place)
      }
      if !expected.isSuperset(of: names) { return false }
    }
    return try isWithoutFiles(folder, files)
  }

  private static func isWithoutFiles(_ folder: String, _ files: any FileSystem) throws(ReplicationError) -> Bool {
    try storing { () throws(StorageError) in try files.list(folder).allSatisfy { $0 == ".git" } }
  }
}
