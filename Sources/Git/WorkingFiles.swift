import CLibgit2
import Glibc
import Processes

/// One working file as it was just written: for `refreshIndex`.
public struct WorkingFile: Sendable, Hashable {
  /// Below the work folder, with `/`.
  public var path: String
  /// What the file holds and its mode; `nil`: the file is gone.
  public var content: TreeEntry?

  public init(path: String, content: TreeEntry?) {
    self.path = path
    self.content = content
  }

  public init(path: String, id: ObjectID, mode: EntryMode = .file) {
    self.init(path: path, content: TreeEntry(name: path, mode: mode, id: id))
  }
}

/// How `refreshIndex` ended.
public enum IndexRefresh: Sendable, Hashable {
  case refreshed
  /// Somebody's git holds `index.lock`; `git status` will show differences until the next time.
  case locked
  case failed(GitError)
}

extension LibGit2Repository {
  /// Makes the index name the given working files, so that a person's `git status` is clean. Best effort: nothing
  /// depends on the index, so nothing is thrown. Other entries of the index are left alone. O(index).
  public func refreshIndex(_ files: [WorkingFile]) -> IndexRefresh {
    guard let workFolder else { return .refreshed }
    do throws(GitError) {
      let operation = "refresh the index"
      let index = try Handle(operation, free: git_index_free) { git_repository_index(&$0, pointer) }
      try LibGit2.check(git_index_read(index.pointer, 0), operation)
      for file in files {
        guard let content = file.content else {
          let code = git_index_remove(index.pointer, file.path, 0)
          if code != GIT_ENOTFOUND.rawValue { try LibGit2.check(code, operation) }
          continue
        }
        var entry = git_index_entry()
        entry.id = content.id.oid
        entry.mode = content.mode.rawValue
        var status = stat()
        if lstat(workFolder + file.path, &status) == 0 {
          // What git compares to see without reading that the file is still the same.
          entry.ctime = git_index_time(
            seconds: Int32(truncatingIfNeeded: status.st_ctim.tv_sec),
            nanoseconds: UInt32(status.st_ctim.tv_nsec))
          entry.mtime = git_index_time(
            seconds: Int32(truncatingIfNeeded: status.st_mtim.tv_sec),
            nanoseconds: UInt32(status.st_mtim.tv_nsec))
          entry.dev = UInt32(truncatingIfNeeded: status.st_dev)
          entry.ino = UInt32(truncatingIfNeeded: status.st_ino)
          entry.uid = status.st_uid
          entry.gid = status.st_gid
          entry.file_size = UInt32(truncatingIfNeeded: status.st_size)
        }
        let code = file.path.withCString {
          entry.path = $0
          return git_index_add(index.pointer, &entry)
        }
        try LibGit2.check(code, operation)
      }
      try LibGit2.check(git_index_write(index.pointer), operation)
      return .refreshed
    } catch {
      return error.code == .locked ? .locked : .failed(error)
    }
  }

  /// Lets the user's git pack loose objects when it finds that there are many (libgit2 never packs). Without git,
  /// or when git cannot, nothing happens: the store works all the same. Returns whether git ran and succeeded.
  @discardableResult
  public func packLooseObjects(deadline: Deadline = .after(seconds: 600)) -> Bool {
    runGit(["maintenance", "run", "--auto", "--quiet"], deadline: deadline)
  }

  /// Packs everything that is reachable, whatever the settings say of when.
  @discardableResult
  public func pack(deadline: Deadline = .after(seconds: 600)) -> Bool { runGit(["gc", "--quiet"], deadline: deadline) }

  private func runGit(_ arguments: [String], deadline: Deadline) -> Bool {
    let command = Command("git", ["-C", gitFolder] + arguments, environment: environment.withoutGit)
    guard let result = try? command.run(deadline: deadline, limitBytes: 65_536) else { return false }
    return result.termination.isSuccess
  }
}
