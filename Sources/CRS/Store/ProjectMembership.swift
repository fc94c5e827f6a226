import CRDT

/// Which backups in the store are of a project, by the names that all of them have.
struct ProjectMembership {
  enum Answer: Hashable {
    case member
    /// It has nothing but the root commit, which is that of other projects, too.
    case unclear
    case other
  }

  private let project: ProjectIdentity
  /// Names by which a backup is the project's: its own, and those that backups call the same.
  private let names: Set<ByteString>
  /// The other projects of this host.
  private let here: [ProjectIdentity]
  /// What backups are of that have the name of another project.
  private let elsewhere: [ProjectIdentity]

  /// - Parameters:
  ///   - backups: what the backups in the store are of.
  ///   - known: the projects of this host.
  init(of project: ProjectIdentity, among backups: [ProjectIdentity], known: [ProjectIdentity]) {
    let names = Self.closure(of: project.decisiveNames, backups)
    self.project = project
    self.names = names
    here = known.filter { $0.key != project.key && $0.decisiveNames.isDisjoint(with: project.decisiveNames) }
    elsewhere = backups.filter { !$0.isAnonymous && $0.decisiveNames.isDisjoint(with: names) }
  }

  func answer(_ backup: ProjectIdentity) -> Answer {
    if !backup.isAnonymous, !project.isAnonymous {
      return backup.decisiveNames.isDisjoint(with: names) ? .other : .member
    }
    guard backup.key == project.key || backup.hasSameRoot(as: project) else { return .other }
    if project.isAnonymous {
      // It may be any that has its root commit, but for those that are told from it here.
      return here.contains { !$0.decisiveNames.isDisjoint(with: backup.decisiveNames) } ? .other : .member
    }
    return (here + elsewhere).contains { $0.hasSameRoot(as: backup) } ? .unclear : .member
  }

  /// The names of everything that shares one with these, directly or through others.
  private static func closure(of names: Set<ByteString>, _ backups: [ProjectIdentity]) -> Set<ByteString> {
    var names = names
    var rest = backups.map(\.decisiveNames).filter { !$0.isEmpty }
    while let next = rest.firstIndex(where: { !$0.isDisjoint(with: names) }) { names.formUnion(rest.remove(at: next)) }
    return names
  }

  /// Those of the backups that have a remote or a given name, one of each project.
  static func projects(_ backups: [ProjectIdentity]) -> [ProjectIdentity] {
    var found: [(names: Set<ByteString>, project: ProjectIdentity)] = []
    for backup in backups where !backup.isAnonymous {
      if found.contains(where: { !$0.names.isDisjoint(with: backup.decisiveNames) }) { continue }
      found.append((closure(of: backup.decisiveNames, backups), backup))
    }
    return found.map(\.project)
  }
}

/// What a project of this host saved itself, and no other one here: also where hosts say that both are the same.
struct ProjectOwnership: Hashable {
  private let project: ProjectIdentity
  /// What the other projects here are known by.
  private let others: Set<ByteString>

  /// - Parameter known: the projects of this host.
  init(of project: ProjectIdentity, known: [ProjectIdentity]) {
    self.project = project
    others = known.filter { $0.key != project.key }
      .reduce(into: []) { $0.formUnion($1.decisiveNames.union([$1.key])) }
  }

  /// Of a backup that a project may be meant by.
  func holds(_ backup: ProjectIdentity) -> Bool {
    // The next one takes its place.
    if backup.key == project.key { return true }
    guard !others.contains(backup.key), others.isDisjoint(with: backup.decisiveNames) else { return false }
    // Of a project without a remote, those that have one stay where they are, under names of their own.
    return backup.isAnonymous || !backup.decisiveNames.isDisjoint(with: project.decisiveNames)
  }
}
