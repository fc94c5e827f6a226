import CRDT
import Durability
import Git
import Glibc
import Memory

/// One thing `doctor` looked at.
public struct Finding: Hashable, Sendable {
  public enum Level: String, Sendable {
    case ok, note, problem
  }

  /// What was looked at, one word or two.
  public var check: String
  public var level: Level
  public var message: String
  /// What to do; empty where there is nothing to do.
  public var remedy: String
  /// The class of a problem, which decides the exit code.
  public var code: ReplicationError.Code
  /// What was done about it.
  public var fixed: String?

  public init(
    _ check: String, _ level: Level, _ message: String, remedy: String = "",
    code: ReplicationError.Code = .configuration
  ) {
    self.check = check
    self.level = level
    self.message = message
    self.remedy = remedy
    self.code = code
  }

  /// A problem that was met as an error.
  public init(_ check: String, _ error: ReplicationError) {
    self.init(check, .problem, error.message, remedy: error.remedy, code: error.code)
  }

  /// The code to end with: 0 without an open problem, else that of the worst one.
  public static func exitCode(of findings: [Finding]) -> Int32 {
    let codes = findings.filter { $0.level == .problem && $0.fixed == nil }.map(\.code)
    let worstFirst: [ReplicationError.Code] = [
      .internal, .storage, .badData, .permission, .configuration, .cannotCreate, .noInput, .usage, .notOnRemote,
    ]
    guard let worst = worstFirst.first(where: codes.contains) else { return 0 }
    return ReplicationError(worst, "").exitCode
  }
}

extension Store {
  /// Looks at everything of the store that is on this host. Writes only when fixing, and then holds the store's lock.
  public func examine(fixing: Bool) throws(ReplicationError) -> [Finding] {
    try locked(unless: !fixing) { () throws(ReplicationError) in try examineAll(fixing: fixing) }
  }

  private func examineAll(fixing: Bool) throws(ReplicationError) -> [Finding] {
    var findings = try examineAccess(fixing: fixing)
    findings.append(examineSpace())
    findings += try examinePrivateState(fixing: fixing)
    findings += examineSources()
    findings += try examineContents(fixing: fixing)
    findings += try examineClock()
    findings += try examineRuns()
    if let finding = examineLeftovers(fixing: fixing) { findings.append(finding) }
    return findings
  }

  private func examineLeftovers(fixing: Bool) -> Finding? {
    let count = leftovers().count
    guard count > 0 else { return nil }
    var finding = Finding(
      "leftovers", .note, "\(count) temporary files of runs that were killed",
      remedy: "crdt-backup doctor --fix removes them")
    if fixing { finding.fixed = "removed \(removeLeftovers())" }
    return finding
  }

  // MARK: Owner and modes

  private func examineAccess(fixing: Bool) throws(ReplicationError) -> [Finding] {
    var findings: [Finding] = []
    var open: [(path: String, mode: UInt32, wanted: UInt32)] = []
    for path in try ownPaths() {
      guard
        let there = try storing({ () throws(StorageError) in
          try effects.fileSystem.information(path, followingLinks: false)
        })
      else { continue }
      if there.ownerID != geteuid() {
        findings.append(
          Finding(
            "owner", .problem, "\(path) belongs to user \(there.ownerID), and this is user \(geteuid())",
            remedy: "Run as its owner, or give the store back: chown -R \(geteuid()) \(paths.folder)", code: .permission
          ))
        continue
      }
      let wanted: UInt32 = there.kind == .folder ? 0o700 : 0o600
      if there.kind != .symbolicLink, there.mode != wanted { open.append((path, there.mode, wanted)) }
    }
    if let first = open.first {
      let more = open.count > 1 ? " and \(open.count - 1) more" : ""
      var finding = Finding(
        "modes", .problem, "\(first.path) has mode \(octal(first.mode)), not \(octal(first.wanted))\(more)",
        remedy: "crdt-backup doctor --fix sets them", code: .permission)
      if fixing {
        let failed = open.filter { chmod($0.path, mode_t($0.wanted)) != 0 }
        if failed.isEmpty { finding.fixed = "set the modes of \(open.count) files and folders" }
      }
      findings.append(finding)
    }
    if findings.isEmpty { findings.append(Finding("access", .ok, "\(paths.folder) is this user's alone")) }
    return findings
  }

  /// The folders that keep everything below them private, and every file that this product writes there.
  private func ownPaths() throws(ReplicationError) -> [String] {
    var found = [paths.folder, paths.gitFolder, paths.privateFolder]
    let tree = try tree(of: try tip())
    var published = tree.stateFiles.keys.sorted() + tree.hostRecords.keys.sorted()
    if tree.unified != nil { published.append(StoreTree.unifiedName) }
    var folders: Set<String> = []
    for path in published {
      if let slash = path.firstIndex(of: "/") { folders.insert(String(path[..<slash])) }
    }
    found += (folders.sorted() + published).map { paths.folder + "/" + $0 }
    let files = try storing { () throws(StorageError) in
      try effects.fileSystem.information(paths.privateFolder) == nil
        ? [] : try effects.fileSystem.list(paths.privateFolder)
    }
    found += files.map { paths.privateFolder + "/" + $0 }
    for folder in settings.namedSources.map({ privateState.of($0).folder }) {
      guard try storing({ () throws(StorageError) in try effects.fileSystem.information(folder) }) != nil else {
        continue
      }
      found.append(folder)
      found += try storing { () throws(StorageError) in try effects.fileSystem.list(folder) }.map { folder + "/" + $0 }
    }
    return found
  }

  private func octal(_ mode: UInt32) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private func examineSpace() -> Finding {
    var status = statvfs()
    guard statvfs(paths.folder, &status) == 0 else {
      return Finding("disk", .problem, "cannot tell the free space of \(paths.folder)", code: .storage)
    }
    let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    let text = "\(free >> 20) MiB free for \(paths.folder)"
    if status.f_flag & UInt(ST_RDONLY) != 0 {
      return Finding(
        "disk", .problem, "\(paths.folder) is on a file system that is mounted read-only", remedy: "Mount it writable",
        code: .storage)
    }
    if free < 32 << 20 || (status.f_files > 0 && status.f_favail < 200) {
      return Finding(
        "disk", .problem, status.f_favail < 200 && status.f_files > 0 ? "no inodes free for \(paths.folder)" : text,
        remedy: "Make room: a backup needs it", code: .storage)
    }
    return Finding(
      "disk", free < 512 << 20 ? .note : .ok, text, remedy: free < 512 << 20 ? "Make room before it is full" : "")
  }

  // MARK: Private state

  private func examinePrivateState(fixing: Bool) throws(ReplicationError) -> [Finding] {
    var state: [(path: String, name: String, isReadable: () throws(ReplicationError) -> Bool)] = [
      (
        paths.replica, "this installation's identity",
        { () throws(ReplicationError) in try self.privateState.readReplica() != nil }
      ),
      (paths.clock, "the clock's mark", { () throws(ReplicationError) in try self.privateState.readClock() != nil }),
      (
        paths.lastRun, "the record of the last run",
        { () throws(ReplicationError) in try self.privateState.readsLastRun() }
      ),
      (
        paths.published, "the list of published files",
        { () throws(ReplicationError) in try self.privateState.readsPublished() }
      ),
    ]
    for source in [nil] + settings.namedSources.map(\.name) {
      let own = PrivateState(paths: paths, fileSystem: effects.fileSystem, source: source)
      let of = source.map { " of the source \($0)" } ?? ""
      state += [
        (
          own.basePath, "the base of the last ingest\(of)",
          { () throws(ReplicationError) in try own.readBase() != nil }
        ),
        (
          own.ingestedPath, "the record of the last ingest\(of)",
          { () throws(ReplicationError) in try own.readsIngested() }
        ),
        (own.heldPath, "the list of what is held back\(of)", { () throws(ReplicationError) in try own.readsHeld() }),
      ]
    }
    var findings: [Finding] = []
    for part in state {
      guard try storing({ () throws(StorageError) in try effects.fileSystem.information(part.path) }) != nil else {
        continue
      }
      let message: String
      do {
        if try part.isReadable() { continue }
        message = "\(part.name) is damaged (\(part.path))"
      } catch {
        message = "\(part.name) cannot be read: \(error.message)"
      }
      var finding = Finding(
        "private state", .problem, message,
        remedy: "crdt-backup doctor --fix takes it away; the next run builds it again from the commits", code: .storage)
      if fixing, (try? effects.fileSystem.remove(part.path)) != nil {
        finding.fixed = "took it away; the next run builds it again"
      }
      findings.append(finding)
    }
    return findings.isEmpty ? [Finding("private state", .ok, "readable")] : findings
  }

  // MARK: Contents

  private func examineContents(fixing: Bool) throws(ReplicationError) -> [Finding] {
    guard let tip = try tip() else {
      return [Finding("contents", .note, "nothing is backed up yet", remedy: "Run: crdt-backup")]
    }
    let tree = try tree(of: tip)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: tree, tips: [tip])
    var findings = reader.warnings.map {
      Finding(
        "host files", .problem, $0,
        remedy: "A backup on that host writes its file again; until then its last good version counts",
        code: .badData)
    }
    if findings.isEmpty {
      findings.append(
        Finding(
          "host files", .ok, "\(tree.stateFiles.count) readable, \(table.view(of: table.join()).count) live entries"))
    }
    if let blobs = tree.blobs { findings.append(try examinePayloads(blobs, reader)) }
    findings.append(try examinePublished(tree, fixing: fixing))
    return findings
  }

  private func examinePayloads(_ blobs: ObjectID, _ reader: StateReader) throws(ReplicationError) -> Finding {
    let found = try BlobJoin(repository: repository, reader: reader).examine(blobs)
    guard let first = found.damaged.first else {
      return Finding("payloads", .ok, "\(found.count) as their names say, \(found.byteCount >> 10) KiB")
    }
    let more = found.damaged.count > 1 ? " and \(found.damaged.count - 1) more" : ""
    return Finding(
      "payloads", .problem, "\(first)\(more): not what the name says",
      remedy: "What needs it is passed over. Any host that has it puts it back with its next backup", code: .badData)
  }

  private func examinePublished(_ tree: StoreTree, fixing: Bool) throws(ReplicationError) -> Finding {
    var files = tree.stateFiles.merging(tree.hostRecords) { first, _ in first }
    files[StoreTree.unifiedName] = tree.unified
    var stale: [String] = []
    for (path, id) in files.sorted(by: { $0.key < $1.key }) {
      let bytes = (try? effects.fileSystem.read(paths.folder + "/" + path, limitBytes: 1 << 30)) ?? nil
      let found = try bytes.map { bytes throws(ReplicationError) in
        try replicating { () throws(GitError) in try repository.blobID(of: bytes) }
      }
      if found != id { stale.append(path) }
    }
    guard let first = stale.first else { return Finding("working files", .ok, "as committed") }
    let more = stale.count > 1 ? " and \(stale.count - 1) more" : ""
    var finding = Finding(
      "working files", .note, "\(first)\(more) in the store's folder are not what is committed; the commits count",
      remedy: "crdt-backup doctor --fix writes them again")
    if fixing, let host = settings.host, let replica = try privateState.readReplica() ?? (try? loadReplica(tree: tree))
    {
      try privateState.writePublished([:])
      var report = BackupReport(host: host, branch: settings.branch, outcome: .noRemote)
      try publish(identity: Identity(host: host, replica: replica), report: &report)
      finding.fixed = "wrote them again"
    }
    return finding
  }

  // MARK: Time, runs, hosts

  private func examineClock() throws(ReplicationError) -> [Finding] {
    var findings: [Finding] = []
    if wall.seconds < 1_700_000_000 {
      findings.append(
        Finding(
          "clock", .problem, "this machine's clock says \(wall)", remedy: "Set it; stamps stay in order meanwhile"))
    } else if let mark = try privateState.readClock(), mark.seconds(since: wall) > settings.maxDriftSeconds {
      findings.append(
        Finding(
          "clock", .problem, "this machine's clock (\(wall)) is behind what it has written already (\(mark))",
          remedy: "Set the clock. Nothing is lost: new stamps go on from the later time"))
    }
    for entry in try status().drift.prefix(5) {
      findings.append(
        Finding(
          "clock", .note, "\(entry.host) stamped \(entry.id) \(entry.secondsAhead) s ahead of this clock",
          remedy: "Set the clock of \(entry.host), or this one. The value is kept"))
    }
    return findings.isEmpty ? [Finding("clock", .ok, "\(wall)")] : findings
  }

  private func examineRuns() throws(ReplicationError) -> [Finding] {
    var findings: [Finding] = []
    let run = try lastRun()
    if run.exitCode != 0 {
      findings.append(
        Finding("last run", .note, "ended with exit code \(run.exitCode): \(run.message)", remedy: "Run: crdt-backup"))
    }
    let silent = try hosts().filter { $0.isSilent && !$0.isThisHost }.map(\.name)
    if !silent.isEmpty {
      findings.append(
        Finding(
          "hosts", .note, "nothing for more than \(settings.silentDays) days from " + silent.joined(separator: ", "),
          remedy: "Look there: crdt-backup status. crdt.silentDays sets the limit"))
    }
    return findings
  }
}

extension PrivateState {
  /// Whether the record is whole. Its reader takes a damaged one for none.
  func readsLastRun() throws(ReplicationError) -> Bool { try reads(paths.lastRun, kind: Kind.lastRun) }
  func readsPublished() throws(ReplicationError) -> Bool { try reads(paths.published, kind: Kind.published) }
  func readsIngested() throws(ReplicationError) -> Bool { try reads(ingestedPath, kind: Kind.ingested) }
  func readsHeld() throws(ReplicationError) -> Bool { try reads(heldPath, kind: Kind.held) }

  private func reads(_ path: String, kind: String) throws(ReplicationError) -> Bool {
    let bytes = try storing { () throws(StorageError) in try fileSystem.read(path, limitBytes: 1 << 30) }
    guard let bytes else { return true }
    return (try? SealedRecord(opening: bytes, kind: kind)) != nil
  }
}
