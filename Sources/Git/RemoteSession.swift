import CLibgit2
import Processes

/// One call on a remote: its connection, its failures, what the server said.
///
/// Used on the thread of the call only; libgit2's callbacks find it through their payload.
final class RemoteSession {
  let repository: LibGit2Repository
  let url: String
  let address: RemoteURL
  let operation: String
  let deadline: Deadline
  let network: NetworkContext
  var remoteLines: [String] = []
  /// ref → the server's refusal, or `nil` for "ok".
  var pushReport: [String: String?] = [:]
  private var sideband = RecentLines()
  private var credentials: Credentials?
  /// The server's repository is one that libgit2 cannot talk about.
  private(set) var isSHA256 = false

  init(_ repository: LibGit2Repository, url: String, operation: String, deadline: Deadline) throws(GitError) {
    self.repository = repository
    self.url = url
    self.operation = operation
    self.deadline = deadline
    address = try RemoteURL(url, operation: operation)
    network = NetworkContext(operation: operation, deadline: deadline)
  }

  var failure: GitError? { network.failure }

  /// Runs a callback's body; a throw is kept for the report and told libgit2 as -1.
  func failing(_ body: () throws(GitError) -> Int32) -> Int32 {
    do throws(GitError) {
      return try body()
    } catch {
      network.record(error)
      git_error_set_str(Int32(GIT_ERROR_NET.rawValue), error.message)
      return -1
    }
  }

  // MARK: Connecting

  func connect(isPush: Bool) throws(GitError) -> Connection {
    let service = isPush ? "receive-pack" : "upload-pack"
    switch address {
    case .path(let path):
      // An empty SHA-256 repository does not say over the wire what it is.
      try RepositoryForm.check(path, operation)
      let command = Command("git", [service, path], environment: repository.environment.withoutGit)
      return try ChildConnection(command, isPush: isPush, operation: operation, deadline: deadline)
    case .ssh(let user, let host, let port, let path):
      let command = SSHCommand.make(
        user: user, host: host, port: port, remoteCommand: "git-\(service) " + SSHCommand.quoted(path),
        environment: repository.environment, sshCommandSetting: try repository.setting("core.sshCommand"),
        allowsTerminal: repository.allowsTerminal)
      return try ChildConnection(command, isPush: isPush, operation: operation, deadline: deadline)
    case .daemon(let host, let port, let path):
      let socket = try TCP.connect(host: host, port: port, operation: operation, deadline: deadline)
      let connection = SocketConnection(socket, operation: operation, deadline: deadline)
      let name = host.utf8.contains(0x3A) ? "[\(host)]" : host
      let line = Array("git-\(service) \(path)\0host=\(name):\(port)\0".utf8)
      let size = String(line.count + 4, radix: 16)
      let request = Array((String(repeating: "0", count: 4 - size.utf8.count) + size).utf8) + line
      // The length has four hex digits.
      guard request.count <= 0xFFFF else {
        throw GitError(.invalid, operation: operation, message: "the path is too long", isRetryable: false)
      }
      var failure: GitError?
      request.withUnsafeBytes { bytes in
        do throws(GitError) { try connection.write(bytes) } catch { failure = error }
      }
      if let failure { throw failure }
      return connection
    case .http:
      throw GitError(.other, operation: operation, message: "http has its own transport", isRetryable: false)
    }
  }

  /// Looks at the first bytes of the server's greeting for what libgit2 cannot understand.
  func inspect(_ bytes: UnsafeRawBufferPointer) {
    if String(decoding: bytes.prefix(4096), as: UTF8.self).contains("object-format=sha256") {
      isSHA256 = true
    }
  }

  // MARK: Callbacks

  /// The callbacks of this session. They hold it unretained: it has to outlive the remote.
  func callbacks() throws(GitError) -> git_remote_callbacks {
    var callbacks = git_remote_callbacks()
    try LibGit2.check(
      git_remote_init_callbacks(&callbacks, UInt32(GIT_REMOTE_CALLBACKS_VERSION)), operation)
    callbacks.payload = Unmanaged.passUnretained(self).toOpaque()
    callbacks.sideband_progress = { text, count, payload in
      guard let text, count > 0 else { return 0 }
      let bytes = UnsafeRawBufferPointer(start: text, count: Int(count))
      RemoteSession.of(payload).sideband.append(bytes)
      return 0
    }
    callbacks.push_update_reference = { ref, status, payload in
      guard let ref else { return -1 }
      RemoteSession.of(payload).pushReport[String(cString: ref)] = .some(status.map { String(cString: $0) })
      return 0
    }
    if case .http = address {
      callbacks.credentials = { out, _, username, allowed, payload in
        RemoteSession.of(payload).answer(out, username.map { String(cString: $0) }, allowed)
      }
      let verifies = try HTTPSettings.verifiesCertificates(repository, url: url)
      if !verifies { callbacks.certificate_check = { _, _, _, _ in 0 } }
    } else {
      callbacks.transport = SmartChannel.makeTransport
    }
    return callbacks
  }

  private static func of(_ payload: UnsafeMutableRawPointer?) -> RemoteSession {
    Unmanaged<RemoteSession>.fromOpaque(payload!).takeUnretainedValue()
  }

  private var home: GitHome {
    GitHome(
      gitFolder: repository.gitFolder, environment: repository.environment,
      allowsTerminal: repository.allowsTerminal)
  }

  /// The server wants credentials. Asked once, as git does: a second time means that they were refused.
  private func answer(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_credential>?>?, _ username: String?,
    _ allowed: UInt32
  ) -> Int32 {
    func refuse(_ message: String) -> Int32 {
      network.record(
        GitError(.authentication, operation: operation, message: message, isRetryable: false))
      git_error_set_str(Int32(GIT_ERROR_HTTP.rawValue), message)
      return GIT_EAUTH.rawValue
    }
    guard allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT.rawValue != 0 else {
      return refuse("the server wants a kind of authentication that is not supported")
    }
    if let credentials {
      credentials.reject(in: home)
      self.credentials = nil
      return refuse("the server refused the credentials of \(credentials.username)")
    }
    if deadline.hasPassed {
      network.record(Connection.timedOut(operation))
      return -1
    }
    guard
      let found = Credentials.fill(url: url, username: username, in: home, deadline: deadline)
    else {
      if deadline.hasPassed {
        network.record(Connection.timedOut(operation))
        return -1
      }
      return refuse("the server wants credentials and no git credential helper has any for it")
    }
    credentials = found
    return git_credential_userpass_plaintext_new(out, found.username, found.password)
  }

  // MARK: The end

  /// Everything went well: helpers may remember the credentials.
  func succeed() {
    credentials?.approve(in: home)
  }

  /// The lines of hooks and programs on the other side, most telling last.
  var lines: [String] { remoteLines + sideband.lines }

  var unsupportedFormat: GitError {
    GitError(
      .unsupportedRepository, operation: operation,
      message: "its object format is sha256; only sha1 can be used", isRetryable: false)
  }

  /// Turns a failed libgit2 call into what really happened. Call after the remote was closed, so that all the
  /// other side said is known.
  func explain(_ error: GitError) -> GitError {
    if let failure { return failure }
    if isSHA256 { return unsupportedFormat }
    // A failure to write here is known for what it is: only the other side's own words can say more.
    let words = error.code == .storage ? remoteLines : remoteLines + [error.message]
    if let told = RemoteFailure.classify(words, operation: operation) { return told }
    if deadline.hasPassed { return Connection.timedOut(operation) }
    guard let word = RemoteFailure.lastWord(lines) else { return error }
    var error = error
    error.message += " (\(word))"
    return error
  }
}
