import CLibgit2
import Glibc
import Processes

/// A git repository on disk, through libgit2.
///
/// Everything written is synced to disk before a call returns; everything read is checked against its id. One
/// thread at a time; other processes (a person's git) may use the repository meanwhile.
public final class LibGit2Repository: Repository {
  let handle: Handle
  /// The environment for children: git, ssh, credential helpers.
  public var environment = Environment.current
  /// Whether ssh and credential helpers may ask on the terminal. Off: they fail instead of waiting for nobody.
  public var allowsTerminal = false
  /// The folder with the repository's own files, with a slash at the end.
  public let gitFolder: String
  /// The folder people see, with a slash at the end; `nil` for a bare repository.
  public let workFolder: String?

  /// The version of the linked libgit2, as "1.5.1".
  public static var libraryVersion: String { LibGit2.version }

  private init(_ handle: consuming Handle) {
    gitFolder = git_repository_path(handle.pointer).map { String(cString: $0) } ?? ""
    workFolder = git_repository_workdir(handle.pointer).map { String(cString: $0) }
    self.handle = handle
  }

  var pointer: OpaquePointer { handle.pointer }

  /// Opens the repository at exactly `path` (a work folder, its `.git`, or a bare one); parents are not searched.
  /// Throws `.notFound`, `.notOwned`, `.unsupportedRepository` (SHA-256, reftable) or `.corrupt`.
  public static func open(_ path: String) throws(GitError) -> LibGit2Repository {
    try LibGit2.start()
    let operation = "open repository \(path)"
    try RepositoryForm.check(path, operation)
    do throws(GitError) {
      let flags = GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue
      let handle = try Handle(operation, free: git_repository_free) {
        git_repository_open_ext(&$0, path, flags, nil)
      }
      try LooseObjectGuard.install(handle, operation)
      return LibGit2Repository(handle)
    } catch {
      // Some builds of libgit2 say "not found" when there is no safe.directory setting to look the owner up in.
      guard error.code == .notOwned || error.code == .notFound && belongsToAnother(path) else { throw error }
      throw GitError(
        .notOwned, operation: operation,
        message: "it belongs to another user; if you trust it, run: git config --global --add safe.directory "
          + path, isRetryable: false)
    }
  }

  private static func belongsToAnother(_ path: String) -> Bool {
    var status = stat()
    return [path + "/.git", path].contains {
      stat($0 + "/HEAD", &status) == 0 && stat($0, &status) == 0 && status.st_uid != geteuid()
    }
  }

  /// Creates a repository with a work folder at `path`, on the unborn branch `branch`; missing folders get mode
  /// 0700, and so does its `.git`. Opening an existing one this way changes nothing in it.
  public static func initialize(_ path: String, branch: String) throws(GitError) -> LibGit2Repository {
    try create(path, branch: branch, flags: GIT_REPOSITORY_INIT_MKPATH.rawValue)
  }

  /// Creates a bare repository at `path`, mode 0700, whose HEAD is `branch`.
  public static func initializeBare(_ path: String, branch: String = "main") throws(GitError)
    -> LibGit2Repository
  {
    try create(
      path, branch: branch, flags: GIT_REPOSITORY_INIT_MKPATH.rawValue | GIT_REPOSITORY_INIT_BARE.rawValue)
  }

  private static func create(_ path: String, branch: String, flags: UInt32) throws(GitError)
    -> LibGit2Repository
  {
    try LibGit2.start()
    let operation = "create repository \(path)"
    try RepositoryForm.check(path, operation)
    try makeFolder(path, operation)
    var options = git_repository_init_options()
    try LibGit2.check(
      git_repository_init_options_init(&options, UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION)), operation)
    options.flags = flags
    let handle = try Handle(operation, free: git_repository_free) { out in
      branch.withCString { name in
        options.initial_head = name
        return git_repository_init_ext(&out, path, &options)
      }
    }
    try LooseObjectGuard.install(handle, operation)
    let repository = LibGit2Repository(handle)
    guard chmod(repository.gitFolder, 0o700) == 0 else {
      throw GitError(.storage, operation: operation, message: errorText(errno), isRetryable: false)
    }
    return repository
  }

  /// `mkdir -p` with mode 0700.
  private static func makeFolder(_ path: String, _ operation: String) throws(GitError) {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try makeFolder(String(path[..<slash]), operation)
      if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    }
    let code: GitError.Code = errno == EACCES || errno == EPERM ? .permission : .storage
    throw GitError(code, operation: operation, message: errorText(errno), isRetryable: false)
  }

  /// True for a repository that has only a part of its history.
  public var isShallow: Bool { git_repository_is_shallow(pointer) == 1 }

  // MARK: Settings

  public func setting(_ key: String) throws(GitError) -> String? {
    let operation = "read setting \(key)"
    let config = try Handle(operation, free: git_config_free) { git_repository_config(&$0, pointer) }
    let (code, text) = withGitBuffer { git_config_get_string_buf(&$0, config.pointer, key) }
    if code == GIT_ENOTFOUND.rawValue { return nil }
    try LibGit2.check(code, operation)
    return text
  }

  public func setSetting(_ key: String, to value: String?) throws(GitError) {
    let operation = "write setting \(key)"
    let config = try Handle(operation, free: git_config_free) { git_repository_config(&$0, pointer) }
    let local = try Handle(operation, free: git_config_free) {
      git_config_open_level(&$0, config.pointer, GIT_CONFIG_LEVEL_LOCAL)
    }
    if let value {
      try LibGit2.check(git_config_set_string(local.pointer, key, value), operation)
    } else {
      let code = git_config_delete_entry(local.pointer, key)
      if code != GIT_ENOTFOUND.rawValue { try LibGit2.check(code, operation) }
    }
  }

  /// A yes-or-no setting in any of git's spellings; `nil` when unset or no such word.
  func flag(_ key: String) throws(GitError) -> Bool? {
    switch try setting(key)?.lowercased() {
    case "true", "yes", "on", "1", "": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }

  public func remote(url: String) throws(GitError) -> any Remote {
    try LibGit2Remote(self, url: url)
  }
}

/// The text of an errno.
func errorText(_ number: Int32) -> String {
  ProcessError(.other, program: "", operation: "", errno: number).cause
}
