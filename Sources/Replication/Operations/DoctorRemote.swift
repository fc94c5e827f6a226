import Git
import Glibc
import Processes

extension Store {
  /// Looks at the way to the remote: reachable, a store or free to become one, readable, and writable as far as can be told
  /// without writing. Brings the remote's objects here; moves nothing.
  public func examineRemote(
    deadline: Deadline, connect: (String) throws(GitError) -> any Remote
  ) throws(ReplicationError) -> [Finding] {
    guard let url = settings.remote else {
      return [
        Finding(
          "remote", .note, "none is set: the memory is on this host only",
          remedy: "Set one with: crdt-backup --remote URL")
      ]
    }
    let fetched: ObjectID?
    do { fetched = try connect(url).fetch(branch: settings.branch, deadline: deadline) } catch {
      return [Finding("remote", ReplicationError(remote: error))]
    }
    var findings: [Finding] = []
    if let fetched {
      var isOurs = try isStoreOrFresh(fetched)
      if !isOurs { isOurs = try isShared(fetched) }
      if isOurs {
        findings.append(
          Finding("remote", .ok, "answers, and its branch \(settings.branch) (\(fetched.short)) is a store"))
      } else {
        findings.append(
          Finding(
            "remote", .problem, "its branch \(settings.branch) holds other files and no memory",
            remedy: "Give a repository of its own with --remote, or a branch with --branch"))
      }
    } else {
      findings.append(Finding("remote", .ok, "answers; it has no branch \(settings.branch) yet"))
    }
    if let finding = try examineWriting(to: url, deadline: deadline) { findings.append(finding) }
    return findings
  }

  private func isShared(_ remote: ObjectID) throws(ReplicationError) -> Bool {
    guard let local = try tip() else { return false }
    return try replicating { () throws(GitError) in try repository.mergeBase(local, remote) } != nil
  }

  /// `nil` where nothing can be told.
  private func examineWriting(to url: String, deadline: Deadline) throws(ReplicationError) -> Finding? {
    if let path = localPath(url) {
      let refusing = ["/objects", "/refs/heads"].map { path + $0 }.first { access($0, W_OK) != 0 && errno != ENOENT }
      guard let refusing else { return Finding("remote writable", .ok, "its files can be written") }
      return Finding(
        "remote writable", .problem, "\(refusing) cannot be written", remedy: "Ask for write access to the remote",
        code: .permission)
    }
    // git's own dry run speaks with the server's receiving side, which is where permission to write is checked.
    guard let tip = try tip() else { return nil }
    var environment = Environment.current
    let kept = [
      "GIT_SSH", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
      "GIT_SSL_NO_VERIFY",
    ]
    environment = environment.withoutGit
    for name in kept { environment[name] = Environment.current[name] }
    environment["GIT_TERMINAL_PROMPT"] = "0"
    environment["GIT_ASKPASS"] = ""
    environment["SSH_ASKPASS"] = nil
    environment["LC_ALL"] = "C"
    let command = Command(
      "git",
      [
        "-C", paths.folder, "push", "--dry-run", "--no-verify", "--porcelain", url,
        "\(tip):refs/heads/\(settings.branch)",
      ],
      environment: environment, group: .session)
    guard let result = try? command.run(deadline: deadline.atMost(seconds: 60), limitBytes: 1 << 20) else { return nil }
    // That others were faster is no lack of permission.
    if result.termination.isSuccess || result.outputText.contains("[rejected]") {
      return Finding("remote writable", .ok, "the server takes pushes")
    }
    if result.termination == .timedOut { return nil }
    let lines = result.errorText.split(separator: "\n").filter { !$0.hasPrefix("error: failed to push") }
    let word =
      lines.last { $0.hasPrefix("fatal:") || $0.hasPrefix("remote:") || $0.hasPrefix("error:") } ?? lines.last
      ?? "no reason given"
    // What is no word about permission may come from git's own way to the server, which is not ours.
    let said = result.errorText.lowercased()
    let refusals = [
      "denied", "permission", "forbidden", "403", "401", "authentication", "not allowed", "read-only", "not enabled",
    ]
    guard refusals.contains(where: { said.contains($0) }) else {
      return Finding(
        "remote writable", .note,
        "cannot be told without writing (git says: \(RemoteURL.withoutCredentials(String(word))))")
    }
    return Finding(
      "remote writable", .problem, "a push would be refused: \(RemoteURL.withoutCredentials(String(word)))",
      remedy: "Ask for write access to the remote, or check the credentials", code: .permission)
  }

  private func localPath(_ url: String) -> String? {
    var path = url
    if path.hasPrefix("file://") {
      path.removeFirst("file://".count)
      if path.hasPrefix("localhost/") { path.removeFirst("localhost".count) }
    }
    guard path.hasPrefix("/") else { return nil }
    return access(path + "/.git/objects", F_OK) == 0 ? path + "/.git" : path
  }
}
