import CLibgit2
import Glibc

extension LibGit2Repository {
  public func reference(_ name: String) throws(GitError) -> ObjectID? {
    var oid = git_oid()
    let code = git_reference_name_to_id(&oid, pointer, name)
    if code == GIT_ENOTFOUND.rawValue { return nil }
    try LibGit2.check(code, "read ref \(name)")
    return ObjectID(oid)
  }

  public func references(prefix: String) throws(GitError) -> [(name: String, id: ObjectID)] {
    let operation = "list refs \(prefix)"
    let iterator = try Handle(operation, free: git_reference_iterator_free) {
      git_reference_iterator_new(&$0, pointer)
    }
    var found: [(name: String, id: ObjectID)] = []
    while true {
      var text: UnsafePointer<CChar>?
      let code = git_reference_next_name(&text, iterator.pointer)
      if code == GIT_ITEROVER.rawValue { break }
      try LibGit2.check(code, operation)
      guard let text else { continue }
      let name = String(cString: text)
      if name.utf8.starts(with: prefix.utf8), let id = try reference(name) { found.append((name, id)) }
    }
    return found.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  public func updateReference(
    _ name: String, to id: ObjectID?, expecting expected: ObjectID?, message: String
  ) throws(GitError) {
    let operation = "update ref \(name)"
    switch (id, expected) {
    case (let id?, let expected?):
      var new = id.oid
      var old = expected.oid
      let code = create { git_reference_create_matching(&$0, pointer, name, &new, 1, &old, message) }
      if code == GIT_ENOTFOUND.rawValue { throw refChanged(operation) }
      try LibGit2.check(code, operation)
    case (let id?, nil):
      var new = id.oid
      let code = create { git_reference_create(&$0, pointer, name, &new, 0, message) }
      if code == GIT_EEXISTS.rawValue { throw refChanged(operation) }
      try LibGit2.check(code, operation)
    case (nil, let expected?):
      let handle: Handle
      do throws(GitError) {
        handle = try Handle(operation, free: git_reference_free) { git_reference_lookup(&$0, pointer, name) }
      } catch {
        throw error.code == .notFound ? refChanged(operation) : error
      }
      guard let target = git_reference_target(handle.pointer), ObjectID(target.pointee) == expected else {
        throw refChanged(operation)
      }
      // libgit2 compares with the value it looked up, under the ref's lock.
      let code = git_reference_delete(handle.pointer)
      if code == GIT_ENOTFOUND.rawValue { throw refChanged(operation) }
      try LibGit2.check(code, operation)
    case (nil, nil):
      if try reference(name) != nil { throw refChanged(operation) }
    }
  }

  private func create(_ make: (inout OpaquePointer?) -> Int32) -> Int32 {
    var made: OpaquePointer?
    let code = make(&made)
    git_reference_free(made)
    return code
  }

  private func refChanged(_ operation: String) -> GitError {
    git_error_clear()
    return GitError(
      .refChanged, operation: operation, message: "somebody else changed it meanwhile", isRetryable: true)
  }

  /// Removes the lock files of git and libgit2 (`*.lock` of refs, HEAD, config, index) that are older than
  /// `minimumAgeSeconds` by the file system's own clock: a process that was killed leaves them, and they would
  /// block for ever. For callers that hold the store's lock. Returns their paths inside the git folder.
  ///
  /// The index's lock has to be an hour old: a person's `git commit` holds it as long as an editor is open.
  @discardableResult
  public func clearAbandonedLocks(minimumAgeSeconds: Int64 = 60) throws(GitError) -> [String] {
    guard let nowSeconds = RemoteLock.fileSystemSeconds(probing: gitFolder) else {
      throw GitError(
        .storage, operation: "clear locks in \(gitFolder)", message: errorText(errno), isRetryable: false)
    }
    let paths = ["HEAD.lock", "config.lock", "index.lock", "packed-refs.lock"] + locks(below: "refs")
    return paths.filter { path in
      var status = stat()
      guard lstat(gitFolder + path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
      let ageSeconds = nowSeconds - Int64(status.st_mtim.tv_sec)
      guard ageSeconds >= (path == "index.lock" ? max(3600, minimumAgeSeconds) : minimumAgeSeconds) else {
        return false
      }
      return unlink(gitFolder + path) == 0
    }
  }

  private func locks(below folder: String) -> [String] {
    guard let stream = opendir(gitFolder + folder) else { return [] }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      if entry.pointee.d_type == UInt8(DT_DIR) {
        found += locks(below: folder + "/" + name)
      } else if name.hasSuffix(".lock") {
        found.append(folder + "/" + name)
      }
    }
    return found.sorted()
  }
}
