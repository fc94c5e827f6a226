import Git
import Glibc
import Processes
import TestKit
import Testing

/// Every kind of remote, each with a real server.
enum Transport: String, CaseIterable, Sendable {
  case path, fileURL, ssh, scp, http, httpWithPassword, https, daemon
}

/// A bare repository behind a server, and a way to make clients of it.
final class ServedRepository {
  let folder = TemporaryFolder("crdt-served")
  let url: String
  private var settings: [(key: String, value: String)] = []
  private var environment = GitProgram.environment()
  private var servers: [AnyObject] = []

  /// `nil` when the machine lacks what the transport needs.
  init?(_ transport: Transport) throws {
    let bare = folder("served.git")
    _ = try LibGit2Repository.initializeBare(bare)
    for name in ["GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSH_COMMAND", "GIT_ASKPASS"] {
      environment[name] = nil
    }
    switch transport {
    case .path: url = bare
    case .fileURL: url = "file://" + bare
    case .ssh, .scp:
      guard try Requirement.programs("sshd", "ssh", "ssh-keygen") else { return nil }
      let server = try SSHServer()
      servers = [server]
      environment["GIT_SSH_COMMAND"] = server.sshCommand
      url = transport == .ssh ? server.url(bare) : server.scpURL(bare)
    case .http, .httpWithPassword, .https:
      guard try Requirement.programs("python3", "openssl"),
        try Requirement.check(HTTPServer.isAvailable, "git http-backend not installed")
      else { return nil }
      try GitProgram.run(["config", "http.receivepack", "true"], in: bare)
      let user = transport == .httpWithPassword ? "alice" : nil
      let server = try HTTPServer(root: folder.path, user: user, password: "s3cret", tls: transport == .https)
      servers = [server]
      url = server.url("served.git")
      if let authority = server.authorityFile { settings.append(("http.sslCAInfo", authority)) }
      if user != nil {
        settings.append(("credential.helper", "!f() { echo username=alice; echo password=s3cret; }; f"))
      }
    case .daemon:
      guard try Requirement.check(GitDaemon.isAvailable, "git daemon not installed") else { return nil }
      let server = try GitDaemon(root: folder.path)
      servers = [server]
      url = server.url("served.git")
    }
  }

  /// A fresh repository that can reach it.
  func client(_ name: String) throws -> LibGit2Repository {
    let repository = try LibGit2Repository.initialize(folder(name), branch: "main")
    repository.environment = environment
    for setting in settings { try repository.setSetting(setting.key, to: setting.value) }
    return repository
  }
}

private let soon = 30.0

@Suite struct RemoteTests {
  @Test(arguments: Transport.allCases) func fetchAndPushOverARealServer(_ transport: Transport) throws {
    guard let served = try ServedRepository(transport) else { return }
    let (one, two) = (try served.client("one"), try served.client("two"))
    let (near, far) = (try one.remote(url: served.url), try two.remote(url: served.url))
    #expect(try near.list(deadline: .after(seconds: soon)).isEmpty)
    #expect(try near.fetch(branch: "main", deadline: .after(seconds: soon)) == nil)

    let first = try one.commit("first")
    #expect(try near.push(first, branch: "main", deadline: .after(seconds: soon)) == .accepted)
    #expect(try near.push(first, branch: "main", deadline: .after(seconds: soon)) == .accepted)
    #expect(try near.list(deadline: .after(seconds: soon)) == ["refs/heads/main": first])
    #expect(try far.fetch(branch: "main", deadline: .after(seconds: soon)) == first)
    #expect(try two.readCommit(first).message == "first")

    // Somebody else was first: refused, and nothing is lost or forced.
    let theirs = try two.commit("theirs", parents: [first])
    #expect(try far.push(theirs, branch: "main", deadline: .after(seconds: soon)) == .accepted)
    let mine = try one.commit("mine", parents: [first])
    guard case .rejected = try near.push(mine, branch: "main", deadline: .after(seconds: soon)) else {
      Issue.record("a stale push was accepted")
      return
    }
    #expect(try near.fetch(branch: "main", deadline: .after(seconds: soon)) == theirs)
    let merged = try one.commit("merged", parents: [mine, theirs])
    #expect(try near.push(merged, branch: "main", deadline: .after(seconds: soon)) == .accepted)
    #expect(try far.fetch(branch: "main", deadline: .after(seconds: soon)) == merged)
    #expect(try two.isAncestor(mine, of: merged))
    #expect(try one.references(prefix: "refs/heads/").isEmpty)
  }

  @Test func hookOfTheServerIsQuotedInTheRefusal() throws {
    guard let served = try ServedRepository(.path) else { return }
    served.folder.write(
      "served.git/hooks/pre-receive", "#!/bin/sh\necho 'not today' >&2\nexit 1\n", mode: 0o755)
    let client = try served.client("one")
    let outcome = try client.remote(url: served.url)
      .push(client.commit("x"), branch: "main", deadline: .after(seconds: soon))
    guard case .rejected(let reason) = outcome else {
      Issue.record("accepted")
      return
    }
    #expect(reason.contains("hook declined") && reason.contains("not today"))
  }

  @Test(arguments: ["HEAD.lock", "refs/heads/main.lock"])
  func lockOfADeadProcessInARemoteOnThisMachineRefusesOnlyWhileItMayBeALivingOnes(name: String) throws {
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    let commit = try client.commit("x")
    let lock = served.folder("served.git/" + name)
    served.folder.write("served.git/" + name, "")
    func push() throws -> PushOutcome {
      try client.remote(url: served.url).push(commit, branch: "main", deadline: .after(seconds: soon))
    }
    guard case .rejected(let reason) = try push() else {
      Issue.record("accepted")
      return
    }
    #expect(reason.contains(lock) && reason.contains("60 s"))
    #expect(access(lock, F_OK) == 0)

    var times = [timeval(tv_sec: time(nil) - 90, tv_usec: 0), timeval(tv_sec: time(nil) - 90, tv_usec: 0)]
    try #require(utimes(lock, &times) == 0)
    // The refusal that finds it abandoned takes it away, and the loop tries again.
    guard case .rejected = try push() else {
      Issue.record("accepted beside a lock")
      return
    }
    #expect(try push() == .accepted)
  }

  private func failure(_ repository: LibGit2Repository, _ url: String, seconds: Double = soon) -> GitError? {
    do {
      _ = try repository.remote(url: url).list(deadline: .after(seconds: seconds))
      return nil
    } catch {
      return error
    }
  }

  @Test func missingAndForeignPathsAreNamed() throws {
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    #expect(failure(client, served.folder("none.git"))?.code == .notARepository)
    mkdir(served.folder("plain"), 0o700)
    #expect(failure(client, "file://" + served.folder("plain"))?.code == .notARepository)
    _ = try GitProgram.run(
      ["init", "-q", "--bare", "--object-format=sha256", "sha.git"], in: served.folder.path)
    #expect(failure(client, served.folder("sha.git"))?.code == .unsupportedRepository)
  }

  @Test func sshTellsStrangersUnknownHostsAndMissingRepositoriesApart() throws {
    guard try Requirement.programs("sshd", "ssh", "ssh-keygen") else { return }
    let server = try SSHServer()
    let folder = TemporaryFolder()
    let client = try LibGit2Repository.initialize(folder("one"), branch: "main")
    func code(_ ssh: String, _ url: String) -> GitError.Code? {
      client.environment = GitProgram.environment()
      client.environment["GIT_SSH_COMMAND"] = ssh
      return failure(client, url)?.code
    }
    #expect(code(server.strangerCommand, server.url("/x.git")) == .authentication)
    #expect(code(server.untrustingCommand, server.url("/x.git")) == .untrusted)
    #expect(code(server.sshCommand, server.url("/none.git")) == .notARepository)
    #expect(code("ssh -F /dev/null", "ssh://127.0.0.1:\(Loopback.freePort())/x") == .unreachable)
    #expect(code("/no/such/ssh", server.url("/x.git")) != nil)
    client.environment["GIT_SSH_COMMAND"] = nil
    try client.setSetting("core.sshCommand", to: server.strangerCommand)
    #expect(failure(client, server.url("/x.git"))?.code == .authentication)
  }

  @Test func httpStatusAndCertificateErrorsAreTold() throws {
    guard try Requirement.programs("python3", "openssl"),
      try Requirement.check(HTTPServer.isAvailable, "git http-backend not installed")
    else { return }
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    let expected: [(Int, GitError.Code)] = [
      (401, .authentication), (403, .permission), (404, .notARepository), (503, .unreachable),
    ]
    for (status, code) in expected {
      let server = try HTTPServer(root: served.folder.path, status: status)
      #expect(failure(client, server.url("served.git"))?.code == code, "status \(status)")
    }
    let locked = try HTTPServer(root: served.folder.path, user: "alice", password: "s3cret")
    #expect(failure(client, locked.url("served.git"))?.code == .authentication)
    #expect(failure(client, locked.url("served.git", userInfo: "alice:s3cret")) == nil)
    let wrong = failure(client, locked.url("served.git", userInfo: "alice:topsecret"))
    #expect(wrong?.code == .authentication)
    #expect(wrong?.description.contains("topsecret") == false)
    try client.setSetting(
      "credential.helper", to: "!f() { echo username=alice; echo password=wrongsecret; }; f")
    let refused = failure(client, locked.url("served.git"))
    #expect(refused?.code == .authentication)
    #expect(refused?.description.contains("wrongsecret") == false)
    #expect(failure(client, "http://127.0.0.1:\(Loopback.freePort())/x")?.code == .unreachable)
    #expect(failure(client, "http://no-such-host.invalid/x")?.code == .unreachable)

    let secure = try HTTPServer(root: served.folder.path, tls: true)
    #expect(failure(client, secure.url("served.git"))?.code == .untrusted)
    try client.setSetting("http.sslVerify", to: "false")
    #expect(failure(client, secure.url("served.git")) == nil)
  }

  @Test func readOnlyDaemonRefusesThePush() throws {
    guard try Requirement.check(GitDaemon.isAvailable, "git daemon not installed") else { return }
    guard let served = try ServedRepository(.path) else { return }
    let daemon = try GitDaemon(root: served.folder.path, allowsPush: false)
    let client = try served.client("one")
    let commit = try client.commit("x")
    let error = #expect(throws: GitError.self) {
      try client.remote(url: daemon.url("served.git")).push(
        commit, branch: "main", deadline: .after(seconds: soon))
    }
    #expect(error?.code == .permission || error?.code == .notARepository)
    #expect(failure(client, "git://127.0.0.1:\(Loopback.freePort())/x")?.code == .unreachable)
  }

  @Test(arguments: ["ssh", "git", "http", "https"]) func silentServerEndsAtTheDeadline(_ scheme: String)
    throws
  {
    let server = SilentServer()
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    client.environment["GIT_SSH_COMMAND"] = "ssh -F /dev/null"
    let start = ContinuousClock.now
    let error = failure(client, "\(scheme)://127.0.0.1:\(server.port)/x.git", seconds: 0.7)
    #expect(error?.code == .timedOut)
    #expect(error?.isRetryable == true)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func silentGitProgramAndSilentHelperEndAtTheDeadline() throws {
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    mkdir(served.folder("bin"), 0o700)
    served.folder.write("bin/git", "#!/bin/sh\nexec sleep 300\n", mode: 0o755)
    let path = client.environment["PATH"] ?? ""
    client.environment["PATH"] = served.folder("bin") + ":" + path
    #expect(failure(client, served.url, seconds: 0.5)?.code == .timedOut)
    guard try Requirement.check(HTTPServer.isAvailable, "git http-backend not installed") else { return }
    let locked = try HTTPServer(root: served.folder.path, user: "alice")
    #expect(failure(client, locked.url("served.git"), seconds: 2)?.code == .timedOut)
  }

  @Test func missingGitIsSaid() throws {
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    client.environment["PATH"] = "/nonexistent"
    #expect(failure(client, served.url)?.message.contains("git is needed") == true)
  }

  @Test func userSettingInsteadOfIsHonoured() throws {
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    try client.setSetting("url.\(served.folder.path)/.insteadOf", to: "work:")
    #expect(failure(client, "work:served.git") == nil)
  }

  @Test func shallowRepositoryDoesNotPush() throws {
    guard let served = try ServedRepository(.path) else { return }
    let client = try served.client("one")
    let commit = try client.commit("x")
    served.folder.write("one/.git/shallow", "\(commit)\n")
    let shallow = try LibGit2Repository.open(served.folder("one"))
    #expect(shallow.isShallow)
    let remote = try shallow.remote(url: served.url)
    #expect(
      code { _ = try remote.push(commit, branch: "main", deadline: .after(seconds: soon)) }
        == .unsupportedRepository)
  }
}
