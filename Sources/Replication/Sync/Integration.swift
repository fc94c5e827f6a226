import CRDT
import Git
import Memory

extension Store {
  /// Our branch and the remote's, made one.
  struct Integrated {
    /// The commit that holds both; the store's branch is on it.
    var commit: ObjectID
    /// Set when the host had to take another name.
    var renamed: (from: HostName, to: HostName)?
  }

  /// Joins the remote's tip into the store's branch (DESIGN 8, steps 3 and 4) and moves the branch.
  ///
  /// - Same contents as the remote's: the branch goes to the remote's commit, nothing is committed.
  /// - Only one commit of ours is in the way: it is rebuilt on the remote's tip, so that racing hosts leave a straight
  ///   line. Where that would lose a value, or there is more of ours, a merge commit keeps both histories.
  func integrate(remote: ObjectID, identity: inout Identity, reader: StateReader) throws(ReplicationError)
    -> Integrated
  {
    let local = try tip()
    if local == remote { return Integrated(commit: remote) }
    let tips = [local, remote].compactMap(\.self)
    let remoteTree = try tree(of: remote)

    var clock = try loadClock()
    let markBefore = clock.highWater
    var join = try TreeJoin(repository: repository, reader: reader).join(ours: local, theirs: remote)
    var renaming: Renaming?
    if let owner = try replica(of: identity.host, in: remoteTree), owner != identity.replica.identity {
      let taken = try takeAnotherName(join.tree, beside: remoteTree, local: local, identity: identity, tips: tips)
      join = TreeJoin.Result(tree: taken.tree, keepsOurEntries: true)
      renaming = taken.renaming
      identity.host = taken.renaming.to
    }

    let localTree = try tree(of: local)
    var joined = join.tree
    if joined.stateFiles == localTree.stateFiles, localTree.unified != nil {
      joined.unified = localTree.unified
    } else {
      let table = try reader.table(of: joined, tips: tips)
      let bound = wall.advanced(bySeconds: settings.maxDriftSeconds)
      if let newest = table.newestInstant(upTo: bound) { clock.witness(newest, wall: wall) }
      joined = try recomputed(
        joined, as: identity, isRenamed: renaming != nil, clock: &clock, reader: reader, tips: tips)
    }
    if clock.highWater != markBefore { try save(clock) }

    let commit = try place(
      joined, local: local, remote: remote, remoteTree: remoteTree, join: join, host: identity.host)
    try noteRebuilt(as: commit)
    try move(from: local, to: commit, message: "crdt-backup: joined with the remote")
    if let renaming { try settle(renaming) }
    return Integrated(commit: commit, renamed: renaming.map { ($0.from, $0.to) })
  }

  /// The commit that carries the joined tree: the remote's own, ours, a rebuilt one, or a merge.
  private func place(
    _ joined: StoreTree, local: ObjectID?, remote: ObjectID, remoteTree: StoreTree, join: TreeJoin.Result,
    host: HostName
  ) throws(ReplicationError) -> ObjectID {
    let unpushed = try replicating { () throws(GitError) in
      try local.map { tip throws(GitError) in try repository.walk(from: [tip], hiding: [remote]) } ?? []
    }
    if unpushed.isEmpty {
      if joined == remoteTree { return remote }
      return try commit(joined, parents: [remote], host: host, message: "\(host): joined")
    }
    guard let local else { return remote }
    let isAhead = try replicating { () throws(GitError) in try repository.isAncestor(remote, of: local) }
    if isAhead {
      if joined == (try tree(of: local)) { return local }
      return try commit(joined, parents: [local], host: host, message: "\(host): joined")
    }
    if unpushed.count == 1, join.keepsOurEntries {
      if joined == remoteTree { return remote }
      let attempt = try replicating { () throws(GitError) in try repository.readCommit(unpushed[0]) }
      if attempt.parents.count <= 1 {
        return try commit(joined, parents: [remote], host: host, message: attempt.message)
      }
    }
    return try commit(joined, parents: [remote, local], host: host, message: "\(host): merged with the remote")
  }

  /// Recomputes the merge, and writes own edits again that a foreign deletion had not seen.
  ///
  /// The host's record is left alone unless something was written (seeing is no reason to commit), or the host has
  /// just got its name.
  private func recomputed(
    _ tree: StoreTree, as identity: Identity, isRenamed: Bool, clock: inout HybridLogicalClock, reader: StateReader,
    tips: [ObjectID]
  ) throws(ReplicationError) -> StoreTree {
    var result = try completed(tree, as: identity, clock: &clock, reader: reader, tips: tips)
    if result.stateFiles == tree.stateFiles, !isRenamed {
      result.hostRecords = tree.hostRecords
      result.foreign = tree.foreign
    }
    return result
  }

  /// A change of this installation's name, and of the unique_ids that carried the old one.
  struct Renaming {
    var from: HostName
    var to: HostName
    var uniqueIDs: [ByteString: ByteString]
  }

  /// Another installation writes as this host and was first on the remote: this one takes a suffix, for good.
  private func takeAnotherName(
    _ joined: StoreTree, beside theirs: StoreTree, local: ObjectID?, identity: Identity, tips: [ObjectID]
  ) throws(ReplicationError) -> (tree: StoreTree, renaming: Renaming) {
    let old = identity.host
    let ours = try tree(of: local)
    let new = try freeHostName(old, replica: identity.replica.identity, trees: [theirs, ours])
    let moved = try renamed(ours, from: old, to: new, beside: theirs, tips: tips)
    var result = joined
    for path in result.stateFiles.keys where StoreTree.isStateFile(path, of: old.text) {
      result.stateFiles[path] = moved.tree.stateFiles[path]
    }
    for (path, id) in moved.tree.stateFiles where StoreTree.isStateFile(path, of: new.text) {
      result.stateFiles[path] = id
    }
    let record = StoreTree.hostRecordName(of: old.text)
    // What we had collected stays said, in the record of the one that keeps the name.
    if let id = theirs.hostRecords[record],
      var kept = HostRecord(try replicating { () throws(GitError) in try repository.readBlob(id) }),
      kept.formatVersion <= HostRecord.currentFormatVersion
    {
      let before = kept
      kept.collected.formUnion(try HostRecords(of: ours, in: repository).frontier)
      result.hostRecords[record] = kept == before ? id : try write(kept.written)
    } else {
      result.hostRecords[record] = theirs.hostRecords[record]
    }
    return (result, Renaming(from: old, to: new, uniqueIDs: moved.renaming))
  }

  /// Makes the new name this store's own, once its branch holds it. Dying before this repeats it: the next run finds the
  /// same name, and the same unique_ids from what the branch holds under it.
  private func settle(_ renaming: Renaming) throws(ReplicationError) {
    for source in settings.sources {
      let state = privateState.of(source)
      guard var base = try state.readBase() else { continue }
      base.rename(renaming.from, to: renaming.to, uniqueIDs: renaming.uniqueIDs)
      try state.write(base)
    }
    try adopt(renaming.to, requested: settings.requestedHost ?? renaming.from)
  }

  /// Makes a name this store's own.
  func adopt(_ host: HostName, requested: HostName) throws(ReplicationError) {
    if settings.host != host {
      try set(StoreSettings.Key.host, host.text)
      settings.host = host
    }
    if settings.requestedHost != requested {
      try set(StoreSettings.Key.requestedHost, requested.text)
      settings.requestedHost = requested
    }
  }
}
