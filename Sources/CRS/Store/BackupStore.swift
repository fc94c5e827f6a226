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

  /// Only of repositories without a remote.
  var isAnonymous = false

  /// Whether only the newest of each host can be meant.
  var isNewest: Bool { at == nil && generation == nil }

  /// Whether one of which nothing but its stamp can be read may be meant.
  func mayMean(_ stamp: Stamp) -> Bool { (host == nil || stamp.host == host) && at.map { stamp.instant <= $0 } ?? true }

  func accepts(_ backup: StoredBackup) -> Bool {
    (host == nil || backup.stamp.host == host) && at.map { backup.metadata.created <= $0 } ?? true
      && generation.map { backup.metadata.generation == $0 } ?? true && (!isAnonymous || backup.project.isAnonymous)
  }
}

/// Backups of reasoning states in the store, where `crdt-backup` carries them to the other hosts.
public struct BackupStore {
  public static let kind: ByteString = "crs-backup"
  private let store: Store
  private let known: [ProjectIdentity]

  /// - Parameter known: the projects of this host, which are told apart.
  public init(_ store: Store, known: [ProjectIdentity] = []) {
    self.store = store
    self.known = known
  }

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
    /// Backups of a repository without a remote that may be of this project or of others with its root commit, newest
    /// first.
    public var unclear: [StoredBackup] = []

    public init() {}
  }

  /// What a look for good backups found.
  public struct Found: Sendable {
    /// The newest good backup of each host and name, newest first.
    public var backups: [(stored: StoredBackup, state: ReasoningState)] = []
    /// Backups that were passed over.
    public var failures: [Failure] = []
    /// Those of which it is not clear whether they are of this project: taken only where their host is chosen.
    public var unclear: [StoredBackup] = []
  }

  /// The newest good backup of each host that is wanted, of each name that it saves the project under. One that is damaged, or of a version that is not known here, is
  /// passed over for the same host's one before it.
  public func load(_ project: ProjectIdentity, _ selection: BackupSelection = BackupSelection()) throws(CRSError)
    -> Found
  {
    var found = Found()
    let listing = try selection.isNewest ? newest(of: project, selection) : history(of: project)
    var sources: [Source: [StoredBackup]] = [:]
    for backup in listing.backups where selection.accepts(backup) {
      sources[Source(of: backup), default: []].append(backup)
    }
    found.failures = listing.failures.filter { selection.mayMean($0.stamp) }
    let unclear = listing.unclear.filter(selection.accepts)
    if selection.host != nil, sources.isEmpty, found.failures.isEmpty {
      for backup in unclear { sources[Source(of: backup), default: []].append(backup) }
    } else {
      found.unclear = unclear
    }
    // Of which name an entry is that cannot be read is not known: any that its host has no other good one of.
    let unreadHosts = Set(found.failures.map(\.stamp.host))
    var older: Listing?
    func before(_ isMeant: (StoredBackup) -> Bool) throws(CRSError) -> [StoredBackup] {
      guard selection.isNewest else { return [] }
      if older == nil { older = try history(of: project) }
      return (older ?? Listing()).backups.filter { selection.accepts($0) && isMeant($0) }
    }
    for (source, candidates) in sources.sorted(by: { $0.key < $1.key }) {
      var good = try firstGood(of: candidates, &found)
      if good == nil {
        good = try firstGood(of: try before { Source(of: $0) == source && !candidates.contains($0) }, &found)
      }
      if let good { found.backups.append(good) }
    }
    for host in unreadHosts.sorted() {
      let known = Set(sources.keys.filter { $0.host == host })
      let rest = try before { $0.stamp.host == host && !known.contains(Source(of: $0)) }
      if let good = try firstGood(of: rest, &found) { found.backups.append(good) }
    }
    found.backups.sort { $0.stored.stamp > $1.stored.stamp }
    return found
  }

  /// A host, and the name under which it saves: what it saved under two names may be of two states.
  private struct Source: Hashable, Comparable {
    var host: ByteString
    var key: ByteString

    init(of backup: StoredBackup) {
      host = backup.stamp.host
      key = backup.project.key
    }

    static func < (left: Source, right: Source) -> Bool { (left.host, left.key) < (right.host, right.key) }
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
    guard project.isAnonymous else { return [] }
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    let wanted = listing(records.map(\.entry), of: project).backups.filter(selection.accepts)
    return ProjectMembership.projects(wanted.map(\.project))
  }

  /// - Throws: `usage` where what is wanted is of several projects.
  public func demandOneProject(_ project: ProjectIdentity, _ selection: BackupSelection) throws(CRSError) {
    let projects = try projects(of: project, selection)
    guard projects.count > 1 else { return }
    let keys = projects.map(\.tellingName.shownName).sorted().joined(separator: " and ")
    throw CRSError(
      .usage, "the root commit of this repository, which has no remote, is that of \(keys)",
      remedy: "Nothing was loaded. Give it the remote of the one that is meant, or choose a host with --host")
  }

  /// - Throws: `notFound` where no backup is wanted, readable or not; `usage` where the wanted are of several projects.
  public func demand(_ project: ProjectIdentity, _ selection: BackupSelection) throws(CRSError) {
    try demandOneProject(project, selection)
    let listing = try selection.isNewest ? newest(of: project) : history(of: project)
    guard
      listing.backups.contains(where: { selection.accepts($0) })
        || listing.failures.contains(where: { selection.mayMean($0.stamp) })
    else {
      let unclear = listing.unclear.filter(selection.accepts)
      if selection.host != nil, !unclear.isEmpty { return }
      throw Self.nothing(of: project, unclear)
    }
  }

  static func nothing(of project: ProjectIdentity, _ unclear: [StoredBackup] = []) -> CRSError {
    if let first = unclear.first {
      return CRSError(
        .usage, "\(first.name) may be of \(project.tellingName.shownName) or of another project of its root commit",
        remedy: "Nothing was loaded. Where it is of this one, choose it with --host \(first.stamp.host)")
    }
    return CRSError(
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

  /// The newest backup of each host and name, and the entries that cannot be read.
  public func newest(of project: ProjectIdentity, _ selection: BackupSelection = BackupSelection()) throws(CRSError)
    -> Listing
  {
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    var listing = listing(records.map(\.entry), of: project)
    var seen: Set<Source> = []
    listing.backups = listing.backups.filter { selection.accepts($0) && seen.insert(Source(of: $0)).inserted }
    return listing
  }

  /// Every backup there ever was in the store.
  public func history(of project: ProjectIdentity) throws(CRSError) -> Listing {
    let records = try replicating { () throws(ReplicationError) in try store.records(ofKind: Self.kind) }
    let entries = records.map(\.entry)
    let membership = membership(of: project, entries)
    let own = entries.filter { membership.answer(Self.name(of: $0)) != .other }
    let ids = Set(own.map(\.id) + [Self.id(of: project)])
    let versions = try replicating { () throws(ReplicationError) in
      try store.recordVersions(of: ids, kind: Self.kind)
    }
    return listing(own + versions.map(\.entry), of: project, membership)
  }

  private func membership(of project: ProjectIdentity, _ entries: [Entry]) -> ProjectMembership {
    ProjectMembership(of: project, among: entries.filter(\.isLive).map(Self.name), known: known)
  }

  /// Reads entries; each stamp once.
  private func listing(_ entries: [Entry], of project: ProjectIdentity, _ membership: ProjectMembership? = nil)
    -> Listing
  {
    let membership = membership ?? self.membership(of: project, entries)
    // A host's own backup of that very id is what its next one takes the place of, whoever else has that root commit; so
    // are those before one that is known to be the project's.
    var own: Set<RecordPlace> = []
    if let host = store.settings.host { own.insert(RecordPlace(id: Self.id(of: project), host: host.bytes)) }
    for entry in entries where membership.answer(Self.name(of: entry)) == .member { own.insert(RecordPlace(of: entry)) }
    var listing = Listing()
    var backups: Set<StoredBackup> = []
    var failures: Set<Stamp> = []
    for entry in entries where entry.isLive {
      var answer = membership.answer(Self.name(of: entry))
      if answer == .unclear, own.contains(RecordPlace(of: entry)) { answer = .member }
      guard answer != .other else { continue }
      switch Self.read(entry) {
      case .success(let stored):
        guard backups.insert(stored).inserted else { continue }
        if answer == .member { listing.backups.append(stored) } else { listing.unclear.append(stored) }
      case .failure(let error):
        guard answer == .member, failures.insert(entry.metadata.stamp).inserted else { continue }
        listing.failures.append(Failure(stamp: entry.metadata.stamp, metadata: nil, error: error))
      }
    }
    listing.backups.sort { $0.stamp > $1.stamp }
    listing.unclear.sort { $0.stamp > $1.stamp }
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

/// The place of a record among those of a host: the next one that it writes there takes it.
private struct RecordPlace: Hashable {
  var id: ByteString
  var host: ByteString
}

extension RecordPlace {
  init(of entry: Entry) { self.init(id: entry.id, host: entry.metadata.stamp.host) }
}

extension StoredBackup {
  /// Which backup it is, for people.
  public var name: String {
    "the backup of \(stamp.host) of \(metadata.created), known as \(project.tellingName.shownName),"
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
