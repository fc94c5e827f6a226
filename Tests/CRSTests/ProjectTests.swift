import CRDT
import CRS
import Durability
import TestKit
import Testing

struct ProjectTests {
  let folder = TemporaryFolder()

  @Test(
    arguments: [
      ("https://user:token@GitHub.com/Owner/Name.git", "github.com/Owner/Name"),
      ("git@github.com:Owner/Name.git", "github.com/Owner/Name"),
      ("ssh://git@github.com:22/Owner/Name", "github.com/Owner/Name"),
      ("git://github.com/Owner/Name/", "github.com/Owner/Name"),
      ("/srv/git/name.git", nil), ("file:///srv/name.git", nil), ("../name", nil), ("https://host", nil), ("", nil),
    ] as [(String, String?)])
  func oneRemoteHasOneName(url: String, expected: String?) {
    #expect(ProjectIdentity.normalized(remote: url) == expected)
  }

  @Test func aProjectIsItsRemoteElseItsRootCommitElseItsName() throws {
    #expect(throws: CRSError.self) { try ProjectIdentity.of(folder: folder.path, name: nil) }
    #expect(try ProjectIdentity.of(folder: folder.path, name: "x").key == "name:x")
    let repository = folder("repository")
    try GitProgram.run(["init", "-q", repository], in: folder.path)
    #expect(throws: CRSError.self) { try ProjectIdentity.of(folder: repository, name: nil) }
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "root"], in: repository)
    let byRoot = try ProjectIdentity.of(folder: repository, name: nil)
    #expect(byRoot.key.description.hasPrefix("root:"))
    try GitProgram.run(["clone", "-q", repository, folder("clone")], in: folder.path)
    // A clone of a path has no remote that means anything elsewhere.
    #expect(try ProjectIdentity.of(folder: folder("clone"), name: nil).key == byRoot.key)
    try GitProgram.run(["remote", "set-url", "origin", "https://h/p.git"], in: folder("clone"))
    let byRemote = try ProjectIdentity.of(folder: folder("clone"), name: nil)
    #expect(byRemote.key == "git:h/p")
    #expect(!byRemote.sharedNames.isDisjoint(with: byRoot.sharedNames))
  }

  @Test func aRemoteIsReadAsWrittenAndNeedsNoCommit() throws {
    let repository = folder("repository")
    try GitProgram.run(["init", "-q", repository], in: folder.path)
    try GitProgram.run(["remote", "add", "origin", "https://h/p.git"], in: repository)
    #expect(try ProjectIdentity.of(folder: repository, name: nil).key == "git:h/p")
    for other in ["https://mirror/", "/srv/mirror/"] {
      try GitProgram.run(["config", "url.\(other).insteadOf", "https://h/"], in: repository)
      #expect(try ProjectIdentity.of(folder: repository, name: nil).key == "git:h/p")
      try GitProgram.run(["config", "--unset", "url.\(other).insteadOf"], in: repository)
    }
  }

  @Test func aProjectThatGetsARemoteKeepsItsFolder() throws {
    let context = Fixture.context()
    let first = ProjectIdentity(key: "root:abc", aliases: ["path:1"])
    let later = ProjectIdentity(key: "git:h/p", aliases: ["path:1", "root:abc"])
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    let project = try index.register(first, context: context)
    #expect(try index.register(later, context: context).folder == project.folder)
    let again = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    #expect(again.projects.count == 1)
    #expect(again.project(later)?.folder == project.folder)
    #expect(again.project(ProjectIdentity(name: "other")) == nil)
  }

  @Test func aDamagedIndexIsRefused() throws {
    try RealFileSystem().createFolder(folder("crs"))
    for text in ["{", #"{"schema":1,"projects":[{"folder":"../x","key":"k"}]}"#, "[]"] {
      folder.write("crs/index.json", text)
      let error = #expect(throws: CRSError.self) {
        try ProjectIndex(dataFolder: folder.path, fileSystem: RealFileSystem())
      }
      #expect(error?.code == .corrupted)
    }
  }

  @Test func anExportComesBackAndADamagedOneDoesNot() throws {
    var engine = Fixture.engine()
    for json in Fixture.everything { try engine.apply(json) }
    let export = StateExport(
      project: "name:x", created: Fixture.wall, host: "hosta", generation: 9, state: engine.state)
    #expect(try StateExport(export.bytes) == export)
    var bytes = export.bytes
    let place = try #require(bytes.firstRange(of: Array(#""count"#.utf8)))
    bytes[place.upperBound + 6] ^= 1
    #expect(throws: CRSError.self) { try StateExport(bytes) }
    #expect(throws: CRSError.self) { try StateExport(Array(export.bytes.dropLast(3))) }
  }
}
