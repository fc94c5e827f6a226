import CommandSupport
import Git
import Memory
import Replication

/// Changes of the state that a command makes and then shares as a backup does: forgetting, restoring, deciding.
extension BackupOptions {
  /// The options of a change that is then shared. A memory file that is not written back is no part of it, and may be
  /// missing.
  static func following(_ store: Store, offline: Bool, dryRun: Bool) -> BackupOptions {
    var options = BackupOptions(defaultHost: store.settings.requestedHost ?? Machine.defaultHost)
    options.isOffline = offline
    options.isDryRun = dryRun
    options.skipsIngest = true
    return options
  }
}

extension Store {
  /// Backs up to the remote of the settings, with progress on a terminal.
  func backUp(_ options: BackupOptions, _ console: Console) throws(ReplicationError) -> BackupReport {
    defer { console.endProgress() }
    return try backup(
      options, connect: { url throws(GitError) in try self.repository.remote(url: url) }, progress: console.progress)
  }

  /// Makes a change and brings it to the remote, as a backup would, and into the memory that is written back. What its
  /// user did there goes first: the change is made to what is in the file now.
  /// - Parameter change: commits it here and prints what it was; returns the members of the JSON object that say so.
  func changeAndShare(
    _ options: BackupOptions, command: String, console: Console,
    _ change: (BackupOptions) throws -> (inout JSONWriter) -> Void
  ) throws -> Int32 {
    var options = options
    if settings.sources.contains(where: \.isWrittenBack) {
      options.skipsIngest = !takesIn(options, console)
    }
    let members = try change(options)
    return try shareChange(options, command: command, console: console, change: members)
  }

  /// Backs up what is in the memory files, on this host only. Where that fails the change is made all the same, and they
  /// are left alone.
  private func takesIn(_ options: BackupOptions, _ console: Console) -> Bool {
    var options = options
    options.isOffline = true
    options.isPrelude = true
    options.skipsIngest = false
    do {
      let report = try backUp(options, console)
      guard let failure = report.sources.lazy.compactMap(\.failure).first else { return true }
      console.warn("the memory is left as it is: \(failure.message)")
    } catch {
      console.warn("the memory is left as it is: \(error.message)")
    }
    return false
  }

  /// Brings a change that is committed here to the remote, as a backup would, and tells how that ended.
  /// - Parameter change: the members of the JSON object that say what was changed.
  func shareChange(
    _ options: BackupOptions, command: String, console: Console, change: (inout JSONWriter) -> Void
  ) throws -> Int32 {
    do {
      let report = try backUp(options, console)
      BackupPrinter(console: console, folder: paths.folder).show(report, command: command, change: change)
      return report.exitCode
    } catch {
      let failure = savedAllTheSame(error)
      if console.options.json {
        console.object(command) { object in
          change(&object)
          object.member("commit", (try? tip())?.description)
          object.object("error") { object in
            object.member("code", failure.code.rawValue)
            object.member("message", failure.message)
            object.member("remedy", failure.remedy)
          }
          object.member("exitCode", Int(failure.exitCode))
        }
      }
      console.fail(failure.description)
      return failure.exitCode
    }
  }

  /// What went wrong behind a change that was committed before: the error's own remedy may say that nothing changed.
  private func savedAllTheSame(_ error: ReplicationError) -> ReplicationError {
    let commit = (try? tip()).map { " (commit \($0.short))" } ?? ""
    let place: String =
      if settings.remote == nil {
        "no remote is set"
      } else if let report = try? status() {
        report.unpushedCommits == 0 ? "it is on the remote" : "it is not on the remote yet"
      } else {
        "whether it is on the remote cannot be told"
      }
    return ReplicationError(
      error.code, "the change is saved in the store\(commit), and \(place), but: \(error.message)",
      remedy: "The next backup goes on from there", isRetryable: error.isRetryable)
  }
}
