import CRDT
import Durability
import Memory

/// `crs/index.json` below the data folder: which projects are kept here, under which names.
public struct ProjectIndex: Sendable {
  public struct Project: Hashable, Sendable {
    public var identity: ProjectIdentity
    /// Its folder below `crs`.
    public var folder: String
  }

  public private(set) var projects: [Project] = []
  private let dataFolder: String

  private var path: String { dataFolder + "/crs/index.json" }

  /// Reads the index; where there is none, it is made from the projects' folders.
  /// - Throws: `corrupted` when it cannot be read.
  public init(dataFolder: String, fileSystem: any FileSystem) throws(CRSError) {
    self.dataFolder = dataFolder
    let path = dataFolder + "/crs/index.json"
    let read: [UInt8]?
    do throws(StorageError) {
      read = try fileSystem.read(path, limitBytes: 1 << 26)
    } catch {
      // A file stands where a folder would: nothing is kept there, and making it says why it cannot be.
      guard error.code == .notFound else { throw CRSError(error) }
      read = nil
    }
    guard let bytes = read else {
      projects = try Self.found(in: dataFolder + "/crs", fileSystem)
      return
    }
    do throws(CRSError) {
      projects = try Self.read(bytes)
    } catch {
      throw CRSError(
        .corrupted, "\(path): \(error.message)",
        remedy: "Move the file away: it is made anew from the projects' folders, which hold their states and names")
    }
  }

  /// The project that is meant: by its key, else by another name that means the same on every host, else by its folder
  /// and root commit, as after a change of its remote. A folder alone means nothing: another repository may be in it now.
  public func project(_ identity: ProjectIdentity) -> Project? {
    if let project = projects.first(where: { $0.identity.key == identity.key }) { return project }
    let same = projects.filter { $0.identity.isSameProject(as: identity) }
    // A repository without a remote may have the root commit of several that have one.
    return same.first { $0.identity.isAtSamePath(as: identity) } ?? same.first
      ?? projects.first { $0.identity.isSameCheckout(as: identity) }
  }

  /// Where a project's state is.
  public func folder(of project: Project) -> ProjectFolder { ProjectFolder(dataFolder + "/crs/" + project.folder) }

  /// Takes the project up, with all names it has; writes when something is new.
  public mutating func register(_ identity: ProjectIdentity, context: CRSContext) throws(CRSError) -> Project {
    let folder = dataFolder + "/crs"
    try storing { () throws(StorageError) in try context.fileSystem.createFolder(folder) }
    let lock = try storing { () throws(StorageError) in
      try FileLock.acquire(folder + "/index.lock", waitSeconds: context.lockWaitSeconds)
    }
    defer { extendLifetime(lock) }
    self = try ProjectIndex(dataFolder: dataFolder, fileSystem: context.fileSystem)
    var project = project(identity) ?? Project(identity: identity, folder: identity.folderName)
    var names = Set(project.identity.aliases).union(identity.aliases)
    if project.identity.key != identity.key { names.insert(identity.key) }
    project.identity.aliases = names.sorted()
    projects.removeAll { $0.folder == project.folder }
    projects.append(project)
    projects.sort { $0.folder < $1.folder }
    let bytes = self.bytes
    let path = path
    let place = self.folder(of: project)
    var writer = JSONWriter()
    Self.write(project, &writer)
    let own = writer.bytes + [0x0A]
    try storing { () throws(StorageError) in
      // First where the state is, from which the index can be made again.
      try context.fileSystem.createFolder(place.path)
      _ = try context.fileSystem.replaceIfChanged(place.identity, with: own)
      _ = try context.fileSystem.replaceIfChanged(path, with: bytes)
    }
    return project
  }

  /// The projects of which there are folders, by what these say of their names.
  private static func found(in folder: String, _ fileSystem: any FileSystem) throws(CRSError) -> [Project] {
    let names: [String]
    do throws(StorageError) {
      names = try fileSystem.list(folder)
    } catch {
      if error.code == .notFound { return [] }
      throw CRSError(error)
    }
    var projects: [Project] = []
    for name in names where name.utf8.count == 16 && name.allSatisfy(\.isHexDigit) {
      let place = ProjectFolder(folder + "/" + name)
      func read(_ path: String) throws(CRSError) -> [UInt8]? {
        try storing { () throws(StorageError) in try fileSystem.read(path, limitBytes: 1 << 26) }
      }
      if let bytes = try read(place.identity), let project = try? Self.project(bytes), project.folder == name {
        projects.append(project)
        continue
      }
      for path in [place.metadata, place.previousMetadata] {
        guard let bytes = try read(path), let metadata = try? BackupMetadata(bytes) else { continue }
        projects.append(Project(identity: ProjectIdentity(key: metadata.project).withoutSecrets(), folder: name))
        break
      }
      // One that says nothing is found by its name, the digest of its key.
    }
    return projects
  }

  private static func project(_ bytes: [UInt8]) throws(CRSError) -> Project {
    var cursor = JSONCursor(bytes)
    let project = try project(&cursor)
    try cursor.end()
    return project
  }

  private var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("schema", 1)
      writer.array("projects") { writer in
        for project in projects { Self.write(project, &writer) }
      }
    }
    return writer.bytes + [0x0A]
  }

  private static func read(_ bytes: [UInt8]) throws(CRSError) -> [Project] {
    var projects: [Project] = []
    var cursor = JSONCursor(bytes)
    try cursor.object { name, cursor throws(CRSError) in
      guard name == "projects" else { return try cursor.skipValue() }
      try cursor.array { cursor throws(CRSError) in projects.append(try project(&cursor)) }
    }
    try cursor.end()
    return projects
  }

  private static func write(_ project: Project, _ writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("folder", project.folder)
      writer.member("key", project.identity.key)
      writer.array("aliases") { writer in
        for alias in project.identity.aliases { writer.element(alias) }
      }
    }
  }

  private static func project(_ cursor: inout JSONCursor) throws(CRSError) -> Project {
    var folder: ByteString?
    var key: ByteString?
    var aliases: [ByteString] = []
    try cursor.object { name, cursor throws(CRSError) in
      switch name {
      case "folder": folder = try cursor.string()
      case "key": key = try cursor.string()
      case "aliases": aliases = try cursor.strings()
      default: try cursor.skipValue()
      }
    }
    let name = try cursor.required(folder, "folder")
    guard !name.isEmpty, !name.bytes.contains(0x2F), name != "..", name != "." else {
      throw cursor.failure("'\(name)' is no folder of a project")
    }
    let identity = ProjectIdentity(key: try cursor.required(key, "key"), aliases: aliases)
    return Project(identity: identity.withoutSecrets(), folder: name.description)
  }
}
