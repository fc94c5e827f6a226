import CRDT
import CRS
import Durability
import Glibc
import Processes
import TestKit
import Testing

struct ProjectTests {
  let folder = TemporaryFolder()

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
    #expect(byRemote.isSameProject(as: byRoot))
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

  @Test func aRemoteThatIsAPathNamesNoProjectWithoutACommit() throws {
    let repository = folder("repository")
    try GitProgram.run(["init", "-q", repository], in: folder.path)
    for url in ["/srv/git/p.git", "../p.git", "file:///srv/git/p.git"] {
      _ = try? GitProgram.run(["remote", "remove", "origin"], in: repository)
      try GitProgram.run(["remote", "add", "origin", url], in: repository)
      let error = #expect(throws: CRSError.self) { try ProjectIdentity.of(folder: repository, name: nil) }
      #expect(error?.code == .usage && error?.message.contains("origin is a path") == true, "\(url)")
      #expect(error?.remedy.contains("--project") == true)
    }
    #expect(try ProjectIdentity.of(folder: repository, name: "x").key == "name:x")
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "root"], in: repository)
    #expect(try ProjectIdentity.of(folder: repository, name: nil).key.description.hasPrefix("root:"))
  }

  /// git that is missing, dies or does not answer: never "no repository", and never another identity.
  @Test func whatGitDoesNotAnswerIsNoIdentity() throws {
    let repository = folder("repository")
    try GitProgram.run(["init", "-q", repository], in: folder.path)
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "root"], in: repository)
    try GitProgram.run(["remote", "add", "origin", "https://h/p.git"], in: repository)
    var environment = Environment.current
    let path = environment["PATH"] ?? "/usr/bin:/bin"
    try RealFileSystem().createFolder(folder("bin"))
    func identity(of script: String?, waitSeconds: Double = 20) throws -> ProjectIdentity {
      try RealFileSystem().remove(folder("bin/git"))
      if let script { folder.write("bin/git", "#!/bin/sh\n" + script + "\n", mode: 0o700) }
      environment["PATH"] = script == nil ? folder("bin") : folder("bin") + ":" + path
      return try ProjectIdentity.of(
        folder: repository, name: nil, environment: environment, waitSeconds: waitSeconds)
    }
    #expect((#expect(throws: CRSError.self) { try identity(of: nil) })?.code == .configuration)
    #expect((#expect(throws: CRSError.self) { try identity(of: "kill -9 $$") })?.code == .storage)
    let slow = #expect(throws: CRSError.self) { try identity(of: "exec sleep 600", waitSeconds: 0.2) }
    #expect(slow?.code == .storage && slow?.message.contains("no answer") == true)
    // Only the remote's name is not to be had: the root commit would be another project.
    let real = try #require(
      path.split(separator: ":").map { $0 + "/git" }.first { Glibc.access(String($0), X_OK) == 0 })
    #expect(
      throws: CRSError.self,
      performing: { try identity(of: "case \"$*\" in *' remote'*) kill -9 $$;; esac; exec \(real) \"$@\"") })
    #expect(try identity(of: "exec \(real) \"$@\"").key == "git:h/p")
    environment["PATH"] = folder("bin")
    try RealFileSystem().remove(folder("bin/git"))
    #expect(try ProjectIdentity.of(folder: repository, name: "x", environment: environment).key == "name:x")
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
    #expect(try again.project(later)?.folder == project.folder)
    #expect(try again.project(ProjectIdentity(name: "other")) == nil)
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
