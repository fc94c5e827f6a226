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

  public init(folder: String) { self.folder = folder }

  /// True when nothing but the folder is given.
  public var isPlain: Bool { memory == nil && remote == nil && branch == nil && host == nil && format == nil }
}

extension Store {
  /// Opens the store in `folder`.
  ///
  /// Throws `.noInput` when there is none, `.configuration` when a repository is there that is no store.
  public static func open(_ folder: String, effects: Effects) throws(ReplicationError) -> Store {
    let there = try storing { () throws(StorageError) in try effects.fileSystem.information(folder + "/.git") }
    guard there != nil else {
      throw ReplicationError(
        .noInput, "\(folder): no store is there yet",
        remedy: "Set one up with: crdt-backup --memory FILE --remote URL")
    }
    let repository = try replicating { () throws(GitError) in try LibGit2Repository.open(folder) }
    let store = try Store(repository: repository, paths: paths(of: repository, folder: folder), effects: effects)
    guard try store.isStore() else {
      throw ReplicationError(
        .configuration, "\(folder) is a git repository, but no store of crdt-backup",
        remedy: "Nothing was changed there. Give a folder of its own with --store")
    }
    return store
  }

  /// Opens the store, or makes it where the folder is missing or empty, and takes up the requested settings.
  public static func openOrCreate(_ request: StoreRequest, effects: Effects) throws(ReplicationError) -> Store {
    let files = effects.fileSystem
    let isThere = try storing { () throws(StorageError) in try files.information(request.folder + "/.git") } != nil
    if isThere {
      let store = try openSettled(request.folder, effects: effects)
      if !request.isPlain { try store.locked { () throws(ReplicationError) in try store.take(request) } }
      return store
    }
    guard request.memory != nil || request.remote != nil else {
      throw ReplicationError(
        .usage, "there is no store in \(request.folder) yet, and nothing to make one for",
        remedy: "The first use names the memory and where it goes: crdt-backup --memory FILE --remote URL")
    }
    do {
      if try files.information(request.folder) != nil, try !files.list(request.folder).isEmpty {
        // Another first use may have been quicker.
        if try files.information(request.folder + "/.git") != nil {
          return try openOrCreate(request, effects: effects)
        }
        throw ReplicationError(
          .cannotCreate, "\(request.folder) is not empty and not a store",
          remedy: "Nothing was changed there. Give another folder with --store")
      }
      try files.createFolder(request.folder)
    } catch let error as StorageError {
      throw ReplicationError(
        error.code == .permission || error.code == .notOwned ? .permission : .cannotCreate,
        "the store cannot be created: \(error)", remedy: "Give another folder with --store")
    } catch let error as ReplicationError {
      throw error
    } catch {
      throw ReplicationError(.internal, "\(error)")
    }
    let repository: LibGit2Repository
    do {
      repository = try LibGit2Repository.initialize(request.folder, branch: request.branch ?? StoreSettings().branch)
    } catch {
      // Another first use is at the same point right now: then this is the second.
      guard error.code == .locked else { throw ReplicationError(error) }
      effects.sleepMilliseconds(50)
      return try openOrCreate(request, effects: effects)
    }
    let store = try Store(
      repository: repository, paths: paths(of: repository, folder: request.folder), effects: effects)
    try store.locked { () throws(ReplicationError) in
      try store.set(Store.versionKey, "1")
      try store.take(request)
    }
    return store
  }

  /// Opens a store that another process may be making right now.
  private static func openSettled(_ folder: String, effects: Effects) throws(ReplicationError) -> Store {
    for _ in 0..<40 {
      let head = try storing { () throws(StorageError) in try effects.fileSystem.information(folder + "/.git/HEAD") }
      if head != nil { break }
      effects.sleepMilliseconds(25)
    }
    return try open(folder, effects: effects)
  }

  /// Marks a repository as a store, and says which form of private settings it has.
  static let versionKey = "crdt.version"

  private static func paths(of repository: LibGit2Repository, folder: String) -> StorePaths {
    var git = repository.gitFolder
    while git.count > 1, git.hasSuffix("/") { git.removeLast() }
    return StorePaths(folder: folder, gitFolder: git)
  }

  /// A store says so in its settings; a clone of one has a store's files; a repository without a commit can become one.
  private func isStore() throws(ReplicationError) -> Bool {
    if try replicating({ () throws(GitError) in try repository.setting(Store.versionKey) }) == "1" { return true }
    let branches = try replicating { () throws(GitError) in try repository.references(prefix: "refs/heads/") }
    if branches.isEmpty {
      try set(Store.versionKey, "1")
      return true
    }
    guard let tip = try tip() else { return false }
    let tree = try tree(of: tip)
    guard !tree.stateFiles.isEmpty, !tree.hostRecords.isEmpty else { return false }
    try set(Store.versionKey, "1")
    return true
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
      if settings.memory != nil {
        try storing { () throws(StorageError) in
          _ = try effects.fileSystem.remove(paths.base)
          _ = try effects.fileSystem.remove(paths.ingested)
        }
      }
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
    if let branch = request.branch, !Store.isBranchName(branch) {
      throw ReplicationError(.usage, "\"\(branch)\" is no name git takes for a branch")
    }
    guard let remote = request.remote, remote.hasPrefix("/") else { return }
    let files = effects.fileSystem
    let there = try storing { () throws(StorageError) in try files.information(remote) }
    for own in [paths.folder, paths.gitFolder] {
      let store = try storing { () throws(StorageError) in try files.information(own) }
      if let there, let store, there.device == store.device, there.inode == store.inode {
        throw ReplicationError(
          .usage, "\(remote) is this store itself",
          remedy: "A backup needs another place: give its repository with --remote")
      }
    }
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
