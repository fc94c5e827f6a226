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

  /// Only what that project of this host saved.
  var ownership: ProjectOwnership?

  /// Whether only the newest of each host can be meant.
  var isNewest: Bool { at == nil && generation == nil }

  /// Whether one of which nothing but its stamp can be read may be meant.
  func mayMean(_ stamp: Stamp) -> Bool { (host == nil || stamp.host == host) && at.map { stamp.instant <= $0 } ?? true }

  func accepts(_ backup: StoredBackup) -> Bool {
    (host == nil || backup.stamp.host == host) && at.map { backup.metadata.created <= $0 } ?? true
      && generation.map { backup.metadata.generation == $0 } ?? true && ownership?.holds(backup.project) ?? true
  }
}

/// Backups of reasoning states in the store, where `crdt-backup` carries them to the other hosts.
public struct BackupStore {
  public static let kind: ByteString = "crs-backup"
  private let store: Store
  let known: [ProjectIdentity]

  /// - Parameter known: the projects of this host, which are told apart.
  public init(_ store: Store, known: [ProjectIdentity] = []) {
    self.store = store
    self.known = known
  }

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
      content.member("names_sha256", BackupEntry.seal(of: [project.key] + project.aliases.sorted()))
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

  /// The newest good backup of each host that is wanted, of each name that it saves the project under. One that is
  /// damaged, or of a version that is not known here, is passed over for the same host's one before it.
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
        guard Self.isOfOne(error) else { throw error }
        found.failures.append(Failure(stamp: stored.stamp, metadata: stored.metadata, error: error))
      }
    }
    return nil
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

  /// The same, without those whose payload is missing or is not what their metadata say: these are failures. Nothing is
  /// unpacked.
  /// - Complexity: reads each payload once.
  public func checked(_ listing: Listing) throws(CRSError) -> Listing {
    var checked = Listing()
    checked.failures = listing.failures
    checked.unclear = listing.unclear
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

  /// The newest backup of each host and name, and the entries that cannot be read.
  public func newest(of project: ProjectIdentity, _ selection: BackupSelection = BackupSelection()) throws(CRSError)
    -> Listing
  {
    var listing = listing(try entries(), of: project)
    var seen: Set<Source> = []
    listing.backups = listing.backups.filter { selection.accepts($0) && seen.insert(Source(of: $0)).inserted }
    return listing
  }

  /// Every backup there ever was in the store.
  public func history(of project: ProjectIdentity) throws(CRSError) -> Listing {
    let entries = try entries()
    let membership = membership(of: project, entries)
    let own = entries.map { BackupEntry($0) }.filter { $0.names { membership.answer($0) != .other } }
    let ids = own.reduce(into: [BackupEntry.id(of: project.key)] as Set) { $0.formUnion($1.ids) }
    let versions = try replicating { () throws(ReplicationError) in
      try store.recordVersions(of: ids, kind: Self.kind)
    }
    return listing(own.map(\.entry) + versions.map(\.entry), of: project, membership)
  }

  /// All that are backups, and those that were changed until their kind does not say so any more.
  func entries() throws(CRSError) -> [Entry] {
    try replicating { () throws(ReplicationError) in
      try store.records { BackupEntry.isMeant(by: $0) }.map(\.entry)
    }
  }

  private func membership(of project: ProjectIdentity, _ entries: [Entry]) -> ProjectMembership {
    ProjectMembership(
      of: project, among: entries.filter(\.isLive).compactMap { BackupEntry($0).agreedProject }, known: known)
  }

  /// Reads entries; each stamp once.
  func listing(_ entries: [Entry], of project: ProjectIdentity, _ membership: ProjectMembership? = nil)
    -> Listing
  {
    let membership = membership ?? self.membership(of: project, entries)
    // A host's own backup of that very id is what its next one takes the place of, whoever else has that root commit; so
    // are those before one that is known to be the project's.
    var own: Set<RecordPlace> = []
    if let host = store.settings.host { own.insert(RecordPlace(id: BackupEntry.id(of: project.key), host: host.bytes)) }
    for entry in entries {
      guard let agreed = BackupEntry(entry).agreedProject, membership.answer(agreed) == .member else { continue }
      own.insert(RecordPlace(of: entry))
    }
    var listing = Listing()
    var backups: Set<StoredBackup> = []
    var failures: Set<Stamp> = []
    for entry in entries where entry.isLive {
      let read = BackupEntry(entry)
      do throws(CRSError) {
        let stored = try read.stored()
        var answer = membership.answer(stored.project)
        if answer == .unclear, own.contains(RecordPlace(of: entry)) { answer = .member }
        guard answer != .other, backups.insert(stored).inserted else { continue }
        if answer == .member { listing.backups.append(stored) } else { listing.unclear.append(stored) }
      } catch {
        guard read.names({ membership.answer($0) == .member }), failures.insert(entry.metadata.stamp).inserted else {
          continue
        }
        listing.failures.append(Failure(stamp: entry.metadata.stamp, metadata: nil, error: error))
      }
    }
    listing.backups.sort { $0.stamp > $1.stamp }
    listing.unclear.sort { $0.stamp > $1.stamp }
    listing.failures.sort { $0.stamp > $1.stamp }
    return listing
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
