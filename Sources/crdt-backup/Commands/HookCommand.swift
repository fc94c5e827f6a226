import ArgumentParser
import CommandSupport
import Durability
import Glibc
import Memory
import Processes
import Replication

struct HookCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hook",
    abstract: "Back up after each commit in a project of yours, in the background.",
    discussion: """
      The commit neither waits for the backup nor fails with it. A burst of commits, such as a rebase, makes one backup or \
      two. A post-commit hook that is there keeps running.
      """,
    subcommands: [HookInstall.self, HookUninstall.self, HookStatus.self, HookRun.self])
}

/// Which project.
struct ProjectOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The project's repository (default: the one the current folder is in).", valueName: "dir"),
    completion: .directory)
  var repo: String?

  func find() throws -> ProjectRepository { try ProjectRepository.find(repo ?? ".") }
}

struct HookInstall: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Put a post-commit hook into a project's repository.",
    discussion: """
      Goes where git looks for hooks (core.hooksPath; the main repository of a worktree; the submodule's own). A hook that \
      is a shell script gets a marked block below its first line; any other keeps running behind ours, as \
      post-commit.before-crdt-backup. Running it again changes nothing.
      """)

  @OptionGroup var project: ProjectOptions
  @OptionGroup var storeOptions: StoreOptions
  @Flag(help: "Tell what would be done, and write nothing.")
  var dryRun = false
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("hook install", printsResult: dryRun) {
      let repository = try project.find()
      let store = try storeOptions.open()
      if HookReport.isStore(repository, store.paths) {
        throw ReplicationError(
          .usage, "\(repository.top) is the store itself",
          remedy: "Install the hook in a project that you commit in, with --repo")
      }
      let block = HookScript.block(executable: try ThisProgram.path(), store: store.paths.folder)
      let installation = HookInstallation(folder: repository.hooksFolder)
      var report = HookReport(repository: repository)
      if dryRun {
        report.state = try installation.inspect().state
      } else {
        let change = try installation.install(block)
        report.state = change.state
        report.isChanged = change.isChanged
        report.editedCopy = change.editedCopy
      }
      if output.json {
        console.object("hook install") { object in
          report.json(&object)
          object.member("changed", report.isChanged)
          object.member("dryRun", dryRun)
          object.member("exitCode", 0)
        }
      }
      if dryRun {
        console.say("Would put the hook into \(installation.path)")
      } else {
        console.say(report.isChanged ? "Commits in \(repository.top) back up \(store.paths.folder)" : "Nothing to do")
        console.say(report.sentence)
      }
      report.warnings.forEach(console.warn)
      return 0
    }
  }
}

struct HookUninstall: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uninstall",
    abstract: "Take the hook out again, and put back what was there before, byte for byte.")

  @OptionGroup var project: ProjectOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("hook uninstall", printsResult: false) {
      let repository = try project.find()
      var changed: [String] = []
      var copies: [String] = []
      // Also where it was put before core.hooksPath changed.
      for folder in repository.hookFolders {
        let change = try HookInstallation(folder: folder).uninstall()
        if change.isChanged { changed.append(folder + "/" + HookScript.hookName) }
        if let copy = change.editedCopy { copies.append(copy) }
      }
      if output.json {
        console.object("hook uninstall") { object in
          object.member("repository", repository.top)
          object.array("changed") { array in changed.forEach { array.element($0) } }
          object.array("editedCopies") { array in copies.forEach { array.element($0) } }
          object.member("exitCode", 0)
        }
      }
      console.say(
        changed.isEmpty
          ? "No hook of crdt-backup is there" : "Took the hook out of " + changed.joined(separator: " and "))
      for copy in copies { console.warn("our lines had been edited; a copy with the edits is in \(copy)") }
      return 0
    }
  }
}

struct HookStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Tell whether commits in a project start a backup, and if not why.",
    discussion: "Writes nothing. Exits 0 whatever it finds.")

  @OptionGroup var project: ProjectOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("hook status") {
      let repository = try project.find()
      let folder = try? storeOptions.folder()
      let report = try HookReport.reading(repository, store: folder)
      let last = LastRunReport(store: folder)
      if output.json {
        console.object("hook status") { object in
          report.json(&object)
          last.json(&object)
          object.member("exitCode", 0)
        }
      }
      console.say(report.sentence)
      last.lines.forEach { console.say($0) }
      report.warnings.forEach(console.warn)
      return 0
    }
  }
}

/// What the hook calls. In the background, with nobody to talk to: exits 0 whatever happens.
struct HookRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Ask for a backup in the background; what a hook calls.", shouldDisplay: false)

  @OptionGroup var storeOptions: StoreOptions
  @Option(help: "The GIT_DIR of the commit, as the hook had it.")
  var gitDir: String = ""

  func run() throws {
    ThisProgram.clearGitVariables()
    setenv(ThisProgram.guardVariable, "1", 1)
    // The terminal that the commit was made on may close.
    _ = setsid()
    signal(SIGHUP, SIG_IGN)
    let log = BoundedLog.defaultPath(environment: Environment.current.variables).map { BoundedLog(path: $0) }
    guard let folder = try? storeOptions.folder() else { return }
    let background = BackgroundRun(trigger: "hook", folder: folder, log: log)
    do {
      let paths = try StorePaths.existing(folder)
      // A commit that somebody makes in the store itself is no news to it.
      if SameFile.check(".", folder) || SameFile.check(gitDir.isEmpty ? ".git" : gitDir, paths.gitFolder) { return }
      // Holds no folder of the project any longer than it has to.
      _ = chdir("/")
      try HookWorker(paths: paths) { _ = background.run() }.requestAndServe()
    } catch {
      background.note("\(error)")
    }
  }
}

extension StorePaths {
  /// The paths of the store in `folder`, without opening it: a burst of commits asks often.
  static func existing(_ folder: String) throws -> StorePaths {
    let git = folder + "/.git"
    guard let there = try RealFileSystem().information(git), there.kind == .folder else {
      return try Store.open(folder, effects: .real).paths
    }
    return StorePaths(folder: folder, gitFolder: git)
  }
}

/// Whether two paths name one thing.
enum SameFile {
  static func check(_ left: String, _ right: String) -> Bool {
    var first = stat()
    var second = stat()
    return stat(left, &first) == 0 && stat(right, &second) == 0 && first.st_ino == second.st_ino
      && first.st_dev == second.st_dev
  }
}
