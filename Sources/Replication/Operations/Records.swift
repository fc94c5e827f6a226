import CRDT
import Git
import Memory

/// One value to write into this host's own state: agent state, such as a checkpoint, and not plain memory.
public struct NewRecord: Sendable, Hashable {
  /// The entry's id. Values of one id by one host are edits of each other.
  public var id: ByteString
  /// What it is, such as `checkpoint`: the view of plain memory leaves it out.
  public var kind: ByteString
  /// One compact JSON object without `_crdt_metadata`.
  public var content: [UInt8]

  public init(id: ByteString, kind: ByteString, content: [UInt8]) {
    self.id = id
    self.kind = kind
    self.content = content
  }
}

/// One value of the state that is not plain memory.
public struct StoredRecord: Sendable, Hashable {
  public var entry: Entry
  /// The oldest commit that holds it, where history was asked.
  public var commit: ObjectID?

  public init(entry: Entry, commit: ObjectID? = nil) {
    self.entry = entry
    self.commit = commit
  }
}

/// What a write put into the store.
public struct RecordsWritten: Sendable, Hashable {
  /// `nil` where nothing was to be written into an empty store.
  public var commit: ObjectID?
  /// The entries with their stamps, tombstones behind.
  public var entries: [Entry] = []
}

extension Store {
  /// All live values of a kind, of every host that this store has merged, greatest first.
  /// - Complexity: O(n) over all entries.
  public func records(ofKind kind: ByteString) throws(ReplicationError) -> [StoredRecord] {
    try records(ofKinds: [kind])
  }

  /// All live values of some kinds, of every host that this store has merged, greatest first.
  /// - Complexity: O(n) over all entries.
  public func records(ofKinds kinds: Set<ByteString>) throws(ReplicationError) -> [StoredRecord] {
    try records { $0.metadata.kind.map(kinds.contains) ?? false }
  }

  /// All live values that are wanted, of every host that this store has merged, greatest first; plain memory among them.
  /// - Complexity: O(n) over all entries.
  public func records(where isWanted: (Entry) -> Bool) throws(ReplicationError) -> [StoredRecord] {
    let old = try tip()
    let table = try StateReader(repository: repository).table(of: try tree(of: old), tips: [old].compactMap(\.self))
    return table.join().filter { !table.isDeleted($0) }.map(table.entry)
      .filter(isWanted)
      .sorted { Entry.isBelow($1, $0) }
      .map { StoredRecord(entry: $0) }
  }

  /// Those of some ids that were records of a kind and are deleted, here or on a host that was merged.
  ///
  /// A tombstone says so; once it was collected, history does.
  /// - Complexity: O(n) over all entries; where something was collected, one walk through history.
  public func deletedRecords(among ids: Set<ByteString>, kind: ByteString) throws(ReplicationError) -> Set<ByteString> {
    guard let tip = try tip() else { return [] }
    let tree = try tree(of: tip)
    let table = try StateReader(repository: repository).table(of: tree, tips: [tip])
    var (live, deleted): (Set<ByteString>, Set<ByteString>) = ([], [])
    for index in table.join() where ids.contains(table.entryID(index)) {
      let entry = table.entry(index)
      guard entry.metadata.kind == kind else { continue }
      if entry.isLive { live.insert(entry.id) } else { deleted.insert(entry.id) }
    }
    deleted.subtract(live)
    let unknown = ids.subtracting(live).subtracting(deleted)
    if !unknown.isEmpty, !(try HostRecords(of: tree, in: repository).frontier.isEmpty) {
      let versions = try ValueHistory(repository: repository).versions(of: unknown, below: [tip])
      deleted.formUnion(versions.map(\.entry).filter { $0.metadata.kind == kind }.map(\.id))
    }
    return deleted
  }

  /// Every value that some ids ever had as records of a kind, deleted ones included, newest commit first.
  public func recordVersions(of ids: Set<ByteString>, kind: ByteString) throws(ReplicationError) -> [StoredRecord] {
    let tips = [try tip(), try trackedTip()].compactMap(\.self)
    return try ValueHistory(repository: repository).versions(of: ids, below: tips)
      .filter { $0.entry.metadata.kind == kind }
      .map { StoredRecord(entry: $0.entry, commit: $0.commit) }
  }

  /// Writes values into this host's state and commits them durably here; `crdt-backup` carries them on.
  ///
  /// Of an id that this host has written before under the same kind, and that lives, the value becomes an edit of the same
  /// unique_id; else an addition. Equal to what stands there: nothing is stamped. All in one commit, or nothing.
  /// - Parameters:
  ///   - deleting: unique_ids to give a tombstone that has seen every value known here. One that does not live is passed
  ///     over.
  ///   - blobs: payloads for `blobs/`, in the same commit; named by their digest, so writing one again adds nothing.
  ///   - defaultHost: the name to write under where the store has none yet.
  public func write(
    _ records: [NewRecord], deleting: Set<ByteString> = [], blobs: [[UInt8]] = [], message: String,
    defaultHost: HostName
  ) throws(ReplicationError) -> RecordsWritten {
    try locked { () throws(ReplicationError) in
      try writeLocked(
        records, deleting: deleting, blobs: blobs, message: message, options: BackupOptions(defaultHost: defaultHost))
    }
  }

  private func writeLocked(
    _ records: [NewRecord], deleting: Set<ByteString>, blobs: [[UInt8]], message: String, options: BackupOptions
  ) throws(ReplicationError) -> RecordsWritten {
    try settleBases()
    let old = try tip()
    let oldTree = try tree(of: old)
    let identity = try identify(options, tree: oldTree)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: oldTree, tips: [old].compactMap(\.self))
    let live = table.join().filter { !table.isDeleted($0) }
    let wanted = Set(records.map(\.id))
    let host = identity.host.bytes
    var standing: [NewRecord.Key: Entry] = [:]
    var doomed: [Entry] = []
    for index in live {
      if deleting.contains(table.uniqueID(index)) { doomed.append(table.entry(index)) }
      guard wanted.contains(table.entryID(index)) else { continue }
      let entry = table.entry(index)
      guard let kind = entry.metadata.kind, UniqueID(entry.metadata.uniqueID)?.host == identity.host else { continue }
      let key = NewRecord.Key(id: entry.id, kind: kind)
      if let other = standing[key], Entry.isBelow(entry, other) { continue }
      standing[key] = entry
    }

    var clock = try loadClock()
    witnessAll(table, with: &clock)
    let touched = Set((Array(standing.values) + doomed).map(\.metadata.uniqueID))
    let known = knownStamps(in: table, of: touched)
    func edited(_ metadata: Metadata) -> Metadata {
      var metadata = metadata
      metadata.seen = (known[metadata.uniqueID] ?? KnownStamps(of: metadata)).seen(by: host)
      metadata.stamp = Stamp(instant: clock.tick(wall: wall, replacing: metadata.stamp.instant), host: host)
      metadata.version = Metadata.nextVersion(after: metadata.version)
      return metadata
    }
    var written = RecordsWritten(commit: old)
    for record in records {
      let key = NewRecord.Key(id: record.id, kind: record.kind)
      let entry: Entry
      if let standing = standing[key] {
        if standing.content == record.content { continue }
        entry = Entry(content: record.content, metadata: edited(standing.metadata))
      } else {
        let stamp = Stamp(instant: clock.tick(wall: wall), host: host)
        let unique = UniqueID(host: identity.host, id: record.id, created: stamp.instant)
        entry = Entry(
          content: record.content,
          metadata: Metadata(stamp: stamp, version: 1, uniqueID: unique.text, kind: record.kind))
      }
      standing[key] = entry
      written.entries.append(entry)
    }
    let tombstones = doomed.map { Entry.tombstone(of: edited($0.metadata)) }
    try refuseUnbeatable(
      tombstones, among: Dictionary(doomed.map { ($0.metadata.uniqueID, $0) }, uniquingKeysWith: { first, _ in first }))
    written.entries += tombstones

    let tree = try adding(blobs: blobs, to: oldTree)
    if written.entries.isEmpty, tree == oldTree { return written }
    written.commit = try commit(
      written.entries, onto: old, tree: tree, as: identity, clock: &clock, reader: reader,
      message: "\(identity.host): \(message)")
    return written
  }

  /// A payload by the lower-case hex of its SHA-256; `nil` when the store does not hold it, or what it holds under that
  /// name is something else.
  public func blob(_ digest: String) throws(ReplicationError) -> [UInt8]? {
    guard digest.utf8.count == 64, digest.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) })
    else { return nil }
    let tip = try tip()
    guard let folder = try tree(of: tip).blobs else { return nil }
    return try replicating { () throws(GitError) in
      guard let shard = try repository.readTree(folder).first(where: { $0.name == digest.prefix(2) }),
        shard.mode == .folder, let file = try repository.readTree(shard.id).first(where: { $0.name == digest })
      else { return nil }
      let bytes = try repository.readBlob(file.id)
      return EntryIdentity.hexDigest(of: bytes) == digest ? bytes : nil
    }
  }

  /// The tree with payloads in `blobs/<aa>/<sha256>`.
  private func adding(blobs: [[UInt8]], to tree: StoreTree) throws(ReplicationError) -> StoreTree {
    guard !blobs.isEmpty else { return tree }
    var tree = tree
    tree.blobs = try replicating { () throws(GitError) in
      var shards: [String: TreeEntry] = [:]
      if let folder = tree.blobs { for entry in try repository.readTree(folder) { shards[entry.name] = entry } }
      for bytes in blobs {
        let digest = EntryIdentity.hexDigest(of: bytes)
        let name = String(digest.prefix(2))
        var files: [TreeEntry] = []
        if let shard = shards[name], shard.mode == .folder { files = try repository.readTree(shard.id) }
        files.removeAll { $0.name == digest }
        files.append(TreeEntry(name: digest, mode: .file, id: try repository.writeBlob(bytes)))
        shards[name] = TreeEntry(name: name, mode: .folder, id: try repository.writeTree(files))
      }
      return try repository.writeTree(Array(shards.values))
    }
    return tree
  }
}

extension NewRecord {
  /// What makes two records values of one thing.
  fileprivate struct Key: Hashable {
    var id: ByteString
    var kind: ByteString
  }
}
