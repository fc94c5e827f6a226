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

  private static let credentials = [
    "token=hunter", "TOKEN=hunter", "access_token=hunter", "accessToken:hunter", "p;token=hunter", "token;hunter",
    "secret:hunter", "secrets=hunter", "client-secret=hunter", "password=hunter", "passwd:hunter", "pass=hunter",
    "apikey=hunter", "api_key=hunter", "x-api-key:hunter", "access_key=hunter", "private_key=hunter", "auth=hunter",
    "xauth:hunter", "oauth:hunter", "oauth2:hunter@host", "bearer:hunter", "authorization=hunter", "credential=hunter",
    "credentials:hunter", "ada:hunter@host", "a=1;token=hunter", "jwt=hunter",
  ]

  @Test(arguments: credentials)
  func whatARemoteCallsACredentialIsNotKept(part: String) throws {
    let separators = ["=": "%3D", ":": "%3a", ";": "%3B"]
    var escaped = part
    for (sign, code) in separators { escaped = escaped.replacing(sign, with: code) }
    for text in [part, escaped, escaped.replacing("%", with: "%25")] {
      for url in ["https://h/\(text)/p.git", "https://h/p/\(text)", "https://h/p;v=1;\(text)/q"] {
        let repository = try repository("r-\(UInt64.random(in: 0...(.max)))", remote: url)
        let identity = try ProjectIdentity.of(folder: repository, name: nil)
        #expect(identity.key.description.hasPrefix("git:sha256:") && !"\(identity)".contains("hunter"), "\(url)")
      }
      let error = #expect(throws: CRSError.self) { try ProjectIdentity.of(folder: folder.path, name: text) }
      #expect(error?.code == .secretFound && error.map { "\($0)".contains("hunter") } == false, "\(text)")
    }
  }

  @Test(arguments: [
    "me/token-bucket", "me/secret-santa", "me/token", "me/auth", "secrets/password", "me/oauth2-proxy", "me/a=b",
    "me/v:1", "me/p;v=1", "api-key/rotation", "me/token=", "~me/p", "@scope/p", "me/tokens/count=5", "me/tokenizer:v2",
    "me/4f2a9d61-33c1-4a0e-9a53-8c1c0a54b2ee", "me/0123456789abcdef0123456789abcdef01234567",
    "group/a-rather-long-name-of-a-service-that-hands-out-tokens-2026-and-keeps-none/of/its/subgroups",
    "me/AReadableNameInCamelCaseForTheTokenService2", "me/%E2%82%AC-rates", "me/p%20q",
  ])
  func anOrdinaryNameIsKeptAsItIs(path: String) throws {
    let repository = try repository("repository", remote: "https://h/\(path).git")
    #expect(try ProjectIdentity.of(folder: repository, name: nil).key.description == "git:h/\(path)")
    #expect(try ProjectIdentity.of(folder: folder.path, name: path).key.description == "name:\(path)")
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
    #expect(try index.project(ProjectIdentity(key: "git:h/p"))?.folder == "0123456789abcdef")
  }

  @Test func anotherRepositoryInTheSameFolderIsAnotherProject() throws {
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    let first = try index.register(ProjectIdentity(key: "git:h/a", aliases: ["path:1", "root:a"]), context: context)
    for other in [
      ProjectIdentity(key: "git:h/b", aliases: ["path:1", "root:b"]),
      ProjectIdentity(key: "git:h/b", aliases: ["path:1"]),
      ProjectIdentity(key: "root:b", aliases: ["path:1"]), ProjectIdentity(key: "name:x", aliases: ["path:1"]),
    ] {
      #expect(try index.project(other) == nil, "\(other)")
    }
    let second = try index.register(
      ProjectIdentity(key: "git:h/b", aliases: ["path:1", "root:b"]), context: context)
    #expect(second.folder != first.folder)
    #expect(try index.project(ProjectIdentity(key: "git:h/a", aliases: ["path:2"]))?.folder == first.folder)
  }
}
