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

  /// Puts a backup into the store, in the place of this host's former one of that project (which stays in history), also
  /// where that one was changed since.
  /// - Throws: `secretFound` where the project's given name looks like one; what writing throws.
  public func publish(_ backup: Backup, of project: ProjectIdentity, defaultHost: HostName) throws(CRSError) -> Entry? {
    try project.refuseSecretName()
    // The name that the metadata says, under their checksum, is among those of the entry.
    let project = project.alsoKnown(as: backup.metadata.project).withoutSecrets()
    let id = BackupEntry.id(of: project.key)
    var content = JSONWriter()
    content.object { content in
      content.member("id", id)
      content.member("project", project.key)
      content.array("aliases") { aliases in
        for alias in project.aliases.sorted() { aliases.element(alias) }
      }
      content.member("blob", backup.metadata.digest)
      content.raw("metadata", Array(backup.metadata.bytes.dropLast()))
    }
    let record = NewRecord(id: id, kind: Self.kind, content: content.bytes)
    let host = store.settings.host ?? defaultHost
    let strays = try entries().filter { BackupEntry($0).isStray(of: project, host: host) }
    return try replicating { () throws(ReplicationError) in
      try store.write(
        [record], deleting: Set(strays.map(\.metadata.uniqueID)), blobs: [backup.bytes],
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
        guard Self.isOfOne(error) else { throw error }
        found.failures.append(Failure(stamp: stored.stamp, metadata: stored.metadata, error: error))
      }
    }
    return nil
  }

  /// The projects with a remote that have backups which a project without one would take for its own: a repository and
  /// its forks have the same root commit.
  func projects(of project: ProjectIdentity, _ selection: BackupSelection) throws(CRSError) -> [ProjectIdentity] {
    if project.hasRemote { return [] }
    var projects: [ProjectIdentity] = []
    for backup in Self.listing(try entries(), of: project).backups
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

  /// The same, without those whose payload is missing or is not what their metadata say: these are failures. Nothing is
  /// unpacked.
  /// - Complexity: reads each payload once.
  public func checked(_ listing: Listing) throws(CRSError) -> Listing {
    var checked = Listing()
    checked.failures = listing.failures
    for stored in listing.backups {
      do throws(CRSError) {
        _ = try backup(stored)
        checked.backups.append(stored)
      } catch {
        guard Self.isOfOne(error) else { throw error }
        checked.failures.append(Failure(stamp: stored.stamp, metadata: stored.metadata, error: error))
      }
    }
    checked.failures.sort { $0.stamp > $1.stamp }
    return checked
  }

  /// Whether a failure is of that one backup and stops no other: damage of git's own object is a failure of storage.
  private static func isOfOne(_ error: CRSError) -> Bool {
    [.corrupted, .notFound, .badData, .storage].contains(error.code)
  }

  /// The state of one backup, verified.
  public func state(of stored: StoredBackup) throws(CRSError) -> ReasoningState { try backup(stored).state() }

  private func backup(_ stored: StoredBackup) throws(CRSError) -> Backup {
    let bytes = try replicating { () throws(ReplicationError) in try store.blob(stored.metadata.digest) }
    guard let bytes else {
      throw CRSError(.notFound, "the store does not hold the backup \(stored.metadata.digest.prefix(12))")
    }
    return try Backup(bytes, metadata: stored.metadata)
  }

  /// The newest backup of each host, and the entries that cannot be read.
  public func newest(of project: ProjectIdentity) throws(CRSError) -> Listing {
    var listing = Self.listing(try entries(), of: project)
    var seen: Set<ByteString> = []
    listing.backups = listing.backups.filter { seen.insert($0.stamp.host).inserted }
    return listing
  }

  /// Every backup there ever was in the store.
  public func history(of project: ProjectIdentity) throws(CRSError) -> Listing {
    let own = try entries().map { BackupEntry($0) }.filter { $0.names(project) }
    let ids = own.reduce(into: [BackupEntry.id(of: project.key)] as Set) { $0.formUnion($1.ids) }
    let versions = try replicating { () throws(ReplicationError) in
      try store.recordVersions(of: ids, kind: Self.kind)
    }
    return Self.listing(own.map(\.entry) + versions.map(\.entry), of: project)
  }

  /// All that are backups, and those that were changed until their kind does not say so any more.
  private func entries() throws(CRSError) -> [Entry] {
    try replicating { () throws(ReplicationError) in
      try store.records { BackupEntry.isMeant(by: $0) }.map(\.entry)
    }
  }

  /// Reads entries; each stamp once.
  private static func listing(_ entries: [Entry], of project: ProjectIdentity) -> Listing {
    var listing = Listing()
    var backups: Set<StoredBackup> = []
    var failures: Set<Stamp> = []
    for entry in entries where entry.isLive {
      let read = BackupEntry(entry)
      do throws(CRSError) {
        let stored = try read.stored()
        guard stored.project.isSameProject(as: project), backups.insert(stored).inserted else { continue }
        listing.backups.append(stored)
      } catch {
        guard read.names(project), failures.insert(entry.metadata.stamp).inserted else { continue }
        listing.failures.append(Failure(stamp: entry.metadata.stamp, metadata: nil, error: error))
      }
    }
    listing.backups.sort { $0.stamp > $1.stamp }
    listing.failures.sort { $0.stamp > $1.stamp }
    return listing
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
