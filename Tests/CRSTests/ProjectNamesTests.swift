import CRDT
import CRS
import Durability
import TestKit
import Testing

/// Which repositories are one project, and what of their names leaves this host.
struct ProjectNamesTests {
  let folder = TemporaryFolder()
  private let context = Fixture.context()
  private let token = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"

  private func repository(_ name: String, remote: String?) throws -> String {
    let path = folder(name)
    try GitProgram.run(["init", "-q", path], in: folder.path)
    if let remote { try GitProgram.run(["remote", "add", "origin", remote], in: path) }
    return path
  }

  @Test func aQueryOrFragmentOfARemoteIsNoPartOfItsName() {
    for url in ["https://h/p.git?access_token=x", "https://h/p#x", "https://u:x@h:443/p.git?a=b/c#d"] {
      #expect(ProjectIdentity.normalized(remote: url) == "h/p")
    }
  }

  @Test func aTokenInARemotesPathIsReplacedByADigestThatIsTheSameEverywhere() throws {
    var keys: Set<ByteString> = []
    for name in ["one", "two"] {
      let identity = try ProjectIdentity.of(
        folder: try repository(name, remote: "https://host/\(token)/p.git"), name: nil)
      keys.insert(identity.key)
      #expect(!"\(identity)".contains(token))
      #expect(identity.key.description.hasPrefix("git:sha256:"))
    }
    #expect(keys.count == 1)
    let escaped = token.replacing("_", with: "%5F")
    let other = try ProjectIdentity.of(folder: try repository("three", remote: "https://host/\(escaped)/p"), name: nil)
    #expect(other.key.description.hasPrefix("git:sha256:"))
  }

  @Test func aGivenNameThatLooksLikeASecretIsRefusedAndNotRepeated() throws {
    let error = #expect(throws: CRSError.self) { try ProjectIdentity.of(folder: folder.path, name: token) }
    #expect(error?.code == .secretFound)
    #expect(error?.message.contains("github") == true)
    #expect(error.map { "\($0)".contains(token) } == false)
    #expect(
      try ProjectIdentity.of(folder: folder.path, name: "agents/shared-memory").key == "name:agents/shared-memory")
  }

  @Test func aSecretThatAnOlderVersionKeptInTheIndexIsNotGivenOut() throws {
    try RealFileSystem().createFolder(folder("crs"))
    folder.write(
      "crs/index.json",
      #"{"schema":1,"projects":[{"folder":"0123456789abcdef","key":"git:h/p?access_token=\#(token)","aliases":["git:h/\#(token)/q"]}]}"#
    )
    let index = try ProjectIndex(dataFolder: folder.path, fileSystem: RealFileSystem())
    #expect(!"\(index.projects)".contains(token))
    #expect(index.project(ProjectIdentity(key: "git:h/p"))?.folder == "0123456789abcdef")
  }

  @Test func anotherRepositoryInTheSameFolderIsAnotherProject() throws {
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    let first = try index.register(ProjectIdentity(key: "git:h/a", aliases: ["path:1", "root:a"]), context: context)
    for other in [
      ProjectIdentity(key: "git:h/b", aliases: ["path:1", "root:b"]),
      ProjectIdentity(key: "git:h/b", aliases: ["path:1"]),
      ProjectIdentity(key: "root:b", aliases: ["path:1"]), ProjectIdentity(key: "name:x", aliases: ["path:1"]),
    ] {
      #expect(index.project(other) == nil, "\(other)")
    }
    let second = try index.register(
      ProjectIdentity(key: "git:h/b", aliases: ["path:1", "root:b"]), context: context)
    #expect(second.folder != first.folder)
    #expect(index.project(ProjectIdentity(key: "git:h/a", aliases: ["path:2"]))?.folder == first.folder)
  }

  @Test func aForkWithARemoteOfItsOwnIsAnotherProject() throws {
    let (a, fork) = (
      ProjectIdentity(key: "git:h/a", aliases: ["path:1", "root:r"]),
      ProjectIdentity(key: "git:h/fork", aliases: ["path:2", "root:r"])
    )
    #expect(!a.isSameProject(as: fork) && !fork.isSameProject(as: a))
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    let first = try index.register(a, context: context)
    let second = try index.register(fork, context: context)
    #expect(first.folder != second.folder)
    // Without a remote it is the root commit that counts.
    let local = ProjectIdentity(key: "root:r", aliases: ["path:2"])
    #expect(a.isSameProject(as: local) && local.isSameProject(as: fork))
    #expect(index.project(local)?.folder == second.folder)
    // What was known by a remote before it had another is still known by it.
    let moved = ProjectIdentity(key: "git:h/a", aliases: ["git:h/moved", "root:r"])
    #expect(moved.isSameProject(as: ProjectIdentity(key: "git:h/moved", aliases: ["root:r"])))
    #expect(!moved.isSameProject(as: fork))
  }

  @Test func aRepositoryWhoseRemoteMovedKeepsItsState() throws {
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    let first = try index.register(ProjectIdentity(key: "git:h/old", aliases: ["path:1", "root:r"]), context: context)
    let later = ProjectIdentity(key: "git:h/new", aliases: ["path:1", "root:r"])
    #expect(try index.register(later, context: context).folder == first.folder)
    #expect(index.project(ProjectIdentity(key: "git:h/new", aliases: ["path:9"]))?.folder == first.folder)
  }

  @Test func aLostIndexIsMadeAnewFromTheProjectsFolders() throws {
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    _ = try index.register(ProjectIdentity(key: "root:r", aliases: ["path:1"]), context: context)
    _ = try index.register(ProjectIdentity(key: "git:h/p", aliases: ["path:1", "root:r"]), context: context)
    _ = try index.register(ProjectIdentity(name: "x"), context: context)
    let before = index.projects
    #expect(before.count == 2)
    folder.write("crs/index.json", "damaged")
    let error = #expect(throws: CRSError.self) {
      try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    }
    #expect(error?.remedy.contains("Move the file away") == true)
    try context.fileSystem.remove(folder("crs/index.json"))
    #expect(try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem).projects == before)
  }
}
