import CommandSupport
import Durability
import Glibc
import Processes
import Replication

/// A user's repository, as the user's own git sees it. Read only.
struct ProjectRepository {
  /// The top of its work tree.
  let top: String
  /// Its git folder (of this work tree), absolute.
  let gitFolder: String
  /// The git folder that all its work trees share.
  let commonFolder: String
  /// Where git looks for hooks, absolute: `core.hooksPath`, else the shared git folder's own.
  let hooksFolder: String
  /// `core.hooksPath` as set, and the scope it is set in (`local`, `global`, …).
  let hooksPath: (value: String, scope: String)?

  /// The folder git uses where no setting says otherwise.
  var ownHooksFolder: String { commonFolder + "/hooks" }
  /// Whether the hooks are files of the work tree, where a commit could take them along.
  var hooksAreInWorkTree: Bool {
    hooksFolder.hasPrefix(top + "/") && !hooksFolder.hasPrefix(gitFolder + "/")
      && !hooksFolder.hasPrefix(commonFolder + "/")
  }

  /// The repository that `folder` is in.
  ///
  /// Throws `.noInput` outside of any, `.configuration` for a bare one or without a git, `.permission` for one that git
  /// does not trust.
  static func find(_ folder: String) throws(ReplicationError) -> ProjectRepository {
    let start = try ask(["rev-parse", "--is-bare-repository"], in: folder)
    guard start.isSuccess else { throw refusal(start.error, folder) }
    guard start.text != "true" else {
      throw ReplicationError(
        .configuration,
        "\(folder) is a bare repository: no commits are made in it, so a post-commit hook never runs there",
        remedy: "Install the hook in the repository you commit in")
    }
    let top = try answer(["rev-parse", "--show-toplevel"], in: folder)
    guard let top, !top.isEmpty else {
      throw ReplicationError(
        .noInput, "\(folder) is not in a work tree", remedy: "Give the project's folder with --repo")
    }
    guard let gitFolder = try answer(["rev-parse", "--absolute-git-dir"], in: top),
      let common = try answer(["rev-parse", "--git-common-dir"], in: top),
      let hooks = try answer(["rev-parse", "--git-path", "hooks"], in: top)
    else { throw ReplicationError(.configuration, "git does not tell where the hooks of \(top) are") }
    var hooksPath: (value: String, scope: String)?
    if let value = try answer(["config", "--type=path", "--get", "core.hooksPath"], in: top) {
      let line = try answer(["config", "--show-scope", "--get", "core.hooksPath"], in: top) ?? ""
      hooksPath = (value, line.split(separator: "\t").first.map(String.init) ?? "git")
    }
    func absolute(_ path: String) -> String { normalized(path.hasPrefix("/") ? path : top + "/" + path) }
    return ProjectRepository(
      top: top, gitFolder: gitFolder, commonFolder: absolute(common), hooksFolder: absolute(hooks), hooksPath: hooksPath
    )
  }

  /// An absolute path without `.` and `..`; links are followed only where a `..` goes back over one, as the kernel does.
  private static func normalized(_ path: String) -> String {
    var folded = ""
    for part in path.split(separator: "/") where part != "." {
      guard part == ".." else {
        folded += "/" + part
        continue
      }
      if let resolved = realpath(folded.isEmpty ? "/" : folded, nil) {
        folded = String(cString: resolved)
        free(resolved)
      }
      folded = folded.lastIndex(of: "/").map { String(folded[..<$0]) } ?? ""
    }
    return folded.isEmpty ? "/" : folded
  }

  private static func refusal(_ words: String, _ folder: String) -> ReplicationError {
    let line = words.split(separator: "\n").first.map(String.init) ?? "git refuses \(folder)"
    if words.contains("dubious ownership") {
      return ReplicationError(
        .permission, line,
        remedy: "If you trust it, run: git config --global --add safe.directory \(ShellText.quoted(folder))")
    }
    if words.contains("not a git repository") {
      return ReplicationError(
        .noInput, "\(folder) is not in a git repository", remedy: "Give the project's folder with --repo")
    }
    return ReplicationError(.noInput, line)
  }

  private struct Answer {
    var isSuccess: Bool
    var text: String
    var error: String
  }

  private static func answer(_ arguments: [String], in folder: String) throws(ReplicationError) -> String? {
    let answer = try ask(arguments, in: folder)
    return answer.isSuccess ? answer.text : nil
  }

  private static func ask(_ arguments: [String], in folder: String) throws(ReplicationError) -> Answer {
    var environment = Environment.current.withoutGit
    // What git says is read here, so it has to be in the words that are looked for.
    environment["LC_ALL"] = "C"
    do {
      let result = try Command("git", ["-C", folder] + arguments, environment: environment)
        .run(deadline: .after(seconds: 30), limitBytes: 1 << 20)
      return Answer(isSuccess: result.termination.isSuccess, text: result.outputText, error: result.errorText)
    } catch {
      throw ReplicationError(.configuration, "\(error)", remedy: "Install git, or put it on the PATH")
    }
  }
}
