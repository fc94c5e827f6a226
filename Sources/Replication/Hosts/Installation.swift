import CRDT
import Git
import Memory

extension Store {
  /// Who this installation is: its replica, and whether the machine changed under it.
  ///
  /// Without private state the replica is taken up again from the committed record of the host this store is set to
  /// be; a store that was cloned onto another machine gets a new one, so that two machines never write as one host.
  func loadReplica(tree: StoreTree) throws(ReplicationError) -> PrivateState.Replica {
    let machine = effects.machineIdentity().map {
      String(EntryIdentity.hexDigest(of: Array("crdt-backup machine ".utf8) + $0).prefix(32))
    }
    if let known = try privateState.readReplica() {
      guard let was = known.machineDigest, let machine, was != machine else { return known }
      return try newReplica(machine: machine)
    }
    if let host = settings.host, let id = tree.hostRecords[StoreTree.hostRecordName(of: host.text)],
      let record = HostRecord(try replicating { () throws(GitError) in try repository.readBlob(id) })
    {
      let replica = PrivateState.Replica(identity: record.replica, created: record.created, machineDigest: machine)
      try privateState.write(replica)
      return replica
    }
    return try newReplica(machine: machine)
  }

  private func newReplica(machine: String?) throws(ReplicationError) -> PrivateState.Replica {
    let digits = Array("0123456789abcdef".utf8)
    let random = effects.randomBytes(16)
    precondition(random.count == 16, "a replica is 128 bits")
    let replica = PrivateState.Replica(
      identity: String(decoding: random.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self),
      created: wall, machineDigest: machine)
    try privateState.write(replica)
    return replica
  }

  /// The replica that a tree says writes as `host`; `nil` when nobody does.
  func replica(of host: HostName, in tree: StoreTree) throws(ReplicationError) -> String? {
    guard let id = tree.hostRecords[StoreTree.hostRecordName(of: host.text)] else { return nil }
    return HostRecord(try replicating { () throws(GitError) in try repository.readBlob(id) })?.replica
  }

  /// The name this installation writes under beside everything in `trees`: the wanted one, or, where another
  /// installation has it, the wanted one with the first digits of the replica behind it.
  func freeHostName(_ wanted: HostName, replica: String, trees: [StoreTree]) throws(ReplicationError) -> HostName {
    for digits in [0, 6, 12, 32] {
      let candidate = digits == 0 ? wanted : wanted.suffixed(String(replica.prefix(digits)))
      guard let candidate else { continue }
      var isFree = true
      for tree in trees {
        if let owner = try self.replica(of: candidate, in: tree), owner != replica { isFree = false }
      }
      if isFree { return candidate }
    }
    throw ReplicationError(.internal, "no free host name beside \(wanted)")
  }

  /// Gives what this installation wrote as `old`, and has not shared yet, to the host `new`: the stamps and the
  /// unique_ids of its own additions carry the new name, the values stay.
  ///
  /// - Parameter theirs: the tree of the installation that keeps the old name.
  func renamed(_ tree: StoreTree, from old: HostName, to new: HostName, beside theirs: StoreTree, tips: [ObjectID])
    throws(ReplicationError) -> (tree: StoreTree, renaming: [ByteString: ByteString])
  {
    let reader = StateReader(repository: repository)
    func entries(of host: HostName, in tree: StoreTree) throws(ReplicationError) -> [Entry] {
      var table = EntryTable()
      for (path, id) in tree.stateFiles where StoreTree.isStateFile(path, of: host.text) {
        guard let source = try reader.source(path: path, id: id, tips: tips) else { continue }
        do { try table.add(source) } catch { throw ReplicationError(error) }
      }
      return table.entries(table.join())
    }
    let shared = try entries(of: old, in: theirs)
    let sharedKeys = Set(shared.map(\.metadata.uniqueID))
    let own = try entries(of: old, in: tree).filter { entry in !shared.contains(entry) }
    var renaming: [ByteString: ByteString] = [:]
    var result = tree
    for path in tree.stateFiles.keys where StoreTree.isStateFile(path, of: old.text) {
      result.stateFiles[path] = theirs.stateFiles[path]
    }
    for (path, id) in theirs.stateFiles where StoreTree.isStateFile(path, of: old.text) { result.stateFiles[path] = id }
    let oldRecord = StoreTree.hostRecordName(of: old.text)
    result.hostRecords[oldRecord] = theirs.hostRecords[oldRecord]

    let moved = own.map { entry in
      var metadata = entry.metadata
      if metadata.stamp.host == old.bytes { metadata.stamp.host = new.bytes }
      if !sharedKeys.contains(metadata.uniqueID), var unique = UniqueID(metadata.uniqueID), unique.host == old {
        unique.host = new
        renaming[metadata.uniqueID] = unique.text
        metadata.uniqueID = unique.text
      }
      return Entry(content: entry.content, metadata: metadata)
    }
    result = try adding(moved, to: result, host: new, tips: tips)
    // What an earlier run moved, when it died before its base followed.
    for entry in try entries(of: new, in: tree) {
      guard var unique = UniqueID(entry.metadata.uniqueID), unique.host == new else { continue }
      unique.host = old
      if !sharedKeys.contains(unique.text) { renaming[unique.text] = entry.metadata.uniqueID }
    }
    return (result, renaming)
  }
}
