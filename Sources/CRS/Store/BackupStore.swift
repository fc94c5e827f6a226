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

  /// Whether one of which nothing but its stamp can be read may be meant.
  func mayMean(_ stamp: Stamp) -> Bool { (host == nil || stamp.host == host) && at.map { stamp.instant <= $0 } ?? true }

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
  /// - Throws: `secretFound` where the project's given name looks like one; what writing throws.
  public func publish(_ backup: Backup, of project: ProjectIdentity, defaultHost: HostName) throws(CRSError) -> Entry? {
    try project.refuseSecretName()
    let project = project.withoutSecrets()
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

  /// A backup that cannot be used, and why.
  public struct Failure: Sendable {
    /// Who wrote it, and when.
    public var stamp: Stamp
    /// `nil` where the entry itself cannot be read: it is damaged, or of another version.
    public var metadata: BackupMetadata?
    public var error: CRSError
  }

  /// Backups by what their entries say.
  public struct Listing: Sendable {
    /// Newest first.
    public var backups: [StoredBackup] = []
    /// Entries that cannot be read, newest first.
    public var failures: [Failure] = []

    public init() {}
  }

  /// What a look for good backups found.
  public struct Found: Sendable {
    /// The newest good backup of each host, newest first.
    public var backups: [(stored: StoredBackup, state: ReasoningState)] = []
    /// Backups that were passed over.
    public var failures: [Failure] = []
  }

  /// The newest good backup of each host that is wanted. One that is damaged, or of a version that is not known here, is
  /// passed over for the same host's one before it.
  public func load(_ project: ProjectIdentity, _ selection: BackupSelection = BackupSelection()) throws(CRSError)
    -> Found
  {
    var found = Found()
    let listing = try selection.isNewest ? newest(of: project) : history(of: project)
    var hosts: [ByteString: [StoredBackup]] = [:]
    for failure in listing.failures where selection.mayMean(failure.stamp) {
      found.failures.append(failure)
      hosts[failure.stamp.host] = []
    }
    for backup in listing.backups where selection.accepts(backup) {
      hosts[backup.stamp.host, default: []].append(backup)
    }
    var older: Listing?
    for host in hosts.keys.sorted() {
      if let good = try firstGood(of: hosts[host] ?? [], &found) {
        found.backups.append(good)
        continue
      }
      guard selection.isNewest else { continue }
      if older == nil { older = try history(of: project) }
      let all = older ?? Listing()
      let known = Set(hosts[host] ?? [])
      let rest = all.backups.filter { $0.stamp.host == host && !known.contains($0) }
      if let good = try firstGood(of: rest, &found) { found.backups.append(good) }
    }
    found.backups.sort { $0.stored.stamp > $1.stored.stamp }
    return found
  }

  private func firstGood(of candidates: [StoredBackup], _ found: inout Found) throws(CRSError)
    -> (stored: StoredBackup, state: ReasoningState)?
  {
    for stored in candidates {
      do throws(CRSError) {
        return (stored, try state(of: stored))
      } catch {
        // Damage of git's own object is a failure of storage: it is of that host's backup, and stops no other.
        guard [.corrupted, .notFound, .badData, .storage].contains(error.code) else { throw error }
        found.failures.append(Failure(stamp: stored.stamp, metadata: stored.metadata, error: error))
      }
    }
    return nil
  }

  /// The projects with a remote that have backups which a project without one would take for its own: a repository and
  /// its forks have the same root commit.
  func projects(of project: ProjectIdentity, _ selection: BackupSelection) throws(CRSError) -> [ProjectIdentity] {
    if project.hasRemote { return [] }
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    var projects: [ProjectIdentity] = []
    for backup in Self.listing(records.map(\.entry), of: project).backups
    where selection.accepts(backup) && backup.project.hasRemote {
      if !projects.contains(where: { $0.isSameProject(as: backup.project) }) { projects.append(backup.project) }
    }
    return projects
  }

  /// - Throws: `usage` where what is wanted is of several projects.
  func demandOneProject(_ project: ProjectIdentity, _ selection: BackupSelection) throws(CRSError) {
    let projects = try projects(of: project, selection)
    guard projects.count > 1 else { return }
    let keys = projects.map(\.key).sorted().map(\.description).joined(separator: " and ")
    throw CRSError(
      .usage, "the root commit of this repository, which has no remote, is that of \(keys)",
      remedy: "Nothing was loaded. Give it the remote of the one that is meant, or choose a host with --host")
  }

  /// - Throws: `notFound` where no backup is wanted, readable or not.
  public func demand(_ project: ProjectIdentity, _ selection: BackupSelection) throws(CRSError) {
    let listing = try selection.isNewest ? newest(of: project) : history(of: project)
    guard
      listing.backups.contains(where: { selection.accepts($0) })
        || listing.failures.contains(where: { selection.mayMean($0.stamp) })
    else { throw Self.nothing(of: project) }
  }

  static func nothing(of project: ProjectIdentity) -> CRSError {
    CRSError(
      .notFound, "the store holds no backup of \(project.key) that was asked for",
      remedy: "`crdt-agent crs history` lists them; run crdt-backup to get those of other hosts")
  }

  /// The state of one backup, verified.
  public func state(of stored: StoredBackup) throws(CRSError) -> ReasoningState {
    let bytes = try replicating { () throws(ReplicationError) in try store.blob(stored.metadata.digest) }
    guard let bytes else {
      throw CRSError(.notFound, "the store does not hold the backup \(stored.metadata.digest.prefix(12))")
    }
    return try Backup(bytes, metadata: stored.metadata).state()
  }

  /// The newest backup of each host, and the entries that cannot be read.
  public func newest(of project: ProjectIdentity) throws(CRSError) -> Listing {
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    var listing = Self.listing(records.map(\.entry), of: project)
    var seen: Set<ByteString> = []
    listing.backups = listing.backups.filter { seen.insert($0.stamp.host).inserted }
    return listing
  }

  /// Every backup there ever was in the store.
  public func history(of project: ProjectIdentity) throws(CRSError) -> Listing {
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    let own = records.map(\.entry).filter { Self.name(of: $0).isOf(project) }
    let ids = Set(own.map(\.id) + [Self.id(of: project)])
    let versions = try replicating { () throws(ReplicationError) in
      try store.recordVersions(of: ids, kind: Self.kind)
    }
    return Self.listing(own + versions.map(\.entry), of: project)
  }

  /// Reads entries; each stamp once.
  private static func listing(_ entries: [Entry], of project: ProjectIdentity) -> Listing {
    var listing = Listing()
    var backups: Set<StoredBackup> = []
    var failures: Set<Stamp> = []
    for entry in entries where entry.isLive {
      switch read(entry) {
      case .success(let stored):
        if stored.isOf(project), backups.insert(stored).inserted { listing.backups.append(stored) }
      case .failure(let error):
        guard name(of: entry).isOf(project), failures.insert(entry.metadata.stamp).inserted else { continue }
        listing.failures.append(Failure(stamp: entry.metadata.stamp, metadata: nil, error: error))
      }
    }
    listing.backups.sort { $0.stamp > $1.stamp }
    listing.failures.sort { $0.stamp > $1.stamp }
    return listing
  }

  private static func id(of project: ProjectIdentity) -> ByteString { ByteString("crs:".utf8 + project.key.bytes) }

  /// The project an entry says it is of; where it cannot be read, its id tells.
  private static func name(of entry: Entry) -> ProjectIdentity {
    let fields = try? JSONReader.object(entry.content)
    if let key = fields?["project"]?.text {
      let aliases = fields?["aliases"]?.elements.compactMap { $0.text.map { ByteString(bytes: $0) } } ?? []
      return ProjectIdentity(key: ByteString(bytes: key), aliases: aliases).withoutSecrets()
    }
    let prefix = Array("crs:".utf8)
    guard entry.id.bytes.starts(with: prefix) else { return ProjectIdentity(key: entry.id) }
    return ProjectIdentity(key: ByteString(bytes: Array(entry.id.bytes.dropFirst(prefix.count))))
  }

  private static func read(_ entry: Entry) -> Result<StoredBackup, CRSError> {
    Result { () throws(CRSError) in
      guard let fields = try? JSONReader.object(entry.content), fields["project"]?.text != nil,
        let raw = fields["metadata"]?.bytes
      else { throw CRSError(.corrupted, "the entry \(entry.id) is no backup: members are missing") }
      return StoredBackup(
        stamp: entry.metadata.stamp, metadata: try BackupMetadata(raw + [0x0A]), project: name(of: entry))
    }
  }
}

extension StoredBackup {
  fileprivate func isOf(_ other: ProjectIdentity) -> Bool { project.isOf(other) }
}

extension ProjectIdentity {
  fileprivate func isOf(_ other: ProjectIdentity) -> Bool { isSameProject(as: other) }
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
      case .configuration: .configuration
      case .cannotCreate: .cannotCreate
      case .storage, .internal: .storage
      }
    self.init(code, error.message, remedy: error.remedy)
  }
}

private func replicating<Value>(_ body: () throws(ReplicationError) -> Value) throws(CRSError) -> Value {
  do { return try body() } catch { throw CRSError(error) }
}
