import CommandSupport
import Durability
import Git
import Glibc
import Processes
import Replication

/// What `doctor` looks at outside of the store: programs, schedule, hook, merge driver, and the remote as cron sees it.
struct MachineChecks {
  let folder: String
  let store: Store?
  let isFixing: Bool

  // MARK: Programs

  func programs() -> [Finding] {
    var findings: [Finding] = []
    let features = LibGit2Repository.libraryFeatures
    let remote = store?.settings.remote ?? ""
    let needsHTTPS = remote.hasPrefix("https://")
    findings.append(
      needsHTTPS && !features.contains("https")
        ? Finding(
          "libgit2", .problem, "\(LibGit2Repository.libraryVersion) is built without https",
          remedy: "Install one with it, or use ssh")
        : Finding("libgit2", .ok, "\(LibGit2Repository.libraryVersion) (\(features.joined(separator: ", ")))"))
    findings.append(git())
    let scpForm = !remote.contains("://") && remote.prefix { $0 != "/" }.contains(":")
    if remote.hasPrefix("ssh://") || scpForm, Executable.find("ssh") == nil {
      findings.append(
        Finding("ssh", .problem, "no ssh on the PATH, and the remote needs it", remedy: "Install an ssh client"))
    }
    return findings
  }

  private func git() -> Finding {
    guard let path = Executable.find("git"),
      let result = try? Command(path, ["--version"]).run(deadline: .after(seconds: 10)), result.termination.isSuccess
    else {
      return Finding(
        "git", .problem, "no git on the PATH", remedy: "Install git: remotes by path, credentials and hooks need it")
    }
    let version = result.outputText.split(separator: " ").dropFirst(2).first.map(String.init) ?? result.outputText
    let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
    if numbers.count == 2, (numbers[0], numbers[1]) < (2, 20) {
      return Finding(
        "git", .note, "\(version) (\(path)) is older than what this was tried with (2.20)", remedy: "Update git")
    }
    return Finding("git", .ok, "\(version) (\(path))")
  }

  // MARK: The remote as cron has it

  /// The remote again from a child with nothing but HOME and a PATH: no agent, no variables of a login.
  func remoteAsCron() -> Finding? {
    guard let store, store.settings.remote != nil, let program = try? ThisProgram.path() else { return nil }
    let scheduled = try? ScheduledCommand.current(store: folder)
    var environment = Environment()
    environment["HOME"] = Environment.current["HOME"]
    environment["PATH"] = scheduled?.path ?? "/usr/bin:/bin"
    let command = Command(
      program, ["doctor", "--probe-remote", "--store", folder], environment: environment, folder: "/", group: .session)
    let check = "remote from cron"
    guard let result = try? command.run(deadline: .after(seconds: 90), limitBytes: 1 << 20) else {
      return Finding(check, .problem, "the check could not be started", code: .internal)
    }
    let remedy =
      "A scheduled run has no ssh agent and no variables of your login: use a key without passphrase named in "
      + "~/.ssh/config, or a git credential helper that works without a terminal"
    switch result.termination {
    case .exited(0): return Finding(check, .ok, "works with HOME and PATH alone")
    case .exited(let status):
      var words = result.errorText.split(separator: "\n").last.map(String.init) ?? "exit code \(status)"
      if words.hasPrefix("crdt-backup: ") { words.removeFirst("crdt-backup: ".count) }
      let code: ReplicationError.Code = status == 77 ? .permission : status == 75 ? .notOnRemote : .configuration
      return Finding(check, .problem, words, remedy: remedy, code: code)
    case .signaled, .timedOut:
      return Finding(check, .problem, "no answer in time", remedy: remedy, code: .notOnRemote)
    }
  }

  // MARK: Schedule and hook

  func schedule() -> Finding {
    do {
      let found = try ScheduleState.read(store: folder)
      guard found.isScheduled else {
        return Finding("schedule", .note, "no scheduled backup", remedy: "crdt-backup schedule install")
      }
      if found.cronJob != nil, !Crontab.isDaemonRunning, !(found.hasTimer && found.timer.isActive) {
        return Finding(
          "schedule", .note, "the crontab has the backup, but no cron daemon seems to run", remedy: "Start cron")
      }
      if found.cronJob == nil, !found.timer.isActive {
        return Finding(
          "schedule", .note, "\(found.timer.timerPath) is there, but not active",
          remedy: found.timer.startCommands.joined(separator: " && "))
      }
      return Finding(
        "schedule", .ok, found.cronJob.map { "cron: \($0.prefix { $0 != "/" })".trimmingEnd } ?? found.timer.timerPath)
    } catch {
      return Finding("schedule", .note, error.message, remedy: error.remedy)
    }
  }

  /// - Parameter repo: a project; `nil` takes the current folder, if it is in one.
  func hook(repo: String?) -> Finding? {
    do {
      let repository = try ProjectRepository.find(repo ?? ".")
      if let store, HookReport.isStore(repository, store.paths) { return nil }
      let report = try HookReport.reading(repository, store: folder)
      if report.isActive {
        return Finding(
          "hook", report.warnings.isEmpty ? .ok : .note, report.sentence,
          remedy: report.warnings.joined(separator: "; "))
      }
      let isBroken = report.isUnreachable || report.state.isInstalled
      return Finding(
        "hook", isBroken ? .problem : .note, report.sentence,
        remedy: report.hooksFolderIsUsable
          ? "crdt-backup hook install --repo \(ShellText.quoted(repository.top))" : "Change core.hooksPath")
    } catch {
      return repo == nil ? nil : Finding("hook", error)
    }
  }

  // MARK: Merge driver

  /// For people who merge the store by hand with git.
  func mergeDriver() -> Finding? {
    guard let store else { return nil }
    let check = "merge driver"
    let attributes = (try? RealFileSystem().read(folder + "/.gitattributes", limitBytes: 1 << 20)) ?? nil
    let hasAttributes = attributes.map { String(decoding: $0, as: UTF8.self).contains("merge=crdt-memory") } ?? false
    let driver = (try? store.repository.setting("merge.crdt-memory.driver")) ?? nil
    if let driver, !driver.isEmpty {
      // git puts file names in the place of % and a letter, and % in the place of %%.
      let program = ShellText.firstWord(driver).split(separator: "%%", omittingEmptySubsequences: false)
        .joined(separator: "%")
      guard Executable.find(program) != nil else {
        return registering(
          Finding(
            check, .problem, "it is registered as \(program), which is not there",
            remedy: "Run in the store: crdt-merge install"))
      }
      if !hasAttributes {
        return Finding(
          check, .note, "registered, but the store has no .gitattributes that names it yet",
          remedy: "The next backup writes it")
      }
      return Finding(check, .ok, program)
    }
    return registering(
      Finding(
        check, .note, "not registered: `git merge` by hand in the store would merge as text",
        remedy: "crdt-backup doctor --fix, or run in the store: crdt-merge install"))
  }

  private func registering(_ finding: Finding) -> Finding {
    var finding = finding
    guard isFixing, let store, let own = try? ThisProgram.path(), let slash = own.lastIndex(of: "/") else {
      return finding
    }
    let beside = own[..<slash] + "/crdt-merge"
    guard let program = Executable.find(String(beside)) ?? Executable.find("crdt-merge"), program.hasPrefix("/") else {
      return finding
    }
    // git puts file names in the place of % and a letter.
    let word = ShellText.quoted(program).split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
    do {
      try store.repository.setSetting("merge.crdt-memory.name", to: "CRDT join of memory files")
      try store.repository.setSetting("merge.crdt-memory.driver", to: "\(word) driver %O %A %B %P")
      finding.fixed = "registered \(program) in the store"
    } catch {
      finding.remedy = "\(error)"
    }
    return finding
  }
}

extension String {
  fileprivate var trimmingEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
