import CRDT
import Memory
import Processes

/// Which project a state belongs to, the same on every host: by its git remote, else its root commit, else a given name.
public struct ProjectIdentity: Hashable, Sendable {
  /// `git:host/path`, `root:<commit>` or `name:<name>`.
  public var key: ByteString
  /// Other names it is known by: its root commit, and the hash of its path on this host.
  public var aliases: [ByteString]

  public init(key: ByteString, aliases: [ByteString] = []) {
    self.key = key
    self.aliases = aliases
  }

  /// A project with a given name.
  public init(name: some StringProtocol) { self.init(key: ByteString("name:" + String(name))) }

  /// The name of its folder: 16 hex digits of the SHA-256 of the key.
  public var folderName: String { String(EntryIdentity.hexDigest(of: key.bytes).prefix(16)) }

  /// Names that mean the same project on every host: the key, and the root commit.
  public var sharedNames: Set<ByteString> {
    Set([key] + aliases.filter { $0.bytes.starts(with: "root:".utf8) })
  }

  /// `path:` and 16 hex digits of the SHA-256 of the path.
  public static func pathAlias(_ path: String) -> ByteString {
    ByteString("path:" + EntryIdentity.hexDigest(of: Array(path.utf8)).prefix(16))
  }

  /// The project that `folder` is in.
  /// - Throws: `usage` where there is no git repository with a remote or a commit, and no name is given.
  public static func of(folder: String, name: String?) throws(CRSError) -> ProjectIdentity {
    let top = git(["rev-parse", "--show-toplevel"], in: folder)
    let path = pathAlias(top ?? folder)
    if let name {
      guard !name.isEmpty else { throw CRSError(.usage, "the project's name is empty") }
      return ProjectIdentity(key: ByteString("name:" + name), aliases: [path])
    }
    guard top != nil else { throw unknown(folder) }
    let root = rootCommit(in: folder)
    let aliases = [root, path].compactMap(\.self)
    let remotes = git(["remote"], in: folder)?.split(separator: "\n").map(String.init) ?? []
    let remote = remotes.contains("origin") ? "origin" : remotes.count == 1 ? remotes[0] : nil
    if let remote, let url = configuredURL(of: remote, in: folder), let normalized = normalized(remote: url) {
      return ProjectIdentity(key: ByteString("git:" + normalized), aliases: aliases)
    }
    guard let root else { throw unknown(folder) }
    return ProjectIdentity(key: root, aliases: aliases)
  }

  /// As written in the repository: what `url.*.insteadOf` makes of it is a matter of this host.
  private static func configuredURL(of remote: String, in folder: String) -> String? {
    git(["config", "--get-all", "remote.\(remote).url"], in: folder)?.split(separator: "\n").first.map(String.init)
  }

  /// A remote's URL without what differs from clone to clone: scheme, user and password, port, `.git`, the case of the
  /// host. `nil` for a path, which means something else on another host.
  public static func normalized(remote url: String) -> String? {
    var rest = url[...]
    if let scheme = rest.range(of: "://") {
      guard rest[..<scheme.lowerBound] != "file" else { return nil }
      rest = rest[scheme.upperBound...]
    } else {
      guard let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/") else { return nil }
      rest = (rest[..<colon] + "/" + rest[rest.index(after: colon)...])[...]
    }
    guard let slash = rest.firstIndex(of: "/") else { return nil }
    var host = rest[..<slash]
    if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
    if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) {
      host = host[..<colon]
    }
    var path = rest[slash...].split(separator: "/", omittingEmptySubsequences: true).joined(separator: "/")
    if path.hasSuffix(".git") { path.removeLast(4) }
    guard !host.isEmpty, !path.isEmpty else { return nil }
    return host.lowercased() + "/" + path
  }

  /// The first of the root commits; `nil` in a shallow clone, where it is not known.
  private static func rootCommit(in folder: String) -> ByteString? {
    guard git(["rev-parse", "--is-shallow-repository"], in: folder) == "false" else { return nil }
    let roots = git(["rev-list", "--max-parents=0", "HEAD"], in: folder)?.split(separator: "\n").sorted() ?? []
    return roots.first.map { ByteString("root:" + String($0)) }
  }

  private static func git(_ arguments: [String], in folder: String) -> String? {
    let command = Command("git", ["-C", folder] + arguments, environment: Environment.current.withoutGit)
    guard let result = try? command.run(deadline: .after(seconds: 20)), result.termination == .exited(0) else {
      return nil
    }
    let text = result.outputText
    return text.isEmpty ? nil : text
  }

  private static func unknown(_ folder: String) -> CRSError {
    CRSError(
      .usage, "\(folder) is in no git repository with a remote or a commit",
      remedy: "Name the project with --project NAME")
  }
}

extension Substring {
  /// The first place of a text in this one.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
