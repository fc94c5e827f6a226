import CRDT
import Memory
import Replication

/// A backup as the store holds it: an entry of kind `crs-backup` that names its payload in `blobs/`.
public struct StoredBackup: Hashable, Sendable {
  /// Who wrote it, and when.
  public var stamp: Stamp
  public var metadata: BackupMetadata
  public var project: ProjectIdentity
}

/// Which backups are wanted; `nil` leaves open.
public struct BackupSelection: Hashable, Sendable {
  public var host: ByteString?
  /// The newest that was made at that time or before.
  public var at: Instant?
  public var generation: UInt64?

  public init(host: ByteString? = nil, at: Instant? = nil, generation: UInt64? = nil) {
    self.host = host
    self.at = at
    self.generation = generation
  }

  /// Whether only the newest of each host can be meant.
  var isNewest: Bool { at == nil && generation == nil }

  func accepts(_ backup: StoredBackup) -> Bool {
    (host == nil || backup.stamp.host == host) && at.map { backup.metadata.created <= $0 } ?? true
      && generation.map { backup.metadata.generation == $0 } ?? true
  }
}

/// Backups of reasoning states in the store, where `crdt-backup` carries them to the other hosts.
public struct BackupStore {
  public static let kind: ByteString = "crs-backup"
  private let store: Store

  public init(_ store: Store) { self.store = store }

  /// Puts a backup into the store, in the place of this host's former one of that project (which stays in history).
  public func publish(_ backup: Backup, of project: ProjectIdentity, defaultHost: HostName) throws(CRSError) -> Entry? {
    var content = JSONWriter()
    content.object { content in
      content.member("id", Self.id(of: project))
      content.member("project", project.key)
      content.array("aliases") { aliases in
        for alias in project.aliases.sorted() { aliases.element(alias) }
      }
      content.member("blob", backup.metadata.digest)
      content.raw("metadata", Array(backup.metadata.bytes.dropLast()))
    }
    let record = NewRecord(id: Self.id(of: project), kind: Self.kind, content: content.bytes)
    return try replicating { () throws(ReplicationError) in
      try store.write(
        [record], blobs: [backup.bytes],
        message: "reasoning state of \(project.key), generation \(backup.metadata.generation)",
        defaultHost: defaultHost
      ).entries.first
    }
  }

  /// What a look for good backups found.
  public struct Found: Sendable {
    /// The newest good backup of each host, newest first.
    public var backups: [(stored: StoredBackup, state: ReasoningState)] = []
    /// Backups that were passed over, and why.
    public var failures: [(stored: StoredBackup, error: CRSError)] = []
  }

  /// The newest good backup of each host that is wanted. A damaged one is passed over for the same host's one before it.
  public func load(_ project: ProjectIdentity, _ selection: BackupSelection = BackupSelection()) throws(CRSError)
    -> Found
  {
    var found = Found()
    let newest = try newest(of: project)
    var hosts: [ByteString: [StoredBackup]] = [:]
    for backup in selection.isNewest ? newest : try history(of: project) where selection.accepts(backup) {
      hosts[backup.stamp.host, default: []].append(backup)
    }
    var older: [StoredBackup]?
    for host in hosts.keys.sorted() {
      var candidates = hosts[host] ?? []
      var index = 0
      while index < candidates.count {
        let stored = candidates[index]
        index += 1
        do throws(CRSError) {
          found.backups.append((stored, try state(of: stored)))
          break
        } catch {
          guard error.code == .corrupted || error.code == .notFound else { throw error }
          found.failures.append((stored, error))
        }
        if index == candidates.count, selection.isNewest {
          if older == nil { older = try history(of: project) }
          let all = older ?? []
          let known = Set(candidates)
          candidates += all.filter { $0.stamp.host == host && !known.contains($0) }
        }
      }
    }
    found.backups.sort { $0.stored.stamp > $1.stored.stamp }
    return found
  }

  /// The state of one backup, verified.
  public func state(of stored: StoredBackup) throws(CRSError) -> ReasoningState {
    let bytes = try replicating { () throws(ReplicationError) in try store.blob(stored.metadata.digest) }
    guard let bytes else {
      throw CRSError(.notFound, "the store does not hold the backup \(stored.metadata.digest.prefix(12))")
    }
    return try Backup(bytes, metadata: stored.metadata).state()
  }

  /// The newest backup of each host, newest first.
  public func newest(of project: ProjectIdentity) throws(CRSError) -> [StoredBackup] {
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    var seen: Set<ByteString> = []
    return records.compactMap { Self.read($0.entry) }.filter { $0.isOf(project) }
      .sorted { $0.stamp > $1.stamp }.filter { seen.insert($0.stamp.host).inserted }
  }

  /// Every backup there ever was in the store, newest first.
  public func history(of project: ProjectIdentity) throws(CRSError) -> [StoredBackup] {
    let newest = try newest(of: project)
    let ids = Set(newest.map { Self.id(of: $0.project) } + [Self.id(of: project)])
    let versions = try replicating { () throws(ReplicationError) in
      try store.recordVersions(of: ids, kind: Self.kind)
    }
    var seen: Set<StoredBackup> = []
    return (newest + versions.compactMap { Self.read($0.entry) }).filter {
      $0.isOf(project) && seen.insert($0).inserted
    }
    .sorted { $0.stamp > $1.stamp }
  }

  /// All projects of which the store holds backups.
  public func projects() throws(CRSError) -> [ProjectIdentity] {
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    return Set(records.compactMap { Self.read($0.entry)?.project.key }).sorted().map { ProjectIdentity(key: $0) }
  }

  private static func id(of project: ProjectIdentity) -> ByteString { ByteString("crs:".utf8 + project.key.bytes) }

  /// `nil` for an entry that is none of ours, or a damaged one.
  private static func read(_ entry: Entry) -> StoredBackup? {
    guard !entry.metadata.isDeleted, let fields = try? JSONReader.object(entry.content),
      let key = fields["project"]?.text, let raw = fields["metadata"]?.bytes,
      let metadata = try? BackupMetadata(raw + [0x0A])
    else { return nil }
    let aliases = fields["aliases"]?.elements.compactMap { $0.text.map { ByteString(bytes: $0) } } ?? []
    return StoredBackup(
      stamp: entry.metadata.stamp, metadata: metadata,
      project: ProjectIdentity(key: ByteString(bytes: key), aliases: aliases))
  }
}

extension StoredBackup {
  fileprivate func isOf(_ other: ProjectIdentity) -> Bool {
    !project.sharedNames.isDisjoint(with: other.sharedNames)
  }
}

extension CRSError {
  init(_ error: ReplicationError) {
    let code: Code =
      switch error.code {
      case .usage: .usage
      case .badData: .badData
      case .noInput: .notFound
      case .permission: .permission
      case .notOnRemote: .lockFailed
      case .cannotCreate, .storage, .configuration, .internal: .storage
      }
    self.init(code, error.message, remedy: error.remedy)
  }
}

private func replicating<Value>(_ body: () throws(ReplicationError) -> Value) throws(CRSError) -> Value {
  do { return try body() } catch { throw CRSError(error) }
}
