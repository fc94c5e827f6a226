import CLibgit2
import Glibc
import Processes

/// A remote over libgit2's protocol and the user's own connections: git's programs for paths and `file://`, the
/// user's ssh for `ssh://` and `host:path`, plain TCP for `git://`, libgit2's http(s) with the user's certificates,
/// proxy and credential helpers.
///
/// Every call makes a new connection and ends it. Whoever calls must own the repository on this thread.
public final class LibGit2Remote: Remote {
  private let repository: LibGit2Repository
  private let url: String
  /// The URL without credentials, for people.
  public let displayURL: String

  /// Checks the URL's form only.
  init(_ repository: LibGit2Repository, url: String) throws(GitError) {
    self.repository = repository
    self.url = url
    displayURL = RemoteURL.withoutCredentials(LibGit2.oneLine(url))
    _ = try RemoteURL(url, operation: "use remote \(displayURL)")
  }

  public func list(deadline: Deadline) throws(GitError) -> [String: ObjectID] {
    try perform("list refs of \(displayURL)", GIT_DIRECTION_FETCH, deadline) {
      (remote, session) throws(GitError) in
      try Self.heads(remote, session.operation)
    }
  }

  /// Also keeps the tip under the private ref `refs/crdt/fetched/<branch>`, so that git's garbage collection leaves
  /// it alone and the next fetch transfers only what is new.
  public func fetch(branch: String, deadline: Deadline) throws(GitError) -> ObjectID? {
    let name = "refs/heads/\(branch)"
    let kept = "refs/crdt/fetched/\(branch)"
    return try perform("fetch from \(displayURL)", GIT_DIRECTION_FETCH, deadline) {
      (remote, session) throws(GitError) in
      guard let tip = try Self.heads(remote, session.operation)[name] else { return nil }
      var options = git_fetch_options()
      try LibGit2.check(
        git_fetch_options_init(&options, UInt32(GIT_FETCH_OPTIONS_VERSION)), session.operation)
      options.callbacks = try session.callbacks()
      options.proxy_opts.type = GIT_PROXY_AUTO
      options.prune = GIT_FETCH_NO_PRUNE
      options.update_fetchhead = 0
      options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE
      let code = withStringArray(["+\(name):\(kept)"]) { git_remote_download(remote, &$0, &options) }
      try LibGit2.check(code, session.operation)
      _ = try repository.readCommit(tip)
      try keep(tip, kept, session.operation)
      return tip
    }
  }

  /// Points a private ref at a commit, whatever it pointed at.
  private func keep(_ commit: ObjectID, _ name: String, _ operation: String) throws(GitError) {
    if try repository.reference(name) == commit { return }
    var oid = commit.oid
    var made: OpaquePointer?
    let code = git_reference_create(&made, repository.pointer, name, &oid, 1, "crdt-backup")
    git_reference_free(made)
    try LibGit2.check(code, operation)
  }

  /// Fetches the branch into an empty repository beside this one, where no damaged object is in the way.
  public func recover(_ blob: ObjectID, branch: String, deadline: Deadline) throws(GitError) -> [UInt8]? {
    let folder = repository.gitFolder + "crdt/recover-\(getpid())"
    defer { removeFolder(folder) }
    removeFolder(folder)
    let other = try LibGit2Repository.initializeBare(folder)
    other.environment = repository.environment
    guard try other.remote(url: url).fetch(branch: branch, deadline: deadline) != nil else { return nil }
    do { return try other.readBlob(blob) } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  /// Removes a folder that this process made, with all that is in it. Links are removed, not followed.
  private func removeFolder(_ path: String) {
    if let stream = opendir(path) {
      var names: [String] = []
      while let entry = readdir(stream) {
        names.append(
          withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
      }
      closedir(stream)
      for name in names where name != "." && name != ".." {
        let child = path + "/" + name
        var status = stat()
        guard lstat(child, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR { removeFolder(child) } else { unlink(child) }
      }
      rmdir(path)
    }
  }

  /// Keeps the commit under the private ref `refs/crdt/push/<branch>`. Takes locks of git processes that died away
  /// where they refuse the push (``RemoteLock``).
  ///
  /// A refusal that libgit2 itself foresees (the remote has commits we do not have) is `.rejected` too.
  public func push(_ commit: ObjectID, branch: String, deadline: Deadline) throws(GitError) -> PushOutcome {
    let name = "refs/heads/\(branch)"
    let operation = "push to \(displayURL)"
    guard !repository.isShallow else {
      throw GitError(
        .unsupportedRepository, operation: operation,
        message: "this repository is shallow; run: git fetch --unshallow", isRetryable: false)
    }
    _ = try repository.readCommit(commit)
    return try perform(operation, GIT_DIRECTION_PUSH, deadline) { (remote, session) throws(GitError) in
      if try Self.heads(remote, operation)[name] == commit { return .accepted }
      var options = git_push_options()
      try LibGit2.check(git_push_options_init(&options, UInt32(GIT_PUSH_OPTIONS_VERSION)), operation)
      options.callbacks = try session.callbacks()
      options.proxy_opts.type = GIT_PROXY_AUTO
      // libgit2 1.5 takes no object id as the source of a push, only a ref.
      let source = "refs/crdt/push/\(branch)"
      try keep(commit, source, operation)
      let code = withStringArray(["\(source):\(name)"]) { git_remote_upload(remote, &$0, &options) }
      if code == GIT_ENONFASTFORWARD.rawValue {
        git_error_clear()
        return .rejected(reason: "the remote has commits that are not here")
      }
      if let report = session.pushReport[name] {
        guard let refusal = report else { return .accepted }
        return .rejected(
          reason: RemoteLock.explain(Self.reason(refusal, session), address: session.address, branch: branch))
      }
      try LibGit2.check(code, operation)
      // Without the server's word nothing is known to have happened.
      return .rejected(reason: "the server did not confirm the update")
    }
  }

  private static func reason(_ refusal: String, _ session: RemoteSession) -> String {
    let words = LibGit2.oneLine(refusal)
    // A hook's own words say why; the status only that it declined.
    guard words.contains("hook declined"), let last = RemoteFailure.lastWord(session.lines) else {
      return words
    }
    return "\(words): \(last)"
  }

  // MARK: One connection

  private func perform<Result: Sendable>(
    _ operation: String, _ direction: git_direction, _ deadline: Deadline,
    _ body: (OpaquePointer, RemoteSession) throws(GitError) -> Result
  ) throws(GitError) -> Result {
    guard !deadline.hasPassed else { throw Connection.timedOut(operation) }
    let remote = try Handle(operation, free: git_remote_free) {
      git_remote_create_anonymous(&$0, repository.pointer, url)
    }
    // Now with the user's url.<base>.insteadOf applied.
    let pushURL = direction == GIT_DIRECTION_PUSH ? git_remote_pushurl(remote.pointer) : nil
    let text = (pushURL ?? git_remote_url(remote.pointer)).map { String(cString: $0) } ?? url
    let session = try RemoteSession(repository, url: text, operation: operation, deadline: deadline)
    if case .http = session.address { try HTTPSettings.loadCertificates(repository, url: text, operation) }

    let pointer = remote.pointer
    let outcome = NetworkContext.$current.withValue(session.network) { () -> Swift.Result<Result, GitError> in
      do throws(GitError) {
        var options = git_remote_connect_options()
        try LibGit2.check(
          git_remote_connect_options_init(&options, UInt32(GIT_REMOTE_CONNECT_OPTIONS_VERSION)), operation)
        options.callbacks = try session.callbacks()
        options.proxy_opts.type = GIT_PROXY_AUTO
        try LibGit2.check(git_remote_connect_ext(pointer, direction, &options), operation)
        // An empty SHA-256 repository looks just empty to libgit2.
        if session.isSHA256 { throw session.unsupportedFormat }
        let result = try body(pointer, session)
        _ = git_remote_disconnect(pointer)
        return .success(result)
      } catch {
        _ = git_remote_disconnect(pointer)
        return .failure(error)
      }
    }
    switch outcome {
    case .success(let result):
      session.succeed()
      return result
    case .failure(let error): throw session.explain(error)
    }
  }

  private static func heads(_ remote: OpaquePointer, _ operation: String) throws(GitError) -> [String:
    ObjectID]
  {
    var heads: UnsafeMutablePointer<UnsafePointer<git_remote_head>?>?
    var count = 0
    try LibGit2.check(git_remote_ls(&heads, &count, remote), operation)
    var found: [String: ObjectID] = [:]
    for index in 0..<count {
      guard let head = heads?[index]?.pointee, let text = head.name else { continue }
      let name = String(cString: text)
      // HEAD is no ref of its own and `^{}` names what a tag points at.
      if name.hasPrefix("refs/"), !name.hasSuffix("^{}") { found[name] = ObjectID(head.oid) }
    }
    return found
  }
}
