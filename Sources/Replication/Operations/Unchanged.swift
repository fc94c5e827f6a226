import CRDT
import Durability
import Git
import Memory

/// Who asks whether anything changed: facts of the process that decide what a run would do.
public struct RunContext: Sendable, Hashable {
  /// The files git settings may come from besides the store's own, absolute, there or not.
  public var configurationFiles: [String]
  /// The effective user: a store of somebody else is not ours to answer for.
  public var userID: UInt32

  public init(configurationFiles: [String], userID: UInt32) {
    self.configurationFiles = configurationFiles
    self.userID = userID
  }
}

/// What a run that was verified had seen: while all of it is as it was, another run would find nothing to do.
///
/// Lets the usual run of a hook or a cron job answer from a few `stat` calls and two refs, without libgit2, whose start
/// costs more than all else. It is a cache: without it, and wherever it does not match, the whole way is gone.
struct VerifiedState: Hashable {
  var context: RunContext
  var machine: String?
  var host: HostName
  var remote: String
  var branch: String
  var sources: [Source]
  var commit: String
  /// Path → what `stat` said, `absent` for nothing.
  var watched: [String: String]
  /// The git folders whose branch was at the commit: the store's and the remote's.
  var gitFolders: [String]
  /// What shows that the remote still has the commit itself.
  var witness: String

  static let absent = "-"

  /// One memory of this host, and what is in it.
  struct Source: Hashable {
    var source: MemorySource
    var counts: IngestCounts
  }
}

extension Store {
  /// Answers for a run with nothing to do, where it is certain to be one: the memory file, the settings, the store's
  /// files, its branch and the branch of a remote on this machine are as the last verified run left them.
  ///
  /// Takes no lock and, within a minute of the last run, writes nothing; later only the note for `status`.
  /// - Returns: `nil` when any of it is not so, or cannot be told: then ``backup(_:connect:progress:)`` has to look.
  /// - Complexity: a `stat` for each host file of the store; no file is read but four small ones.
  public static func unchangedSinceVerified(_ folder: String, context: RunContext, effects: Effects) -> BackupReport? {
    // A cache that cannot be read is none, and whatever is wrong the whole way tells.
    try? unchanged(folder, context: context, effects: effects)
  }

  private static func unchanged(_ folder: String, context: RunContext, effects: Effects) throws -> BackupReport? {
    let paths = StorePaths(folder: folder, gitFolder: folder + "/.git")
    let files = effects.fileSystem
    let state = PrivateState(paths: paths, fileSystem: files)
    guard let verified = try state.readVerified(), verified.context == context,
      verified.machine == machineDigest(effects),
      // A holder's name in the lock: a run is at work, or one has died.
      try files.information(paths.lock)?.sizeBytes == 0
    else { return nil }
    let wall = effects.wallClock()
    var run = try state.readLastRun()
    guard run.exitCode == 0, run.verifiedCommit == verified.commit, run.unpushedSince == nil,
      let before = run.verified, let recorded = run.recordWritten, wall >= before, wall >= recorded,
      wall.seconds(since: recorded) < 86_400
    else { return nil }
    for (path, status) in verified.watched where try watchedStatus(path, files) != status { return nil }
    for folder in verified.gitFolders
    where try reference("refs/heads/\(verified.branch)", in: folder, files) != verified.commit {
      return nil
    }
    guard try files.information(verified.witness) != nil, let commit = ObjectID(hex: verified.commit) else {
      return nil
    }
    if wall.seconds(since: before) >= 60 {
      run.verified = wall
      run.ended = wall
      try state.write(run)
    }
    var report = BackupReport(
      host: verified.host, remote: verified.remote, branch: verified.branch, outcome: .verified(commit))
    report.sources = verified.sources.map {
      SourceReport(
        source: $0.source, ingest: $0.counts, writeBack: $0.source.isWrittenBack ? WriteBackReport() : nil)
    }
    report.commit = commit
    report.attempts = 1
    return report
  }

  /// Notes what a verified run had seen, or that it cannot be told by such a note.
  func noteVerifiedState(_ report: BackupReport, context: RunContext?) throws(ReplicationError) {
    guard let state = try verifiedState(report, context: context) else {
      try storing { () throws(StorageError) in _ = try effects.fileSystem.remove(paths.verified) }
      return
    }
    try privateState.write(state)
  }

  private func verifiedState(_ report: BackupReport, context: RunContext?) throws(ReplicationError) -> VerifiedState? {
    guard let context, case .verified(let commit) = report.outcome, report.commit == commit, report.warnings.isEmpty,
      report.exitCode == 0, report.heldBack.isEmpty, report.renamedFrom == nil, let remote = settings.remote,
      !report.sources.isEmpty, paths.gitFolder == paths.folder + "/.git",
      case .path(let remotePath)? = try? RemoteURL(remote, operation: "open the remote")
    else { return nil }
    var sources: [VerifiedState.Source] = []
    var watched: [String: String] = [:]
    for source in report.sources {
      guard source.ingest != nil, source.writeBack?.unwritable.isEmpty ?? true, source.writeBack?.isWritten != true,
        let ingested = try privateState.of(source.source).readIngested(), ingested.memory == source.source.memory,
        let status = ingested.fileStatus,
        // Not for a folder of notes, which no single `stat` tells of.
        try storing({ () throws(StorageError) in try effects.fileSystem.information(ingested.memory) })?.statusText
          == status
      else { return nil }
      watched[ingested.memory] = status
      sources.append(VerifiedState.Source(source: source.source, counts: ingested.counts))
    }
    let files = effects.fileSystem
    // A list that cannot be read would have nothing watched.
    guard let published = try? privateState.readPublished().keys.sorted() else { return nil }
    do throws(StorageError) {
      guard
        let remoteFolder = try Store.gitFolder(at: remotePath, branch: settings.branch, commit: commit, files),
        let witness = try Store.witness(of: commit, in: remoteFolder, files)
      else { return nil }
      // Settings taken in from further files would change without any of these changing.
      for path in context.configurationFiles + [paths.gitFolder + "/config"] {
        let text = try files.read(path, limitBytes: 1 << 20) ?? []
        if String(decoding: text, as: UTF8.self).lowercased().contains("[include") { return nil }
      }
      let ownFiles = published.map { paths.folder + "/" + $0 }
      let settingsFiles =
        context.configurationFiles + [
          paths.gitFolder + "/config", paths.gitFolder + "/shallow", secretRulesPath, paths.allowed,
        ]
      let waiting = settings.sources.map { privateState.of($0).preparedBasePath }
      for path in ownFiles + settingsFiles + waiting {
        guard let status = try settledStatus(path) else { return nil }
        watched[path] = status
      }
      return VerifiedState(
        context: context, machine: Store.machineDigest(effects), host: report.host, remote: remote,
        branch: settings.branch, sources: sources, commit: commit.description, watched: watched,
        gitFolders: [paths.gitFolder, remoteFolder], witness: witness)
    } catch {
      // Files of others that cannot be looked at: no note.
      return nil
    }
  }

  private static func machineDigest(_ effects: Effects) -> String? {
    effects.machineIdentity().map { EntryIdentity.hexDigest(of: $0) }
  }

  // MARK: Files

  /// What `stat` says of a file, ``VerifiedState/absent`` for none; `nil` where it was changed a moment ago.
  private func settledStatus(_ path: String) throws(StorageError) -> String? {
    guard let file = try effects.fileSystem.information(path) else { return VerifiedState.absent }
    return isSettled(file) ? file.statusText : nil
  }

  private static func watchedStatus(_ path: String, _ files: any FileSystem) throws(StorageError) -> String {
    try files.information(path)?.statusText ?? VerifiedState.absent
  }

  // MARK: Refs

  /// The commit a ref names in a git folder, as hex: its own file's, else the packed one. `nil` where there is none, or it
  /// is symbolic.
  private static func reference(_ name: String, in gitFolder: String, _ files: any FileSystem) throws(StorageError)
    -> String?
  {
    if let bytes = try files.read(gitFolder + "/" + name, limitBytes: 4096) {
      let text = String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
      return ObjectID(hex: text).map { _ in text }
    }
    guard let packed = try files.read(gitFolder + "/packed-refs", limitBytes: 1 << 20) else { return nil }
    let wanted = Array(" \(name)".utf8)
    for line in packed.split(separator: 0x0A) where line.count == 40 + wanted.count && line.dropFirst(40) == wanted[...]
    {
      return String(decoding: line.prefix(40), as: UTF8.self)
    }
    return nil
  }

  /// The git folder of the repository at a path, bare or not, whose branch is at `commit`.
  private static func gitFolder(at path: String, branch: String, commit: ObjectID, _ files: any FileSystem)
    throws(StorageError) -> String?
  {
    for folder in [path + "/.git", path] where try files.information(folder + "/HEAD") != nil {
      return try reference("refs/heads/\(branch)", in: folder, files) == commit.description ? folder : nil
    }
    return nil
  }

  /// The file that holds a commit, where it is loose; else a pack, whichever: packs go only when others hold the same.
  private static func witness(of commit: ObjectID, in gitFolder: String, _ files: any FileSystem) throws(StorageError)
    -> String?
  {
    let hex = commit.description
    let loose = "\(gitFolder)/objects/\(hex.prefix(2))/\(hex.dropFirst(2))"
    if try files.information(loose) != nil { return loose }
    guard try files.information(gitFolder + "/objects/pack") != nil else { return nil }
    let packs = try files.list(gitFolder + "/objects/pack")
    return packs.first { (name: String) -> Bool in name.hasSuffix(".pack") }.map { "\(gitFolder)/objects/pack/\($0)" }
  }
}
