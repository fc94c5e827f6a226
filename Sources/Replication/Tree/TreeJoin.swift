import CRDT
import Git
import Memory

/// The join of two stores' trees: state files by the CRDT, blobs by union, foreign files by a three-way merge.
///
/// Nothing of either side is ever dropped because the other lacks it: a file that is gone on a remote is merge input
/// that says nothing, not a deletion. Only values that one side has collected go (``TreeCollection``).
/// `unified-memory.json` is not joined but recomputed by the caller.
struct TreeJoin {
  let repository: any Repository
  let reader: StateReader

  struct Result {
    var tree: StoreTree
    /// True when every entry of our side's files is in the joined ones, so that dropping our commit for a rebuilt one
    /// loses nothing.
    var keepsOurEntries: Bool
  }

  /// Joins the trees of two commits; `nil` stands for an empty store.
  func join(ours: ObjectID?, theirs: ObjectID?) throws(ReplicationError) -> Result {
    guard let ours else {
      guard let theirs else { return Result(tree: StoreTree(), keepsOurEntries: true) }
      var tree = try healed(try read(theirs), tips: [theirs])
      tree.blobs = try BlobJoin(repository: repository, reader: reader).join(nil, tree.blobs)
      return Result(tree: tree, keepsOurEntries: true)
    }
    guard let theirs else { return Result(tree: try read(ours), keepsOurEntries: true) }
    let ourTree = try read(ours)
    let theirTree = try read(theirs)
    if ourTree == theirTree { return Result(tree: ourTree, keepsOurEntries: true) }

    var result = Result(tree: ourTree, keepsOurEntries: true)
    let tips = [ours, theirs]
    try joinStates(ourTree, theirTree, into: &result, tips: tips)
    result.tree.blobs = try BlobJoin(repository: repository, reader: reader).join(ourTree.blobs, theirTree.blobs)
    result.tree.unifiedShards = ourTree.unifiedShards ?? theirTree.unifiedShards
    result.tree.unified = nil
    try joinForeign(ourTree, theirTree, into: &result.tree, commits: (ours, theirs))
    return result
  }

  /// Joins the state files and the hosts' records of two trees; the rest of the result stays ours.
  func joinStates(_ ours: StoreTree, _ theirs: StoreTree, into result: inout Result, tips: [ObjectID])
    throws(ReplicationError)
  {
    let collection = TreeCollection(repository: repository, reader: reader)
    let dropped = try collection.dropped(ours: ours, theirs: theirs, tips: tips)
    if !dropped.ours.isEmpty {
      // Our commits have to stay in history: they hold what goes.
      result.keepsOurEntries = false
      result.tree = try collection.without(dropped.ours, result.tree, tips: tips)
    }
    for (path, id) in theirs.stateFiles where result.tree.stateFiles[path] != id {
      let joined = try joinStateFile(
        path: path, ours: result.tree.stateFiles[path], theirs: id, dropped: dropped.theirs, tips: tips)
      result.tree.stateFiles[path] = joined.id
      result.keepsOurEntries = result.keepsOurEntries && joined.keepsOurs
    }
    for (path, id) in theirs.hostRecords where ours.hostRecords[path] != id {
      result.tree.hostRecords[path] = try joinHostRecord(ours: ours.hostRecords[path], theirs: id)
    }
  }

  private func read(_ commit: ObjectID) throws(ReplicationError) -> StoreTree {
    try replicating { () throws(GitError) in try StoreTree.read(commit: commit, from: repository) }
  }

  /// A tree taken over whole, with damaged files replaced by their last good versions.
  private func healed(_ tree: StoreTree, tips: [ObjectID]) throws(ReplicationError) -> StoreTree {
    var tree = tree
    for (path, id) in tree.stateFiles {
      if let source = try reader.source(path: path, id: id, tips: tips) {
        tree.stateFiles[path] = try write(source.bytes)
      }
    }
    return tree
  }

  private func joinStateFile(
    path: String, ours: ObjectID?, theirs: ObjectID, dropped: Set<FileKey>, tips: [ObjectID]
  ) throws(ReplicationError) -> (id: ObjectID, keepsOurs: Bool) {
    var theirSource = try reader.source(path: path, id: theirs, tips: tips)
    if let source = theirSource {
      theirSource = try TreeCollection(repository: repository, reader: reader).filtered(source, dropped)
    }
    guard let ours else {
      return (try theirSource.map { source throws(ReplicationError) in try write(source.bytes) } ?? theirs, true)
    }
    guard let ourSource = try reader.source(path: path, id: ours, tips: tips) else {
      return (try theirSource.map { source throws(ReplicationError) in try write(source.bytes) } ?? theirs, false)
    }
    guard let theirSource else { return (try write(ourSource.bytes), true) }
    let table: EntryTable
    do { table = try EntryTable([ourSource, theirSource]) } catch { throw ReplicationError(error) }
    let winners = table.join()
    let bytes = table.write(winners)
    if bytes == ourSource.bytes { return (ours, true) }
    // Where an entry of ours lost, or stands on both sides, the winner may be theirs: compare by value then.
    let joined = Set(winners.map { table.entry($0).bytes })
    let keepsOurs = (0..<table.count).allSatisfy {
      table.sourceIndex($0) != 0 || joined.contains(table.entry($0).bytes)
    }
    return (try write(bytes), keepsOurs)
  }

  private func joinHostRecord(ours: ObjectID?, theirs: ObjectID) throws(ReplicationError) -> ObjectID {
    guard let ours else { return theirs }
    let (ourBytes, theirBytes) = try replicating { () throws(GitError) in
      (try repository.readBlob(ours), try repository.readBlob(theirs))
    }
    guard let theirRecord = HostRecord(theirBytes) else { return ours }
    guard let ourRecord = HostRecord(ourBytes) else { return theirs }
    // A record of a newer format may hold what this version cannot write: it is taken as it is.
    if theirRecord.formatVersion > HostRecord.currentFormatVersion { return theirs }
    if ourRecord.formatVersion > HostRecord.currentFormatVersion { return ours }
    return try write(ourRecord.joined(with: theirRecord).written)
  }

  private func joinForeign(
    _ ours: StoreTree, _ theirs: StoreTree, into result: inout StoreTree, commits: (ours: ObjectID, theirs: ObjectID)
  ) throws(ReplicationError) {
    func attributes(_ tree: StoreTree) -> TreeEntry? { tree.foreign.first { $0.name == StoreTree.attributesName } }
    let joinedAttributes = try joinAttributes(attributes(ours), attributes(theirs))
    let merge = try replicating { () throws(GitError) in
      let (ourTree, theirTree) = (try ours.writeForeign(to: repository), try theirs.writeForeign(to: repository))
      if ourTree == theirTree { return TreeMerge.clean(ourTree) }
      var base: ObjectID?
      if let commit = try repository.mergeBase(commits.ours, commits.theirs) {
        base = try StoreTree.read(commit: commit, from: repository).writeForeign(to: repository)
      }
      return try repository.mergeTrees(base: base, ours: ourTree, theirs: theirTree)
    }
    switch merge {
    case .clean(let id):
      let merged = try replicating { () throws(GitError) in try StoreTree.read(id, from: repository) }
      result.foreign = merged.foreign + [joinedAttributes].compactMap(\.self)
      result.foreignInside = merged.foreignInside
      result.sortForeign()
    case .conflicts(let paths):
      throw ReplicationError(
        .notOnRemote,
        "files that are not memory were changed here and on the remote: \(paths.joined(separator: ", "))",
        remedy: "All memory is saved in the store on this host. Merge those files there with git, then run again")
    }
  }

  /// `.gitattributes` is a list that everybody may add to: the lines of both, theirs first.
  private func joinAttributes(_ ours: TreeEntry?, _ theirs: TreeEntry?) throws(ReplicationError) -> TreeEntry? {
    guard let ours, let theirs, ours.id != theirs.id, ours.mode == .file, theirs.mode == .file else {
      return theirs ?? ours
    }
    func lines(_ entry: TreeEntry) throws(ReplicationError) -> [[UInt8]] {
      let bytes = try replicating { () throws(GitError) in try repository.readBlob(entry.id) }
      return bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    }
    var joined = try lines(theirs)
    while joined.last?.isEmpty == true { joined.removeLast() }
    let known = Set(joined)
    joined += try lines(ours).filter { !$0.isEmpty && !known.contains($0) }
    var bytes: [UInt8] = []
    for line in joined { bytes += line + [0x0A] }
    return TreeEntry(name: StoreTree.attributesName, mode: .file, id: try write(bytes))
  }

  private func write(_ bytes: [UInt8]) throws(ReplicationError) -> ObjectID {
    try replicating { () throws(GitError) in try repository.writeBlob(bytes) }
  }
}
