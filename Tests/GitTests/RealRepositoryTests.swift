import Glibc
import TestKit
import Testing

@testable import Git

@Suite struct RealRepositoryTests {
  let folder = TemporaryFolder()

  private func git(_ arguments: String...) throws -> String {
    try GitProgram.run(arguments, in: folder("store"))
  }

  @Test func gitItselfFindsNothingWrong() throws {
    let repository = try LibGit2Repository.initialize(folder("a/store"), branch: "trunk")
    let id = try repository.commit("one")
    try repository.updateReference("refs/heads/trunk", to: id, expecting: nil, message: "first")
    let log = try GitProgram.run(["log", "--format=%H %an %at %s", "trunk"], in: folder("a/store"))
    #expect(log == "\(id) Host a 1700000000 one")
    _ = try GitProgram.run(["fsck", "--strict"], in: folder("a/store"))
    var status = stat()
    for path in ["a", "a/store", "a/store/.git"] {
      #expect(stat(folder(path), &status) == 0 && status.st_mode & 0o777 == 0o700)
    }
    #expect(try LibGit2Repository.initialize(folder("a/store"), branch: "x").reference("HEAD") == id)
    #expect(repository.workFolder == folder("a/store") + "/")
    #expect(repository.gitFolder == folder("a/store") + "/.git/")
  }

  @Test func missingAndForeignFormsAreNamed() throws {
    #expect(code { _ = try LibGit2Repository.open(folder("none")) } == .notFound)
    folder.write("file", "x")
    #expect(throws: GitError.self) { try LibGit2Repository.open(folder("file")) }
    _ = try GitProgram.run(["init", "-q", "--object-format=sha256", "sha"], in: folder.path)
    let error = #expect(throws: GitError.self) { try LibGit2Repository.open(folder("sha")) }
    #expect(error?.code == .unsupportedRepository)
    #expect(error?.message.contains("sha256") == true)
    _ = try GitProgram.run(["init", "-q", "ref"], in: folder.path)
    _ = try GitProgram.run(["config", "extensions.refstorage", "reftable"], in: folder("ref"))
    let second = #expect(throws: GitError.self) { try LibGit2Repository.open(folder("ref")) }
    #expect(second?.code == .unsupportedRepository)
    #expect(second?.message.contains("reftable") == true)
  }

  @Test func repositoryOfAnotherUserIsRefusedWithTheRemedy() throws {
    // Only root can give files away.
    guard getuid() == 0 else { return }
    _ = try LibGit2Repository.initialize(folder("store"), branch: "main")
    chown(folder("store"), 12345, 12345)
    chown(folder("store/.git"), 12345, 12345)
    let error = #expect(throws: GitError.self) { try LibGit2Repository.open(folder("store")) }
    #expect(error?.code == .notOwned)
    #expect(error?.message.contains("safe.directory") == true)
  }

  @Test(arguments: ["", "garbage", "x\u{1}"]) func damagedLooseObjectIsSeenAndRepairedByWriting(
    _ damage: String
  ) throws {
    let repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
    let bytes = Array("a value nobody may lose".utf8)
    let id = try repository.writeBlob(bytes)
    let hex = id.description
    let path = "store/.git/objects/\(hex.prefix(2))/\(hex.dropFirst(2))"
    chmod(folder(path), 0o600)
    folder.write(path, damage)
    let fresh = try LibGit2Repository.open(folder("store"))
    #expect(code { _ = try fresh.readBlob(id) } == .corrupt)
    #expect(try fresh.writeBlob(bytes) == id)
    #expect(try LibGit2Repository.open(folder("store")).readBlob(id) == bytes)
  }

  @Test func damagedCommitAndTreeAreSeen() throws {
    let repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
    let commit = try repository.commit("one")
    let tree = try repository.readCommit(commit).tree
    for id in [commit, tree] {
      let hex = id.description
      folder.write("store/.git/objects/\(hex.prefix(2))/\(hex.dropFirst(2))", "", mode: 0o600)
    }
    let fresh = try LibGit2Repository.open(folder("store"))
    #expect(code { _ = try fresh.readCommit(commit) } == .corrupt)
    #expect(code { _ = try fresh.readTree(tree) } == .corrupt)
    #expect(try fresh.commit("one") == commit)
  }

  @Test func refreshedIndexMakesStatusClean() throws {
    let repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
    let commit = try repository.commit("one", file: "memory-a.json")
    try repository.updateReference("refs/heads/main", to: commit, expecting: nil, message: "m")
    folder.write("store/memory-a.json", "one", mode: 0o600)
    let id = try repository.blobID(of: Array("one".utf8))
    #expect(repository.refreshIndex([WorkingFile(path: "memory-a.json", id: id)]) == .refreshed)
    #expect(try git("status", "--porcelain") == "")
    #expect(repository.refreshIndex([WorkingFile(path: "memory-a.json", content: nil)]) == .refreshed)
    #expect(try git("status", "--porcelain").contains("?? memory-a.json"))
    folder.write("store/.git/index.lock", "")
    #expect(repository.refreshIndex([WorkingFile(path: "memory-a.json", id: id)]) == .locked)
  }

  @Test func lockLeftByAKilledProcessBlocksUntilCleared() throws {
    let repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
    let one = try repository.commit("one")
    folder.write("store/.git/refs/heads/main.lock", "")
    let error = #expect(throws: GitError.self) {
      try repository.updateReference("refs/heads/main", to: one, expecting: nil, message: "m")
    }
    #expect(error?.code == .locked && error?.isRetryable == true)
    #expect(try repository.clearAbandonedLocks(minimumAgeSeconds: 600) == [])
    #expect(try repository.clearAbandonedLocks(minimumAgeSeconds: 0) == ["refs/heads/main.lock"])
    try repository.updateReference("refs/heads/main", to: one, expecting: nil, message: "m")
  }

  @Test func packingLeavesEverythingReadable() throws {
    let repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
    repository.environment = GitProgram.environment()
    try repository.setSetting("gc.auto", to: "1")
    var tip: ObjectID?
    for number in 0..<20 {
      let next = try repository.commit("\(number)", parents: tip.map { [$0] } ?? [])
      try repository.updateReference("refs/heads/main", to: next, expecting: tip, message: "m")
      tip = next
    }
    #expect(repository.packLooseObjects())
    #expect(try repository.walk(from: [#require(tip)], hiding: []).count == 20)
  }

  @Test func anObjectWhoseFolderVanishesWhileItIsWrittenIsWrittenAgain() throws {
    func vanished() -> GitError {
      GitError(
        .storage, operation: "write blob",
        message: "failed to rename lockfile to 'objects/ab/cd': \(String(cString: strerror(ENOENT)))",
        isRetryable: false)
    }
    var attempts = 0
    try LibGit2.writingLoose { () throws(GitError) in
      attempts += 1
      if attempts == 1 { throw vanished() }
    }
    #expect(attempts == 2)
    // Once more, not for ever; and nothing else is tried again.
    attempts = 0
    #expect(throws: GitError.self) {
      try LibGit2.writingLoose { () throws(GitError) in
        attempts += 1
        throw vanished()
      }
    }
    #expect(attempts == 2)
    #expect(throws: GitError.self) {
      try LibGit2.writingLoose { () throws(GitError) in
        attempts += 1
        throw GitError(.storage, operation: "write blob", message: "No space left on device", isRetryable: false)
      }
    }
    #expect(attempts == 3)
    let repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
    let id = try repository.blobID(of: [1])
    _ = try repository.writeBlob([1])
    #expect(unlink(folder("store/.git/objects/\(id.description.prefix(2))/\(id.description.dropFirst(2))")) == 0)
    #expect(rmdir(folder("store/.git/objects/\(id.description.prefix(2))")) == 0)
    #expect(try repository.readBlob(try repository.writeBlob([1])) == [1])
  }

  @Test func noPermissionAndReadOnlyAreSaid() throws {
    // Root may write everywhere; run as root, the other half (a foreign owner) is tested instead.
    guard getuid() != 0 else { return }
    let repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
    chmod(folder("store/.git/objects"), 0o500)
    #expect(code { _ = try repository.writeBlob([1]) } == .permission)
    chmod(folder("store/.git/objects"), 0o700)
  }
}
