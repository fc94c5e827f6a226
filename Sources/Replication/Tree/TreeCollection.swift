import CRDT
import Git
import Memory

/// Which values of two trees the join lets go, because one of them was collected.
struct TreeCollection {
  let repository: any Repository
  let reader: StateReader

  /// By side, the values that go.
  struct Dropped {
    var ours: Set<FileKey> = []
    var theirs: Set<FileKey> = []
  }

  func dropped(ours: StoreTree, theirs: StoreTree, tips: [ObjectID]) throws(ReplicationError) -> Dropped {
    let ourFrontier = try HostRecords(of: ours, in: repository).frontier
    let theirFrontier = try HostRecords(of: theirs, in: repository).frontier
    if ourFrontier.isEmpty && theirFrontier.isEmpty { return Dropped() }
    let ourSide = try side(of: ours, besides: theirs, frontier: ourFrontier, tips: tips)
    let theirSide = try side(of: theirs, besides: ours, frontier: theirFrontier, tips: tips)
    let ourCandidates = CollectedJoin.candidates(of: ourSide, against: theirSide)
    let theirCandidates = CollectedJoin.candidates(of: theirSide, against: ourSide)
    if ourCandidates.isEmpty && theirCandidates.isEmpty { return Dropped() }

    let uniqueIDs = Set(ourCandidates.map(\.uniqueID)).union(theirCandidates.map(\.uniqueID))
    let ourValues = try values(of: uniqueIDs, in: ours, tips: tips)
    let theirValues = try values(of: uniqueIDs, in: theirs, tips: tips)
    func history(_ uniqueIDs: Set<ByteString>) throws(ReplicationError) -> [Metadata] {
      // Another tool's key may be no name of an id: then the key itself is looked for.
      let ids = uniqueIDs.union(uniqueIDs.compactMap { UniqueID($0)?.id })
      return try ValueHistory(repository: repository).versions(of: ids, below: tips).map(\.entry.metadata)
    }
    return Dropped(
      ours: try CollectedJoin.dropped(ourCandidates, values: ourValues, beside: theirValues, history: history),
      theirs: try CollectedJoin.dropped(theirCandidates, values: theirValues, beside: ourValues, history: history))
  }

  /// A state file without what goes; the same where nothing does.
  func filtered(_ source: Source, _ dropped: Set<FileKey>) throws(ReplicationError) -> Source {
    if dropped.isEmpty { return source }
    let host = TreeCollection.host(ofFile: source.name)
    let table: EntryTable
    do { table = try EntryTable([source]) } catch { throw ReplicationError(error) }
    let staying = table.join().filter { !dropped.contains(FileKey(host: host, uniqueID: table.uniqueID($0))) }
    return staying.count == table.count ? source : Source(name: source.name, bytes: table.write(staying))
  }

  /// The whole tree without these values. Files that get empty stay.
  func without(_ dropped: Set<FileKey>, _ tree: StoreTree, tips: [ObjectID]) throws(ReplicationError) -> StoreTree {
    var result = tree
    for (path, id) in tree.stateFiles {
      guard let source = try reader.source(path: path, id: id, tips: tips) else { continue }
      let filtered = try filtered(source, dropped)
      guard filtered.bytes != source.bytes else { continue }
      result.stateFiles[path] = try replicating { () throws(GitError) in try repository.writeBlob(filtered.bytes) }
    }
    return result
  }

  /// Every value of some unique_ids in a tree, losers included.
  func values(of uniqueIDs: Set<ByteString>, in tree: StoreTree, tips: [ObjectID]) throws(ReplicationError)
    -> [FileKey: Metadata]
  {
    TreeCollection.values(of: uniqueIDs, in: try reader.table(of: tree, tips: tips))
  }

  static func values(of uniqueIDs: Set<ByteString>, in table: EntryTable) -> [FileKey: Metadata] {
    var values: [FileKey: Metadata] = [:]
    for index in 0..<table.count where uniqueIDs.contains(table.uniqueID(index)) {
      values[key(of: index, in: table)] = table.entry(index).metadata
    }
    return values
  }

  private func side(
    of tree: StoreTree, besides other: StoreTree, frontier: CollectedFrontier, tips: [ObjectID]
  ) throws(ReplicationError) -> CollectedJoin.Side {
    var table = EntryTable()
    for (path, id) in tree.stateFiles where other.stateFiles[path] != id {
      guard let source = try reader.source(path: path, id: id, tips: tips) else { continue }
      do { try table.add(source) } catch { throw ReplicationError(error) }
    }
    var stamps: [FileKey: Stamp] = [:]
    for index in 0..<table.count { stamps[TreeCollection.key(of: index, in: table)] = table.stamp(index) }
    let hosts = Set(tree.stateFiles.keys.map { TreeCollection.host(ofFile: $0) })
    return CollectedJoin.Side(hosts: hosts, stamps: stamps, frontier: frontier)
  }

  private static func key(of index: Int, in table: EntryTable) -> FileKey {
    FileKey(
      host: host(ofFile: table.sources[table.sourceIndex(index)].name), uniqueID: table.uniqueID(index))
  }

  private static func host(ofFile path: String) -> ByteString { ByteString(StoreTree.hostText(ofStateFile: path)) }
}
