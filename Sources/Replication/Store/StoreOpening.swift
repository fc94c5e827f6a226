import CRDT
import Durability
import Git
import Memory

/// What a command line asks of a store's settings. `nil` leaves a setting as it is.
public struct StoreRequest: Sendable, Hashable {
  /// Absolute.
  public var folder: String
  /// Absolute.
  public var memory: String?
  /// A URL, or an absolute path.
  public var remote: String?
  public var branch: String?
  public var host: HostName?
  public var format: MemoryFormat?
  public var isWrittenBack: Bool?
  /// Makes the store where there is none, also without a memory file or a remote: for agent state.
  public var makesStore = false

  public init(folder: String) { self.folder = folder }

  /// True when nothing but the folder is given.
  public var isPlain: Bool { self == StoreRequest(folder: folder) }
}

extension Store {
  /// Opens the store in `folder`, and writes nothing.
  ///
  /// Throws `.noInput` when there is none, `.configuration` when a repository is there that is no store, or a first use
  /// was interrupted.
  public static func open(_ folder: String, effects: Effects) throws(ReplicationError) -> Store {
    switch try StorePlace.look(at: folder, effects: effects) {
    case .store(let store), .clone(let store): return store
    case .nothing:
      throw ReplicationError(.noInput, "\(folder): no store is there yet", remedy: "Set one up with: \(firstUse)")
    case .halfMade: throw interrupted(folder)
    case .vacant, .foreign: throw foreign(folder)
    }
  }

  /// Opens the store, or makes it where nothing is yet, and takes up the requested settings. What an interrupted first
  /// use left is completed.
  public static func openOrCreate(_ request: StoreRequest, effects: Effects) throws(ReplicationError) -> Store {
    let isFirstUse = request.memory != nil || request.remote != nil || request.makesStore
    var place = try StorePlace.look(at: request.folder, effects: effects)
    // Without options nothing can be completed here; but another process may be setting it up right now.
    for _ in 0..<40 {
      guard case .halfMade = place, !isFirstUse else { break }
      effects.sleepMilliseconds(25)
      place = try StorePlace.look(at: request.folder, effects: effects)
    }
    switch place {
    case .store(let store):
      if !request.isPlain { try store.locked { () throws(ReplicationError) in try store.take(request) } }
      return store
    case .clone(let store):
      try store.locked { () throws(ReplicationError) in
        try store.take(request)
        try store.set(versionKey, "1")
      }
      return store
    case .foreign: throw foreign(request.folder)
    case .halfMade where !isFirstUse: throw interrupted(request.folder)
    case .nothing, .vacant, .halfMade:
      guard isFirstUse else {
        throw ReplicationError(
          .usage, "there is no store in \(request.folder) yet, and nothing to make one for",
          remedy: "The first use names the memory and where it goes: \(firstUse)")
      }
      try checkBranch(request.branch)
      guard try makeFolders(request.folder, effects: effects) else {
        // Another first use was quicker.
        return try openOrCreate(request, effects: effects)
      }
      return try create(request, effects: effects)
    }
  }

  /// Makes the folders up to the one with the lock, which a first use holds from its first step on. Returns false when
  /// a repository has appeared meanwhile.
  private static func makeFolders(_ folder: String, effects: Effects) throws(ReplicationError) -> Bool {
    let files = effects.fileSystem
    let isOccupied: Bool
    do throws(StorageError) {
      let names = try files.information(folder) == nil ? [] : try files.list(folder)
      isOccupied = names.contains { $0 != ".git" }
      if isOccupied, try files.information(folder + "/.git") != nil { return false }
      if !isOccupied { try files.createFolder(StorePaths(folder: folder, gitFolder: folder + "/.git").privateFolder) }
    } catch {
      throw ReplicationError(
        error.code == .permission || error.code == .notOwned ? .permission : .cannotCreate,
        "the store cannot be created: \(error)", remedy: "Give another folder with --store")
    }
    guard !isOccupied else {
      throw ReplicationError(
        .cannotCreate, "\(folder) is not empty and not a store",
        remedy: "Nothing was changed there. Give another folder with --store")
    }
    return true
  }

  /// Makes the store, or completes one that was made by half. Its mark comes last: a store without it is not set up.
  private static func create(_ request: StoreRequest, effects: Effects) throws(ReplicationError) -> Store {
    let expected = StorePaths(folder: request.folder, gitFolder: request.folder + "/.git")
    let lock = try acquireLock(expected, StoreSettings().lockWaitSeconds, effects: effects)
    defer { extendLifetime(lock) }
    switch try StorePlace.look(at: request.folder, effects: effects) {
    case .store(let store), .clone(let store):
      // Another first use was quicker.
      try store.take(request)
      try store.set(versionKey, "1")
      return store
    case .foreign: throw foreign(request.folder)
    case .nothing, .vacant, .halfMade: break
    }
    try storing { () throws(StorageError) in
      // No run is alive here, and before there is a HEAD nobody else works in it.
      guard try effects.fileSystem.information(expected.gitFolder + "/HEAD") == nil else { return }
      for name in ["/HEAD.lock", "/config.lock"] { try effects.fileSystem.remove(expected.gitFolder + name) }
    }
    let repository = try replicating { () throws(GitError) in
      try LibGit2Repository.initialize(request.folder, branch: request.branch ?? StoreSettings().branch)
    }
    let store = try Store(
      repository: repository, paths: paths(of: repository, folder: request.folder), effects: effects)
    try store.take(request)
    try store.set(versionKey, "1")
    return store
  }

  private static let firstUse = "crdt-backup --memory FILE --remote URL"

  private static func interrupted(_ folder: String) -> ReplicationError {
    ReplicationError(
      .configuration, "setting up the store in \(folder) was interrupted", remedy: "Run it again: \(firstUse)")
  }

  private static func foreign(_ folder: String) -> ReplicationError {
    ReplicationError(
      .configuration, "\(folder) is a git repository, but no store of crdt-backup",
      remedy: "Nothing was changed there. Give a folder of its own with --store")
  }

  /// Marks a repository as a store that is set up, and says which form of private settings it has.
  static let versionKey = "crdt.version"

  static func paths(of repository: LibGit2Repository, folder: String) -> StorePaths {
    var git = repository.gitFolder
    while git.count > 1, git.hasSuffix("/") { git.removeLast() }
    return StorePaths(folder: folder, gitFolder: git)
  }

  /// Takes up requested settings. Throws `.usage`, and changes nothing, where one cannot be had.
  public func take(_ request: StoreRequest) throws(ReplicationError) {
    // Another process may have changed them since the store was opened.
    settings = try StoreSettings.read(from: repository)
    try check(request)
    if let branch = request.branch, branch != settings.branch || !settings.isBranchChosen {
      try take(branch: branch)
    }
    if let memory = request.memory, memory != settings.memory {
      // The base tells of another file; what that file's values were is recognised from the state.
      if settings.memory != nil { try forgetFile(privateState) }
      try set(StoreSettings.Key.memory, memory)
      settings.memory = memory
    }
    if let remote = request.remote, remote != settings.remote {
      // The tracked tip tells of another remote.
      if let tracked = try trackedTip() {
        try replicating { () throws(GitError) in
          try repository.updateReference(
            trackingReference, to: nil, expecting: tracked, message: "crdt-backup: new remote")
        }
      }
      try set(StoreSettings.Key.remote, remote)
      settings.remote = remote
    }
    if let format = request.format, format != settings.format {
      try set(StoreSettings.Key.format, format.rawValue)
      settings.format = format
    }
    if let isWrittenBack = request.isWrittenBack, isWrittenBack != settings.isWrittenBack {
      try set(StoreSettings.Key.writeBack, isWrittenBack ? "true" : "false")
      settings.isWrittenBack = isWrittenBack
    }
    if let host = request.host, settings.host == nil {
      try set(StoreSettings.Key.requestedHost, host.text)
      settings.requestedHost = host
    }
  }

  /// Throws `.usage` where a requested setting cannot be had.
  private func check(_ request: StoreRequest) throws(ReplicationError) {
    if let host = request.host, let current = settings.host, host != current, host != settings.requestedHost {
      throw ReplicationError(
        .usage, "this store writes as \(current); a store keeps its host name",
        remedy: "Leave out --host, or make another store for \(host) with --store")
    }
    try Store.checkBranch(request.branch)
    guard let remote = request.remote else { return }
    let path = remote.hasPrefix("file:///") ? String(remote.dropFirst("file://".count)) : remote
    // What is no path here can only be tried.
    guard path.hasPrefix("/") else { return }
    let files = effects.fileSystem
    let there = try storing { () throws(StorageError) in try files.information(path) }
    if there == nil, let current = settings.remote, current != remote, try trackedTip() != nil {
      throw ReplicationError(
        .noInput, "\(path) is not there; the remote stays \(RemoteURL.withoutCredentials(current))",
        remedy: "Create the repository there with `git init --bare`, or give another --remote")
    }
    for own in [paths.folder, paths.gitFolder] {
      let store = try storing { () throws(StorageError) in try files.information(own) }
      if let there, let store, there.device == store.device, there.inode == store.inode {
        throw ReplicationError(
          .usage, "\(remote) is this store itself",
          remedy: "A backup needs another place: give its repository with --remote")
      }
    }
  }

  private static func checkBranch(_ branch: String?) throws(ReplicationError) {
    guard let branch else { return }
    guard isBranchName(branch) else {
      throw ReplicationError(.usage, "\"\(branch)\" is no name git takes for a branch")
    }
    guard branch.hasPrefix("refs/") else { return }
    let heads = "refs/heads/"
    throw ReplicationError(
      .usage, "\(branch) is the full name of a ref, not a branch",
      remedy: branch.hasPrefix(heads)
        ? "Give the branch's own name: --branch \(branch.dropFirst(heads.count))" : "Give a branch's own name")
  }

  /// Puts the store on another branch; what is backed up already comes along.
  private func take(branch: String) throws(ReplicationError) {
    let old = try tip()
    let previous = branchReference
    settings.branch = branch
    if let old, try tip() == nil {
      do throws(ReplicationError) { try move(from: nil, to: old, message: "crdt-backup: branch \(branch)") } catch {
        // git keeps branches as files and folders: `a` and `a/b` cannot both be.
        throw ReplicationError(.usage, "the branch \(branch) cannot be made in the store: \(error.message)")
      }
    }
    try set(StoreSettings.Key.branch, branch)
    settings.isBranchChosen = true
    // People and tools that look into the store start at HEAD.
    let head = paths.gitFolder + "/HEAD"
    try storing { () throws(StorageError) in
      guard let bytes = try effects.fileSystem.read(head, limitBytes: 4096), bytes == Array("ref: \(previous)\n".utf8)
      else { return }
      _ = try effects.fileSystem.replaceIfChanged(head, with: Array("ref: \(branchReference)\n".utf8))
    }
  }

  /// Whether a repository is in the folder.
  public static func isThere(_ folder: String, effects: Effects) throws(ReplicationError) -> Bool {
    try storing { () throws(StorageError) in try effects.fileSystem.information(folder + "/.git") } != nil
  }

  /// Takes requested settings for this operation only, as a dry run does: nothing is written.
  public func assume(_ request: StoreRequest) throws(ReplicationError) {
    try check(request)
    if let memory = request.memory { settings.memory = memory }
    if let remote = request.remote { settings.remote = remote }
    if let format = request.format { settings.format = format }
    if let isWrittenBack = request.isWrittenBack { settings.isWrittenBack = isWrittenBack }
  }

  /// The rules of git-check-ref-format for one branch name.
  static func isBranchName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty, bytes.count <= 200, bytes.first != 0x2D, bytes.first != 0x2F, bytes.last != 0x2F,
      bytes.last != 0x2E, name != "@", name != "HEAD"
    else { return false }
    if bytes.contains(where: { $0 <= 0x20 || $0 == 0x7F || Array("~^:?*[\\".utf8).contains($0) }) { return false }
    for forbidden in ["..", "//", "@{", "/."] where name.utf8.contains(forbidden) { return false }
    return name.utf8.first != 0x2E
      && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !$0.hasSuffix(".lock") }
  }
}

extension String.UTF8View {
  fileprivate func contains(_ text: String) -> Bool {
    let needle = Array(text.utf8)
    let hay = Array(self)
    guard hay.count >= needle.count else { return false }
    return (0...hay.count - needle.count).contains { hay[$0..<$0 + needle.count].elementsEqual(needle) }
  }
}
