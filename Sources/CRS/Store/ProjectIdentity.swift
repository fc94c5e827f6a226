import CRDT
import Memory
import Processes

/// Which project a state belongs to, the same on every host: by its git remote, else its root commit, else a given name.
public struct ProjectIdentity: Hashable, Sendable {
  /// `git:host/path`, `root:<commit>` or `name:<name>`.
  public var key: ByteString
  /// Other names it is known by: its root commit, the hash of its path on this host, remotes and given names that were
  /// said to be the same.
  public var aliases: [ByteString]

  public init(key: ByteString, aliases: [ByteString] = []) {
    self.key = key
    self.aliases = aliases
  }

  /// A project with a given name.
  public init(name: some StringProtocol) { self.init(key: ByteString("name:" + String(name))) }

  /// The name of its folder: 16 hex digits of the SHA-256 of the key.
  public var folderName: String { String(EntryIdentity.hexDigest(of: key.bytes).prefix(16)) }

  /// `path:` and 16 hex digits of the SHA-256 of the path.
  public static func pathAlias(_ path: String) -> ByteString {
    ByteString("path:" + EntryIdentity.hexDigest(of: Array(path.utf8)).prefix(16))
  }

  /// The project that `folder` is in.
  /// - Parameters:
  ///   - environment: where git is looked for.
  ///   - waitSeconds: how long git may take for an answer.
  /// - Throws: `usage` where there is no working tree with a remote or a commit, or with several remotes of which none is
  ///   called origin, and no name is given; `secretFound` for a given name that looks like one, where a remote that does is known by its digest;
  ///   `configuration` where git cannot be run; `storage` where it gives no answer. What is not known is no identity:
  ///   another one would split the project.
  public static func of(
    folder: String, name: String?, environment: Environment = .current, waitSeconds: Double = 20
  ) throws(CRSError) -> ProjectIdentity {
    let repository = RepositoryQuestion(folder: folder, environment: environment.withoutGit, waitSeconds: waitSeconds)
    if let name {
      guard !name.isEmpty else { throw CRSError(.usage, "the project's name is empty") }
      // The name says it; the path is only another name on this host.
      let top = (try? repository.ask(["rev-parse", "--show-toplevel"])).flatMap(\.self)
      let named = ProjectIdentity(key: ByteString("name:" + name), aliases: [pathAlias(top ?? folder)])
      try named.refuseSecretName()
      return named
    }
    guard let top = try repository.ask(["rev-parse", "--show-toplevel"]) else {
      let isInside = try repository.ask(["rev-parse", "--git-dir"]) != nil
      throw unknown(
        isInside
          ? "\(folder) is in no working tree, but in a bare repository or a folder of git's own"
          : "\(folder) is in no git repository")
    }
    let root = try rootCommit(repository)
    let aliases = [root, pathAlias(top)].compactMap(\.self)
    let remotes = try namingRemotes(repository)
    if let normalized = remotes.first?.normalized {
      return ProjectIdentity(key: ByteString("git:" + normalized), aliases: aliases).withoutSecrets()
    }
    if let root { return ProjectIdentity(key: root, aliases: aliases) }
    let isShallow = try isShallow(repository)
    let missing = isShallow ? "is a shallow clone, which does not tell its root commit" : "has no commit yet"
    if let remote = remotes.first {
      throw unknown("\(top) \(missing), and its remote \(remote.name) is a path, which no other host knows it by")
    }
    throw unknown("\(top) has no remote to know it by, and \(missing)")
  }

  /// The remotes that tell which project it is: the one called origin, or all, which have one name then.
  /// - Throws: `usage` where there are several, of several names, and none is called origin.
  private static func namingRemotes(
    _ repository: RepositoryQuestion
  ) throws(CRSError) -> [(name: String, normalized: String?)] {
    let names = try repository.ask(["remote"])?.split(separator: "\n").map(String.init) ?? []
    var remotes: [(name: String, normalized: String?)] = []
    for name in names.contains("origin") ? ["origin"] : names.sorted() {
      guard let url = try configuredURL(of: name, repository) else { continue }
      remotes.append((name, normalized(remote: url)))
    }
    guard Set(remotes.map(\.normalized)).count > 1 else { return remotes }
    let list = remotes.map { name, _ in
      // Read by people: a name that looks like a secret is not told.
      secretRule(in: ByteString("name:" + name)) == nil ? name : "(not told)"
    }
    throw CRSError(
      .usage,
      "its remotes \(list.dropLast().joined(separator: ", ")) and \(list[list.count - 1]) are several, and none is called "
        + "origin: which of them names the project is not told",
      remedy: "Name the project with --project NAME, or call one of them origin: `git remote rename NAME origin`")
  }

  /// As written in the repository: what `url.*.insteadOf` makes of it is a matter of this host.
  private static func configuredURL(of remote: String, _ repository: RepositoryQuestion) throws(CRSError) -> String? {
    try repository.ask(["config", "--get-all", "remote.\(remote).url"])?.split(separator: "\n").first.map(String.init)
  }

  /// The first of the root commits; `nil` in a shallow clone, where it is not known.
  private static func rootCommit(_ repository: RepositoryQuestion) throws(CRSError) -> ByteString? {
    if try isShallow(repository) { return nil }
    let roots = try repository.ask(["rev-list", "--max-parents=0", "HEAD"])?.split(separator: "\n").sorted() ?? []
    return roots.first.map { ByteString("root:" + String($0)) }
  }

  private static func isShallow(_ repository: RepositoryQuestion) throws(CRSError) -> Bool {
    try repository.ask(["rev-parse", "--is-shallow-repository"]) != "false"
  }

  private static func unknown(_ why: String) -> CRSError {
    CRSError(.usage, why, remedy: "Name the project with --project NAME")
  }
}

/// What git says about the repository of a folder.
private struct RepositoryQuestion {
  let folder: String
  let environment: Environment
  let waitSeconds: Double

  /// git's answer; `nil` where it has none, as for a commit that is not there.
  /// - Throws: where it was not asked, or did not get to answer.
  func ask(_ arguments: [String]) throws(CRSError) -> String? {
    let command = Command("git", ["-C", folder] + arguments, environment: environment)
    let result: ProcessResult
    do throws(ProcessError) {
      result = try command.run(deadline: .after(seconds: waitSeconds))
    } catch {
      throw CRSError(
        .configuration, "which project this is cannot be told: \(error)",
        remedy: "Install git, or name the project with --project NAME")
    }
    switch result.termination {
    case .exited(0): return result.outputText.isEmpty ? nil : result.outputText
    case .exited(let code):
      // git knows the repository and will not look into it.
      guard !result.errorText.contains("dubious ownership") else {
        throw CRSError(
          .permission, "git does not look into \(folder), which another user owns",
          remedy: "Set safe.directory as `git -C \(folder) status` says, or name the project with --project NAME")
      }
      // Found by the shell or a wrapper, and not to be run.
      guard code != 126, code != 127 else {
        throw CRSError(
          .configuration, "which project this is cannot be told: git cannot be run (\(code))",
          remedy: "Install git, or name the project with --project NAME")
      }
      return nil
    case .signaled(let signal): throw failed("was ended by signal \(signal)")
    case .timedOut: throw failed("gave no answer in \(waitSeconds) s")
    }
  }

  private func failed(_ how: String) -> CRSError {
    CRSError(
      .storage, "which project this is cannot be told: git \(how)",
      remedy: "Run again, or name the project with --project NAME")
  }
}
