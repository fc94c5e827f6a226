import CRDT
import Memory

/// Which of the projects here a repository is.
extension ProjectIndex {
  /// What is meant by a repository that names do not tell, as its user says.
  public enum Choice: Hashable, Sendable {
    /// What its names tell.
    case told
    /// The project here of that name; from then on both names are its.
    case sameAs(ByteString)
    /// Another one than all that are here.
    case new
  }

  /// The project that is meant; `nil` where it is not here.
  ///
  /// A remote or a given name decides. By its root commit a repository is a project only where one of both has no remote,
  /// and no other project here has that root commit; one without a remote is that of its folder, if there is just one.
  /// Where that one has another root commit, which a repository gets when its first commit is written anew, it is asked.
  /// Two remotes are never made one.
  /// - Throws: `usage` where it is not clear, with the projects it may be and how to say which; `corrupted` where it may
  ///   be one whose names are lost.
  public func project(_ identity: ProjectIdentity) throws(CRSError) -> Project? {
    if let project = try decided(identity) { return project }
    let lost = try projectOfLostNames(identity)
    if let lost, !identity.isAnonymous { return lost }
    if identity.isNamed { return nil }
    let candidates = (projects + [lost].compactMap(\.self)).filter { $0.identity.hasSameRoot(as: identity) }
    let here = candidates.filter { $0.identity.isAtSamePath(as: identity) }
    if identity.isAnonymous {
      if here.count == 1 { return here[0] }
      guard candidates.count < 2 else { throw Self.severalOfRoot(identity, candidates) }
      if candidates.isEmpty { try refuseRewrittenRoot(identity) }
      return candidates.first
    }
    if let other = here.first(where: { !$0.identity.isAnonymous }) { throw Self.otherRemote(identity, other) }
    if here.count == 1 { return here[0] }
    guard candidates.contains(where: \.identity.isAnonymous) else {
      try refuseRewrittenRoot(identity)
      return nil
    }
    guard candidates.count < 2 else { throw Self.severalOfRoot(identity, candidates) }
    return candidates.first
  }

  /// - Throws: `usage` where the folder is that of a project without a remote, of another root commit: its first commit
  ///   may have been amended, or it may be another repository.
  private func refuseRewrittenRoot(_ identity: ProjectIdentity) throws(CRSError) {
    let former = projects.filter {
      let began = identity.isAnonymous && $0.identity.key.bytes.starts(with: "root:".utf8)
      return ($0.identity.isAnonymous || began) && $0.identity.isAtSamePath(as: identity)
    }
    if let project = former.first { throw Self.otherRoot(identity, project) }
  }

  /// The project that has the repository's remote or given name.
  private func decided(_ identity: ProjectIdentity) throws(CRSError) -> Project? {
    let names = identity.decisiveNames
    let found = projects.filter { !$0.identity.decisiveNames.isDisjoint(with: names) }
    if found.count < 2 { return found.first }
    if let project = found.first(where: { $0.identity.key == identity.key }) { return project }
    throw CRSError(
      .usage, "\(identity.key.shownName) is a name of several projects here, \(Self.list(found))",
      remedy: "Nothing was changed. Give the name of one that is meant with --project NAME")
  }

  /// The project that a user says it is; `nil` for one that is not here.
  func project(_ identity: ProjectIdentity, _ choice: Choice) throws(CRSError) -> Project? {
    switch choice {
    case .told: return try project(identity)
    case .new:
      guard !identity.isAnonymous else {
        throw CRSError(
          .usage, "this repository has no remote to know a new project by",
          remedy: "Nothing was changed. Give it its remote, or name the project with --project NAME")
      }
      guard let there = try decided(identity) else {
        _ = try projectOfLostNames(identity)
        return nil
      }
      guard there.identity.key == identity.key else {
        throw CRSError(
          .usage, "\(identity.key.shownName) is a name of \(there.identity.key.shownName) here",
          remedy: "Nothing was changed. A project of its own needs a name: --project NAME")
      }
      return there
    case .sameAs(let name):
      let project = try project(named: name)
      if let own = try decided(identity), own.folder != project.folder {
        throw CRSError(
          .usage,
          "\(identity.key.shownName) is a project of its own here, besides \(project.identity.tellingName.shownName)",
          remedy: "Nothing was changed. `crdt-agent crs export` there and `crdt-agent crs import --other-project` here "
            + "bring its state along")
      }
      return project
    }
  }

  /// Whether a project here has that name.
  public func knows(_ name: ByteString) -> Bool {
    let name = ProjectIdentity.withoutSecrets(name)
    return projects.contains { $0.identity.names.contains(name) }
  }

  /// As what a repository is taken up that is said to be a project of other hosts, which is not here: the project that
  /// its folder is of gets the name, else a new one has it.
  /// - Throws: `usage` where it is not clear which project here a repository with a remote is.
  public func joining(_ identity: ProjectIdentity, _ name: ByteString) throws(CRSError) -> (ProjectIdentity, Choice) {
    let there: Project?
    if identity.isAnonymous {
      // One that has but the root commit in common is another.
      there = projects.first {
        $0.identity.isAtSamePath(as: identity) && $0.identity.hasSameRoot(as: identity)
      }
    } else {
      there = try project(identity)
    }
    if let there {
      return (ProjectIdentity(key: identity.key, aliases: identity.aliases + [name]), .sameAs(there.identity.key))
    }
    let key = identity.isAnonymous ? name : identity.key
    return (ProjectIdentity(key: key, aliases: identity.names.union([name]).subtracting([key]).sorted()), .told)
  }

  private func project(named name: ByteString) throws(CRSError) -> Project {
    let name = ProjectIdentity.withoutSecrets(name)
    if let project = projects.first(where: { $0.identity.key == name }) { return project }
    let found = projects.filter { $0.identity.aliases.contains(name) }
    if found.count == 1 { return found[0] }
    guard found.isEmpty else {
      throw CRSError(
        .usage, "\(name.shownName) is a name of several projects here, \(Self.list(found))",
        remedy: "Nothing was changed. Give another name of the one that is meant")
    }
    throw CRSError(
      .usage, "no project here is \(name.shownName)",
      remedy: projects.isEmpty
        ? "There is none here yet" : "Nothing was changed. The projects here are \(Self.list(projects))")
  }

  /// The folder of the repository's key, where nothing else says whose it is.
  /// - Throws: `corrupted` where another one of which that is not known may be the project's.
  private func projectOfLostNames(_ identity: ProjectIdentity) throws(CRSError) -> Project? {
    for (folder, reason) in unknownFolders where folder != identity.folderName {
      let path = self.folder(of: Project(identity: identity, folder: folder)).path
      if [.permission, .storage].contains(reason.code) { throw reason }
      throw CRSError(
        .corrupted, "which project \(path) is of cannot be told, and it may be this one: \(reason.message)",
        remedy: "Nothing was changed. Put its project.json back, or move the folder away: `crdt-agent crs load` brings "
          + "back what was saved")
    }
    guard unknownFolders.contains(where: { $0.folder == identity.folderName }) else { return nil }
    return Project(identity: ProjectIdentity(key: identity.key), folder: identity.folderName)
  }

  private static func list(_ projects: [Project]) -> String {
    projects.map(\.identity.tellingName.shownName).sorted().joined(separator: " and ")
  }

  private static func otherRemote(_ identity: ProjectIdentity, _ other: Project) -> CRSError {
    let (was, now) = (other.identity.tellingName.shownName, identity.key.shownName)
    return CRSError(
      .usage, "this folder was known as \(was) and is \(now) now: whether that is the same project is not told",
      remedy:
        "Nothing was changed. Where only the remote was changed: `crdt-agent crs init --same-as \(was)`. Where it "
        + "is another repository: `crdt-agent crs init --new`")
  }

  private static func otherRoot(_ identity: ProjectIdentity, _ other: Project) -> CRSError {
    let (was, now) = (other.identity.tellingName.shownName, identity.key.shownName)
    let another =
      identity.isAnonymous
      ? "name it with --project NAME, or give it its remote and run `crdt-agent crs init --new`"
      : "`crdt-agent crs init --new`"
    return CRSError(
      .usage,
      "this folder was known as \(was), which is no root commit of it any more, and is \(now) now: whether that is the "
        + "same project is not told",
      remedy: "Nothing was changed. Where its first commit was written anew: `crdt-agent crs init --same-as \(was)`. "
        + "Where it is another repository: \(another)")
  }

  private static func severalOfRoot(_ identity: ProjectIdentity, _ candidates: [Project]) -> CRSError {
    let names = list(candidates)
    if identity.isAnonymous {
      return CRSError(
        .usage, "the root commit of this repository, which has no remote, is that of \(names)",
        remedy: "Nothing was changed. Say which it is with `crdt-agent crs init --same-as KEY`, give it its remote, or "
          + "name another project with --project NAME")
    }
    return CRSError(
      .usage, "the root commit of \(identity.key.shownName) is that of \(names), one of which has no remote",
      remedy:
        "Nothing was changed. Where it is that one: `crdt-agent crs init --same-as KEY`. Where it is none of them: "
        + "`crdt-agent crs init --new`")
  }
}
