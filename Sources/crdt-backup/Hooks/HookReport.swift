import Glibc
import Memory
import Replication

/// Whether commits in a project start a backup, and what keeps them from it.
struct HookReport {
  let repository: ProjectRepository
  var state = HookInstallation.State.absent
  var isChanged = false
  var isExecutable = true
  var isEdited = false
  /// The program our lines call, where it is not there any more.
  var missingProgram: String?
  /// Whether the block is the one this program would write for the store that is in use; `nil`: not compared.
  var isCurrent: Bool?
  /// Whether our hook is where git does not look, because `core.hooksPath` names another folder.
  var isUnreachable = false
  var hooksFolderIsUsable = true
  var editedCopy: String?

  init(repository: ProjectRepository) { self.repository = repository }

  /// - Parameter store: the folder of the store in use.
  static func reading(_ repository: ProjectRepository, store: String?) throws(ReplicationError) -> HookReport {
    var report = HookReport(repository: repository)
    var status = stat()
    report.hooksFolderIsUsable = stat(repository.hooksFolder, &status) != 0 || status.st_mode & S_IFMT == S_IFDIR
    if report.hooksFolderIsUsable {
      let found = try HookInstallation(folder: repository.hooksFolder).inspect()
      report.state = found.state
      report.isExecutable = found.isExecutable
      report.isEdited = found.isEdited
      if let program = found.block.flatMap({ HookScript.program(of: $0) }), access(program, X_OK) != 0 {
        report.missingProgram = program
      }
      if let store, let block = found.block {
        report.isCurrent = block == HookScript.block(executable: try ThisProgram.path(), store: store)
      }
    }
    if !report.state.isInstalled, repository.hooksFolder != repository.ownHooksFolder {
      report.isUnreachable = try HookInstallation(folder: repository.ownHooksFolder).inspect().state.isInstalled
    }
    return report
  }

  /// Commits start a backup.
  var isActive: Bool { state.isInstalled && isExecutable && missingProgram == nil && hooksFolderIsUsable }

  var path: String { repository.hooksFolder + "/" + HookScript.hookName }

  var sentence: String {
    switch state {
    case _ where isUnreachable:
      "Installed in \(repository.ownHooksFolder), but core.hooksPath sends git to \(repository.hooksFolder): commits start no backup"
    case _ where !hooksFolderIsUsable:
      "Not installed: git looks for hooks in \(repository.hooksFolder), which is no folder"
    case .absent: "Not installed: there is no \(path)"
    case .foreign: "Not installed: \(path) is somebody else's"
    case .inUserScript: "Installed as a marked block in \(path)"
    case .alone: "Installed as \(path)"
    case .before(let name): "Installed as \(path), which then runs \(name)"
    }
  }

  var warnings: [String] {
    var warnings: [String] = []
    if state.isInstalled, !isExecutable {
      warnings.append("\(path) is not executable, so git does not run it; install it again")
    }
    if let program = missingProgram {
      warnings.append("\(path) calls \(program), which is not there; `crdt-backup hook install` renews it")
    }
    if isEdited { warnings.append("our lines in \(path) were edited") }
    if isCurrent == false, missingProgram == nil {
      warnings.append(
        "\(path) calls another crdt-backup or another store than this one; `crdt-backup hook install` renews it")
    }
    if let copy = editedCopy { warnings.append("our lines had been edited; a copy with the edits is in \(copy)") }
    if isUnreachable { warnings.append("`crdt-backup hook install` puts it where git looks") }
    if let (value, scope) = repository.hooksPath, scope != "local", scope != "worktree", state.isInstalled {
      warnings.append(
        "core.hooksPath is \(value) for more than this repository (\(scope)): commits in all of them start a backup")
    }
    if repository.hooksAreInWorkTree, state.isInstalled {
      warnings.append("\(path) is in the work tree: do not commit our lines, they hold paths of this machine")
    }
    return warnings
  }

  func json(_ object: inout JSONWriter) {
    object.member("repository", repository.top)
    object.member("hook", path)
    object.member("hooksPath", repository.hooksPath?.value)
    object.member("hooksPathScope", repository.hooksPath?.scope)
    let name: String =
      switch state {
      case .absent: "absent"
      case .foreign: "foreign"
      case .inUserScript, .alone, .before: "installed"
      }
    object.member("state", name)
    if case .before(let before) = state { object.member("runs", before) }
    object.member("active", isActive)
    object.member("unreachable", isUnreachable)
    object.array("warnings") { array in warnings.forEach { array.element($0) } }
  }

  static func isStore(_ repository: ProjectRepository, _ paths: StorePaths) -> Bool {
    SameFile.check(repository.gitFolder, paths.gitFolder)
  }
}

extension ProjectRepository {
  /// Where git looks, and where it would without `core.hooksPath`.
  var hookFolders: [String] { hooksFolder == ownHooksFolder ? [hooksFolder] : [hooksFolder, ownHooksFolder] }
}
