import Glibc

/// A lock that a git process holds, or left behind when it died, in a repository on this machine that is a remote.
///
/// Git never takes a dead process's lock away, so that one kill -9 or power cut in the moment of a push refuses every
/// push for ever. A living process holds the lock of a ref for milliseconds. One that was stopped for more than
/// ``abandonedSeconds`` and then goes on may still move the branch back: reading the tip back (DESIGN 8, step 7) and
/// the join of the next run are what keeps that from losing anything.
struct RemoteLock {
  var path: String
  var ageSeconds: Int64

  static let abandonedSeconds: Int64 = 60

  /// The locks that a push to `branch` needs and that are there, by the file system's own clock; none where that cannot
  /// be told.
  static func held(in repository: String, branch: String) -> [RemoteLock] {
    guard
      let folder = [repository + "/.git/", repository + "/"].first(where: { access($0 + "refs", W_OK) == 0 }),
      let nowSeconds = fileSystemSeconds(probing: folder)
    else { return [] }
    return ["HEAD.lock", "refs/heads/\(branch).lock"].compactMap { name in
      var status = stat()
      guard lstat(folder + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      return RemoteLock(path: folder + name, ageSeconds: nowSeconds - Int64(status.st_mtim.tv_sec))
    }
  }

  /// What a refusal means where locks are in the way: abandoned ones are taken away, so that trying again helps.
  static func explain(_ refusal: String, address: RemoteURL, branch: String) -> String {
    guard refusal.contains("failed to update ref") else { return refusal }
    guard case .path(let repository) = address else {
      return "\(refusal) (where this stays: is refs/heads/\(branch).lock there, left by a git process that died?)"
    }
    for lock in held(in: repository, branch: branch) {
      guard lock.ageSeconds >= abandonedSeconds else {
        return
          "\(refusal): \(LibGit2.oneLine(lock.path)) is held by another git process, or was left by one that died; "
          + "once it is \(abandonedSeconds) s old it is taken away"
      }
      if unlink(lock.path) != 0 {
        return
          "\(refusal): \(LibGit2.oneLine(lock.path)) was left by a git process that died, and cannot be taken away: "
          + errorText(errno)
      }
    }
    return refusal
  }

  /// The time that a file made now in a folder gets; `nil` with `errno` where none can be made.
  static func fileSystemSeconds(probing folder: String) -> Int64? {
    let probe = folder + "crdt-clock-\(getpid())"
    func create() -> Int32 { Glibc.open(probe, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600) }
    var descriptor = create()
    // That of a dead process which had this one's number.
    if descriptor < 0, errno == EEXIST, unlink(probe) == 0 { descriptor = create() }
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // Without its name nothing of it is left by a process that is killed here.
    unlink(probe)
    var now = stat()
    return fstat(descriptor, &now) == 0 ? Int64(now.st_mtim.tv_sec) : nil
  }
}
