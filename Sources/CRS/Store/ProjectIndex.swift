import CRDT
import Durability
import Memory

/// Which projects are kept below the data folder, under which names: by the record in each one's folder, and by
/// `crs/index.json`, a copy of all of them.
public struct ProjectIndex: Sendable {
  public struct Project: Hashable, Sendable {
    public var identity: ProjectIdentity
    /// Its folder below `crs`.
    public var folder: String
  }

  /// By folder.
  public private(set) var projects: [Project]
  /// Folders that hold a state and do not tell whose, and why not.
  let unknownFolders: [(folder: String, reason: CRSError)]
  private let dataFolder: String

  private var root: String { dataFolder + "/crs" }

  /// Reads what the folders and the index say. Damage of one is made good by the other.
  /// - Throws: where they cannot be read.
  public init(dataFolder: String, fileSystem: any FileSystem) throws(CRSError) {
    self.dataFolder = dataFolder
    let records = try ProjectRecords(in: dataFolder + "/crs", fileSystem)
    projects = records.projects
    unknownFolders = records.unknownFolders
  }

  /// Where a project's state is.
  public func folder(of project: Project) -> ProjectFolder { ProjectFolder(root + "/" + project.folder) }

  /// Takes the project up, with all names it has; writes when something is new.
  ///
  /// A folder is that of the repository that was last used in it: another project that it was of has it no more.
  /// - Throws: `usage` where it is not clear which project is meant, or the choice does not fit; what looking it up and
  ///   writing throw.
  public mutating func register(_ identity: ProjectIdentity, as choice: Choice = .told, context: CRSContext)
    throws(CRSError) -> Project
  {
    // Nothing is made for what is refused.
    _ = try project(identity, choice)
    let root = root
    try storing { () throws(StorageError) in try context.fileSystem.createFolder(root) }
    let lock = try storing { () throws(StorageError) in
      try FileLock.acquire(root + "/index.lock", waitSeconds: context.lockWaitSeconds)
    }
    defer { extendLifetime(lock) }
    self = try ProjectIndex(dataFolder: dataFolder, fileSystem: context.fileSystem)
    var project = try project(identity, choice) ?? Project(identity: identity, folder: identity.folderName)
    project.identity = project.identity.known(as: identity)
    projects.removeAll { $0.folder == project.folder }
    try leaveFolder(of: identity, context)
    projects.append(project)
    projects.sort { $0.folder < $1.folder }
    let place = folder(of: project)
    try storing { () throws(StorageError) in
      // First where the state is, from which the index can be made again.
      try context.fileSystem.createFolder(place.path)
    }
    try context.replace(place.identity, with: ProjectRecord.bytes(of: project) + [0x0A])
    try context.replace(root + "/index.json", with: ProjectRecords.index(of: projects))
    return project
  }

  /// Takes the repository's folder from the projects that had it, and writes the records of all others anew that are not
  /// what they should be: damaged ones, and those of an older version.
  private mutating func leaveFolder(of identity: ProjectIdentity, _ context: CRSContext) throws(CRSError) {
    let paths = identity.names("path:")
    for index in projects.indices {
      var other = projects[index]
      // One with a given name is not found by a folder.
      let isLeft =
        !identity.isNamed && !other.identity.rootNames.isEmpty && !paths.isDisjoint(with: other.identity.aliases)
      if isLeft { other.identity.aliases.removeAll(where: paths.contains) }
      projects[index] = other
      let place = folder(of: other)
      do throws(CRSError) {
        // One that was removed is not made again.
        guard try storing({ () throws(StorageError) in try context.fileSystem.information(place.path) }) != nil else {
          continue
        }
        try context.replace(place.identity, with: ProjectRecord.bytes(of: other) + [0x0A])
      } catch {
        // The index has it; the others' folders may be another user's.
        if isLeft { throw error }
      }
    }
  }
}
