import CRDT
import Memory

/// What an entry of the store says that is a backup, or was one before somebody changed it.
///
/// Its unique_id, its `id`, its `project` and its metadata name the project each for themselves; the metadata have a
/// checksum, and so have all names together. One that does not agree with itself is of no project: it is told to every project that it names, and joined
/// into none.
struct BackupEntry {
  let entry: Entry
  private let fields: [ByteString: JSONReader.Value]

  static let prefix = Array("crs:".utf8)

  static func id(of key: ByteString) -> ByteString { ByteString(bytes: prefix + key.bytes) }

  /// Whether an entry is a backup by its kind, or by everything but its kind.
  static func isMeant(by entry: Entry) -> Bool {
    if entry.metadata.kind == BackupStore.kind { return true }
    guard entry.id.bytes.starts(with: prefix) else { return false }
    let metadata = BackupEntry(entry).metadata
    return metadata?["kind"]?.text.map { ByteString(bytes: $0) } == "crs-backup-metadata"
  }

  init(_ entry: Entry) {
    self.entry = entry
    fields = (try? JSONReader.object(entry.content)) ?? [:]
  }

  /// The backup, where all that names its project agrees.
  /// - Throws: `corrupted`; `versionMismatch` for an undamaged one of another version.
  func stored() throws(CRSError) -> StoredBackup {
    guard entry.metadata.kind == BackupStore.kind else {
      throw damaged(entry.metadata.kind.map { "it is of kind \($0)" } ?? "it has no kind")
    }
    guard let project = named, let raw = fields["metadata"]?.bytes else {
      throw CRSError(.corrupted, "the entry \(entry.id) is no backup: members are missing")
    }
    let metadata = try BackupMetadata(raw + [0x0A])
    guard hasGoodNames else { throw damaged("its names fail their checksum") }
    for id in ids {
      guard Self.name(in: id) == project.key else { throw damaged("it says that it is of \(project.key)") }
    }
    let sealed = Self.safe(metadata.project)
    guard project.names.contains(sealed) else { throw damaged("its metadata is of \(sealed)") }
    return StoredBackup(stamp: entry.metadata.stamp, metadata: metadata, project: project)
  }

  /// Whether any of the projects that it names is meant.
  func names(_ isMeant: (ProjectIdentity) -> Bool) -> Bool { projects.contains(where: isMeant) }

  /// The project it is of, where it agrees with itself, or another version wrote it.
  var agreedProject: ProjectIdentity? {
    do throws(CRSError) {
      return try stored().project
    } catch {
      return error.code == .versionMismatch ? named : nil
    }
  }

  /// The ids it goes by: the one of its unique_id, and the one it says.
  var ids: Set<ByteString> {
    Set([entry.id, fields["id"]?.text.map { ByteString(bytes: $0) }].compactMap(\.self))
  }

  /// Whether this is what a host wrote as its backup of a project, changed so that the next one does not take its place.
  func isStray(of project: ProjectIdentity, host: HostName) -> Bool {
    let id = Self.id(of: project.key)
    guard entry.isLive, UniqueID(entry.metadata.uniqueID)?.host == host,
      entry.id != id || entry.metadata.kind != BackupStore.kind
    else { return false }
    do throws(CRSError) {
      _ = try stored()
      return false
    } catch {
      guard error.code == .corrupted else { return false }
    }
    let sealed = fields["metadata"].flatMap { try? BackupMetadata($0.bytes + [0x0A]) }
    guard let sealed else { return entry.id == id }
    // A root commit is that of forks, too.
    let name = Self.safe(sealed.project)
    return name == project.key || (name.bytes.starts(with: "git:".utf8) && project.names.contains(name))
  }

  private var metadata: [ByteString: JSONReader.Value]? {
    fields["metadata"].flatMap { try? JSONReader.object($0.bytes) }
  }

  /// The project that its member says.
  private var named: ProjectIdentity? {
    fields["project"]?.text.map { ProjectIdentity(key: ByteString(bytes: $0), aliases: aliases).withoutSecrets() }
  }

  private var aliases: [ByteString] {
    fields["aliases"]?.elements.compactMap { $0.text.map { ByteString(bytes: $0) } } ?? []
  }

  /// What says that no name was changed, left out or added: each with its length, hashed.
  static func seal(of names: [ByteString]) -> String {
    EntryIdentity.hexDigest(of: names.flatMap { Array("\($0.bytes.count):".utf8) + $0.bytes })
  }

  /// Also of an entry that an older version wrote, which has no checksum of its names.
  private var hasGoodNames: Bool {
    guard let seal = fields["names_sha256"] else { return true }
    let key = fields["project"]?.text.map { ByteString(bytes: $0) }
    return seal.text.map { $0.elementsEqual(Self.seal(of: [key].compactMap(\.self) + aliases).utf8) } ?? false
  }

  /// Each project that it names, in whatever way.
  private var projects: [ProjectIdentity] {
    let keys = ids.map(Self.name(in:)) + [metadata?["project"]?.text.map { Self.safe(ByteString(bytes: $0)) }]
    return [named].compactMap(\.self) + keys.compactMap(\.self).map { ProjectIdentity(key: $0) }
  }

  private static func name(in id: ByteString) -> ByteString? {
    id.bytes.starts(with: prefix) ? safe(ByteString(bytes: Array(id.bytes.dropFirst(prefix.count)))) : nil
  }

  /// A project's name without what an older version left in it.
  private static func safe(_ name: ByteString) -> ByteString { ProjectIdentity(key: name).withoutSecrets().key }

  private func damaged(_ how: String) -> CRSError {
    let id = Self.name(in: entry.id).map(Self.id(of:)) ?? entry.id
    return CRSError(.corrupted, "the entry \(id) was changed: \(how)")
  }
}

extension ProjectIdentity {
  /// The same, known by one name more.
  func alsoKnown(as name: ByteString) -> ProjectIdentity {
    names.contains(name) ? self : ProjectIdentity(key: key, aliases: (aliases + [name]).sorted())
  }
}
