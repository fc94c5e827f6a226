import CRDT
import CRS
import Durability
import TestKit
import Testing

/// What a remote's URL says: clones of one repository have one name, and two repositories never do.
struct ProjectRemoteTests {
  let folder = TemporaryFolder()

  private static let names: [(String, String?)] = [
    // One repository, however it is reached.
    ("https://user:token@GitHub.com/Owner/Name.git", "github.com/Owner/Name"),
    ("git@github.com:Owner/Name.git", "github.com/Owner/Name"), ("github.com:Owner/Name", "github.com/Owner/Name"),
    ("ssh://git@github.com:22/Owner/Name", "github.com/Owner/Name"),
    ("SSH://git@github.com:022/Owner/Name", "github.com/Owner/Name"),
    ("git+ssh://git@github.com/Owner/Name", "github.com/Owner/Name"),
    ("git://github.com/Owner/Name/", "github.com/Owner/Name"),
    ("git://github.com:9418/Owner/Name", "github.com/Owner/Name"),
    ("http://github.com:80//Owner/Name", "github.com/Owner/Name"),
    ("https://github.com:/Owner/Name/.git", "github.com/Owner/Name"),
    // Ports that are not the scheme's.
    ("http://localhost:3000/me/x.git", "localhost:3000/me/x"), ("http://localhost/me/x.git", "localhost/me/x"),
    ("https://localhost:3001/me/x.git", "localhost:3001/me/x"), ("https://h:80/p", "h:80/p"),
    ("ssh://git@h:2222/me/x", "h:2222/me/x"), ("git@h:2222/me/x", "h/2222/me/x"),
    ("git@[h:2222]:me/x", "h:2222/me/x"), ("[git@h:22]:me/x", "h/me/x"), ("[ada@h:2222]:x", "ada@h:2222/~/x"),
    ("http://[::1]:3000/me/x", "[::1]:3000/me/x"), ("http://[FE80::1]/me/x", "[fe80::1]/me/x"),
    ("ssh://git@[::1]:22/me/x", "[::1]/me/x"), ("git@[::1]:me/x", "[::1]/me/x"), ("[::1]:me/x", "[::1]/me/x"),
    // Home folders are of a user; the one of `git` is no home.
    ("alice@server.example:notes.git", "alice@server.example/~/notes"),
    ("bob@server.example:notes.git", "bob@server.example/~/notes"),
    ("alice@h:~/notes", "alice@h/~/notes"), ("ssh://alice@h/~/x.git", "alice@h/~/x"),
    ("ssh://alice:secret@h:2222/~/x.git", "alice@h:2222/~/x"), ("git@h:~me/x", "h/~me/x"),
    ("https://alice@h/~me/x", "h/~me/x"), ("https://alice@h/~/x", "h/~/x"), ("alice@h:~bob/x", "h/~bob/x"),
    ("ssh://alice@h/srv/x.git", "h/srv/x"), ("alice:secret@h:notes", "alice@h/~/notes"),
    ("alice@h:/srv/x.git", "h//srv/x"), ("git@h:/srv/x.git", "h//srv/x"), ("git@h:srv/x.git", "h/srv/x"),
    // Transports.
    ("gcrypt::https://h/x.git", "gcrypt::h/x"), ("gcrypt::git@h:x", "gcrypt::h/x"), ("ext::sh -c x", nil),
    // Fragments and credentials say nothing, other parameters do.
    ("https://h/p.git?access_token=x", "h/p"), ("https://h/p#x", "h/p"), ("https://h/p#x?repo=a", "h/p"),
    ("https://h/p?", "h/p"), ("https://h/p?PRIVATE-TOKEN=x&key=y&auth=z;password=w", "h/p"),
    ("https://h/p?private%5Ftoken=x", "h/p"), ("https://h/p?ghp_16C7e42F292c6912E7710c838347Ae178B4a", "h/p"),
    // Paths of this host.
    ("/srv/git/name.git", nil), ("file:///srv/name.git", nil), ("../name", nil), ("./a:b", nil), ("https://host", nil),
    ("h:", nil), (":x", nil), ("https:///x", nil), ("[", nil), ("[]:x", nil), ("::", nil), ("x::", nil), ("", nil),
  ]

  @Test(arguments: names)
  func aRemoteHasOneName(url: String, expected: String?) {
    #expect(ProjectIdentity.normalized(remote: url) == expected)
  }

  @Test func whatAQueryAsksForIsPartOfTheNameAndNotInClear() throws {
    func name(_ query: String) throws -> String {
      try #require(ProjectIdentity.normalized(remote: "https://h/repo.git?" + query))
    }
    let a = try name("repo=apricot")
    #expect(try name("repo=apple") != a)
    #expect(a.hasPrefix("h/repo?") && a.utf8.count == "h/repo?".utf8.count + 16 && !a.contains("apricot"))
    #expect(try name("token=x&repo=apricot&auth=y#z") == a)
    // As it is kept, too, and read again from what is kept.
    try GitProgram.run(["init", "-q", folder("r")], in: folder.path)
    try GitProgram.run(["remote", "add", "origin", "https://h/repo.git?token=x&repo=apricot"], in: folder("r"))
    let identity = try ProjectIdentity.of(folder: folder("r"), name: nil)
    #expect(identity.key.description == "git:" + a)
    let context = Fixture.context()
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    _ = try index.register(identity, context: context)
    let again = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    #expect(try again.project(identity)?.identity.key == identity.key)
  }

  @Test(arguments: ["http://localhost:3000/me/x", "http://[::1]:3000/me/x", "alice@server.example:notes.git"])
  func aNameThatIsNoSecretIsKept(url: String) throws {
    try GitProgram.run(["init", "-q", folder("r")], in: folder.path)
    try GitProgram.run(["remote", "add", "origin", url], in: folder("r"))
    let normalized = try #require(ProjectIdentity.normalized(remote: url))
    #expect(try ProjectIdentity.of(folder: folder("r"), name: nil).key.description == "git:" + normalized)
  }

  @Test func severalRemotesOfWhichNoneIsOriginNameNoProject() throws {
    let repository = folder("r")
    try GitProgram.run(["init", "-q", repository], in: folder.path)
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "root"], in: repository)
    try GitProgram.run(["remote", "add", "gl", "git@gl:me/x.git"], in: repository)
    #expect(try ProjectIdentity.of(folder: repository, name: nil).key == "git:gl/me/x")
    // Two ways to one repository.
    try GitProgram.run(["remote", "add", "gh", "https://gl/me/x"], in: repository)
    #expect(try ProjectIdentity.of(folder: repository, name: nil).key == "git:gl/me/x")
    for url in ["https://gh/me/x", "/srv/x"] {
      try GitProgram.run(["remote", "set-url", "gh", url], in: repository)
      let error = #expect(throws: CRSError.self) { try ProjectIdentity.of(folder: repository, name: nil) }
      #expect(error?.code == .usage)
      #expect(
        error?.message.contains("its remotes gh and gl are several, and none is called origin") == true, "\(url)")
      #expect(error?.remedy.contains("--project NAME") == true && error?.remedy.contains("rename") == true)
    }
    #expect(try ProjectIdentity.of(folder: repository, name: "x").key == "name:x")
    // Paths name nothing, however many.
    try GitProgram.run(["remote", "set-url", "gl", "../x"], in: repository)
    #expect(try ProjectIdentity.of(folder: repository, name: nil).key.description.hasPrefix("root:"))
    try GitProgram.run(["remote", "add", "origin", "https://h/x"], in: repository)
    #expect(try ProjectIdentity.of(folder: repository, name: nil).key == "git:h/x")
  }

  @Test func aFolderThatTellsNoProjectSaysWhy() throws {
    func message(_ folder: String) -> String {
      let error = #expect(throws: CRSError.self) { try ProjectIdentity.of(folder: folder, name: nil) }
      #expect(error?.code == .usage && error?.remedy.contains("--project NAME") == true)
      return error?.message ?? ""
    }
    let repository = folder("r")
    try GitProgram.run(["init", "-q", repository], in: folder.path)
    #expect(message(folder.path).contains("is in no git repository"))
    #expect(message(repository).contains("has no remote to know it by, and has no commit yet"))
    #expect(message(repository + "/.git").contains("a folder of git's own"))
    for subject in ["one", "two"] {
      try GitProgram.run(
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", subject], in: repository)
    }
    try GitProgram.run(["clone", "-q", "--bare", repository, folder("bare")], in: folder.path)
    #expect(message(folder("bare")).contains("in no working tree, but in a bare repository"))
    try GitProgram.run(["clone", "-q", "--depth", "1", "file://" + repository, folder("shallow")], in: folder.path)
    #expect(message(folder("shallow")).contains("is a shallow clone, which does not tell its root commit"))
    try GitProgram.run(["remote", "remove", "origin"], in: folder("shallow"))
    #expect(message(folder("shallow")).contains("has no remote to know it by, and is a shallow clone"))
  }
}
