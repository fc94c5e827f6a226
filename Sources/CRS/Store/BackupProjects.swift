import CRDT
import Memory

/// Which projects the backups in the store are of.
extension BackupStore {
  /// The projects with a remote that have backups which a project without one would take for its own: a repository and
  /// its forks have the same root commit.
  private func projects(of project: ProjectIdentity, _ selection: BackupSelection) throws(CRSError)
    -> [(projects: [ProjectIdentity], host: ByteString?)]
  {
    guard project.isAnonymous else { return [] }
    let wanted = listing(try entries(), of: project).backups.filter(selection.accepts)
    let hosts = Set(wanted.map(\.stamp.host)).sorted()
    return [(ProjectMembership.projects(wanted.map(\.project)), nil)]
      + hosts.map { host in
        (ProjectMembership.projects(wanted.filter { $0.stamp.host == host }.map(\.project)), host)
      }
  }

  /// - Throws: `usage` where what is wanted is of several projects.
  public func demandOneProject(_ project: ProjectIdentity, _ selection: BackupSelection = BackupSelection())
    throws(CRSError)
  {
    let found = try projects(of: project, selection)
    guard let all = found.first?.projects, all.count > 1 else { return }
    let keys = all.map(\.tellingName.shownName).sorted().joined(separator: " and ")
    // Only what helps: a host that saved one of them.
    let host = found.first { $0.host != nil && $0.projects.count == 1 }?.host
    throw CRSError(
      .usage, "the root commit of this repository, which has no remote, is that of \(keys)",
      remedy: "Nothing was changed. Say which it is with `crdt-agent crs init --same-as KEY`, give it its remote, or "
        + "name another project with --project NAME"
        + (host.map { "; `crdt-agent crs load --host \($0)` loads the one that this host saved" } ?? ""))
  }

  /// The name as backups of other hosts, or of this one, have it; `nil` where none has.
  public func projectName(_ name: ByteString) throws(CRSError) -> ByteString? {
    let name = ProjectIdentity.withoutSecrets(name)
    // A path means something else on another host.
    guard !name.bytes.starts(with: "path:".utf8) else { return nil }
    let isThere = try entries().contains {
      $0.isLive && BackupEntry($0).agreedProject?.names.contains(name) == true
    }
    return isThere ? name : nil
  }
}
