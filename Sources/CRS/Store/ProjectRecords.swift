import CRDT
import Durability
import Memory

/// What the data folder says of its projects.
///
/// Each project's folder has a record of its names, sealed by a digest. The index holds the same records: it is a copy, and
/// counts only for a folder whose own record is missing or damaged.
struct ProjectRecords {
  private(set) var projects: [ProjectIndex.Project] = []
  /// Folders that hold a state and do not tell whose, and why not.
  private(set) var unknownFolders: [(folder: String, reason: CRSError)] = []

  private let root: String
  private let fileSystem: any FileSystem

  /// - Parameter root: `crs` below the data folder.
  /// - Throws: where it cannot be read; damage is ``unknownFolders``.
  init(in root: String, _ fileSystem: any FileSystem) throws(CRSError) {
    self.root = root
    self.fileSystem = fileSystem
    let folders = try Self.folders(in: root, fileSystem)
    let index = try Self.index(root + "/index.json", fileSystem)
    for folder in folders { take(folder, index.first { $0.project.folder == folder }) }
    for entry in index where !folders.contains(entry.project.folder) {
      // A folder that says it has that key is at another place than the index has it.
      if !projects.contains(where: { $0.identity.key == entry.project.identity.key }) { projects.append(entry.project) }
    }
    projects.sort { $0.folder < $1.folder }
  }

  private static func folders(in root: String, _ fileSystem: any FileSystem) throws(CRSError) -> [String] {
    do throws(StorageError) {
      return try fileSystem.list(root).filter { $0.utf8.count == 16 && $0.allSatisfy(\.isHexDigit) }
    } catch {
      // A file stands where a folder would: nothing is kept there, and making it says why it cannot be.
      guard error.code == .notFound else { throw CRSError(error) }
      return []
    }
  }

  private mutating func take(_ folder: String, _ entry: ProjectRecord?) {
    let place = ProjectFolder(root + "/" + folder)
    var reason = CRSError(.corrupted, "there is no project.json")
    do throws(CRSError) {
      if let bytes = try read(place.identity) {
        var record = try ProjectRecord(bytes)
        guard record.project.folder == folder else {
          throw CRSError(.corrupted, "its project.json is of another folder")
        }
        if !record.isSealed {
          // Written by an older version: the key vouches for itself, the index for the other names.
          guard record.isNamedByKey || entry?.project.identity.key == record.project.identity.key else {
            throw CRSError(.corrupted, "its project.json is damaged: the key is not that of the folder")
          }
          let others = entry?.project.identity.aliases ?? []
          record.project.identity.aliases = Set(record.project.identity.aliases + others).sorted()
        }
        return projects.append(record.project)
      }
      if let entry { return projects.append(entry.project) }
      for path in [place.metadata, place.previousMetadata] {
        guard let bytes = try read(path), let metadata = try? BackupMetadata(bytes) else { continue }
        let identity = ProjectIdentity(key: metadata.project).withoutSecrets()
        return projects.append(ProjectIndex.Project(identity: identity, folder: folder))
      }
    } catch {
      if let entry { return projects.append(entry.project) }
      reason = error
    }
    if holdsState(place) { unknownFolders.append((folder, reason)) }
  }

  private func read(_ path: String) throws(CRSError) -> [UInt8]? {
    try storing { () throws(StorageError) in try fileSystem.read(path, limitBytes: 1 << 26) }
  }

  /// Whether something is there that would be missed; what cannot be looked at may be.
  private func holdsState(_ place: ProjectFolder) -> Bool {
    [place.journal, place.latestBackup, place.previousBackup, place.losses].contains { path in
      do throws(StorageError) {
        return try fileSystem.information(path) != nil
      } catch {
        return error.code != .notFound
      }
    }
  }

  // MARK: The index

  /// The good records of the index; of one that cannot be read, none: the folders have them, too.
  /// - Throws: where the file is there and not to be read.
  private static func index(_ path: String, _ fileSystem: any FileSystem) throws(CRSError) -> [ProjectRecord] {
    let bytes: [UInt8]?
    do throws(StorageError) {
      bytes = try fileSystem.read(path, limitBytes: 1 << 26)
    } catch {
      guard error.code == .notFound else { throw CRSError(error) }
      return []
    }
    var records: [ProjectRecord] = []
    var cursor = JSONCursor(bytes ?? [])
    do throws(CRSError) {
      try cursor.object { name, cursor throws(CRSError) in
        guard name == "projects" else { return try cursor.skipValue() }
        try cursor.array { cursor throws(CRSError) in
          let bytes = try cursor.raw()
          if let record = try? ProjectRecord(bytes) { records.append(record) }
        }
      }
    } catch {
      return []
    }
    return records
  }

  static func index(of projects: [ProjectIndex.Project]) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("schema", 1)
      writer.array("projects") { writer in
        for project in projects { writer.rawElement(ProjectRecord.bytes(of: project)) }
      }
    }
    return writer.bytes + [0x0A]
  }
}

/// The names of a project and its folder, as kept in the folder and in the index.
struct ProjectRecord {
  var project: ProjectIndex.Project
  /// Whether a digest says that it is what was written.
  let isSealed: Bool
  /// Whether the folder is named by the key, as it is when made; one that looked like a secret is not told any more.
  let isNamedByKey: Bool

  /// - Throws: `corrupted` where it is not what was written.
  init(_ bytes: [UInt8]) throws(CRSError) {
    var folder: ByteString?
    var key: ByteString?
    var aliases: [ByteString] = []
    var seal: ByteString?
    var cursor = JSONCursor(bytes)
    do throws(CRSError) {
      try cursor.object { name, cursor throws(CRSError) in
        switch name {
        case "folder": folder = try cursor.string()
        case "key": key = try cursor.string()
        case "aliases": aliases = try cursor.strings()
        case "sha256": seal = try cursor.string()
        default: try cursor.skipValue()
        }
      }
      try cursor.end()
    } catch {
      throw CRSError(.corrupted, "its project.json is damaged: \(error.message)")
    }
    guard let folder, let key, !folder.isEmpty, !folder.bytes.contains(0x2F), folder != "..", folder != "." else {
      throw CRSError(.corrupted, "its project.json is damaged: it names no folder or no key")
    }
    let written = ProjectIdentity(key: key, aliases: aliases)
    if let seal {
      let unsealed = Self.unsealed(ProjectIndex.Project(identity: written, folder: folder.description))
      guard seal == ByteString(EntryIdentity.hexDigest(of: unsealed)) else {
        throw CRSError(.corrupted, "its project.json is damaged: the digest is not that of what it says")
      }
    }
    isSealed = seal != nil
    isNamedByKey = written.folderName == folder.description || key.bytes.starts(with: "git:sha256:".utf8)
    project = ProjectIndex.Project(identity: written.withoutSecrets(), folder: folder.description)
  }

  /// One JSON object whose last member is the SHA-256 of the object without it.
  static func bytes(of project: ProjectIndex.Project) -> [UInt8] {
    let unsealed = unsealed(project)
    return unsealed.dropLast() + Array((#","sha256":""# + EntryIdentity.hexDigest(of: unsealed) + "\"}").utf8)
  }

  private static func unsealed(_ project: ProjectIndex.Project) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("folder", project.folder)
      writer.member("key", project.identity.key)
      writer.array("aliases") { writer in
        for alias in project.identity.aliases { writer.element(alias) }
      }
    }
    return writer.bytes
  }
}
