import CRDT
import Memory

/// What the names of a project say: which repositories are one project.
extension ProjectIdentity {
  /// All names, its key among them.
  var names: Set<ByteString> { Set([key] + aliases) }

  func names(_ kind: String) -> Set<ByteString> { names.filter { $0.bytes.starts(with: kind.utf8) } }

  /// Whether its key is a name that was given.
  var isNamed: Bool { key.bytes.starts(with: "name:".utf8) }

  /// Names that decide: its remotes and given names. What shares one is one project, whatever else differs.
  var decisiveNames: Set<ByteString> { names("git:").union(names("name:")) }

  /// The root commits it is known by. A repository, its clones and its forks have the same one.
  var rootNames: Set<ByteString> { names("root:") }

  /// Whether nothing but a root commit tells it from others.
  var isAnonymous: Bool { decisiveNames.isEmpty }

  /// The name that tells most: its key, but a remote or a given name rather than a root commit.
  public var tellingName: ByteString {
    let decisive = decisiveNames
    return decisive.contains(key) ? key : decisive.min() ?? key
  }

  /// Whether both are the same project on every host, as far as the two alone can tell.
  ///
  /// Remotes and given names decide: a fork has the root commit of what it was forked from. The root commit counts where
  /// one of them has neither. A path never does.
  public func isSameProject(as other: ProjectIdentity) -> Bool {
    if key == other.key { return true }
    let (own, others) = (decisiveNames, other.decisiveNames)
    guard own.isEmpty || others.isEmpty else { return !own.isDisjoint(with: others) }
    return hasSameRoot(as: other)
  }

  /// This project, known by the names of a repository as well.
  public func known(as other: ProjectIdentity) -> ProjectIdentity {
    ProjectIdentity(key: key, aliases: names.union(other.names).subtracting([key]).sorted())
  }

  /// The remotes and given names that a project without any has by what was joined into it; `nil` where there are none.
  public func namesToAdopt(from joined: [ProjectIdentity]) -> ProjectIdentity? {
    let names = joined.reduce(into: Set<ByteString>()) { $0.formUnion($1.decisiveNames) }
    return isAnonymous && !names.isEmpty ? ProjectIdentity(key: key, aliases: names.sorted()) : nil
  }

  func hasSameRoot(as other: ProjectIdentity) -> Bool { !rootNames.isDisjoint(with: other.rootNames) }

  func isAtSamePath(as other: ProjectIdentity) -> Bool { !names("path:").isDisjoint(with: other.names("path:")) }
}
