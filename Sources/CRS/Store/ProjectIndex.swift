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

  /// Reads the index; a new one where there is none.
  /// - Throws: `corrupted` when it cannot be read: the folders of the projects hold everything.
  public init(dataFolder: String, fileSystem: any FileSystem) throws(CRSError) {
    self.dataFolder = dataFolder
    let path = dataFolder + "/crs/index.json"
    guard let bytes = try storing({ () throws(StorageError) in try fileSystem.read(path, limitBytes: 1 << 26) }) else {
      return
    }
    do throws(CRSError) {
      projects = try Self.read(bytes)
    } catch {
      throw CRSError(
        .corrupted, "\(path): \(error.message)",
        remedy: "The projects' folders hold everything; move the file away and it is made anew")
    }
  }

  /// The project of that name: by its key, or by a name it has in common with one here.
  public func project(_ identity: ProjectIdentity) -> Project? {
    let names = Set([identity.key] + identity.aliases)
    return projects.first { $0.identity.key == identity.key }
      ?? projects.first { !$0.identity.sharedNames.isDisjoint(with: identity.sharedNames) }
      // A folder that got a remote or a name only later.
      ?? (identity.key.bytes.starts(with: "name:".utf8)
        ? nil
        : projects.first {
          !$0.identity.key.bytes.starts(with: "name:".utf8) && !names.isDisjoint(with: $0.identity.aliases)
        })
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
    _ = try storing { () throws(StorageError) in try context.fileSystem.replaceIfChanged(path, with: bytes) }
    return project
  }

  private var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("schema", 1)
      writer.array("projects") { writer in
        for project in projects {
          writer.object { writer in
            writer.member("folder", project.folder)
            writer.member("key", project.identity.key)
            writer.array("aliases") { writer in
              for alias in project.identity.aliases { writer.element(alias) }
            }
          }
        }
      }
    }
    return writer.bytes + [0x0A]
  }

  private static func read(_ bytes: [UInt8]) throws(CRSError) -> [Project] {
    var projects: [Project] = []
    var cursor = JSONCursor(bytes)
    try cursor.object { name, cursor throws(CRSError) in
      guard name == "projects" else { return try cursor.skipValue() }
      try cursor.array { cursor throws(CRSError) in
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
        projects.append(
          Project(
            identity: ProjectIdentity(key: try cursor.required(key, "key"), aliases: aliases),
            folder: name.description))
      }
    }
    try cursor.end()
    return projects
  }
}
