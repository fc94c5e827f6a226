import CRDT
import Git
import Processes

/// How the way to the remote ended.
public enum SyncOutcome: Hashable, Sendable {
  /// This commit was read back from the remote's branch.
  case verified(ObjectID)
  /// The store has no remote.
  case noRemote
  /// Everything is in the store; it is not known to be on the remote.
  case notOnRemote(ReplicationError)

  public var isVerified: Bool { if case .verified = self { true } else { false } }
}

extension Store {
  /// What a sync did beside its outcome.
  struct SyncResult {
    var outcome: SyncOutcome
    var attempts = 0
    var renamed: (from: HostName, to: HostName)?
  }

  /// Fetches, joins, pushes and verifies until the remote has everything, or the deadline is there (DESIGN 8).
  ///
  /// Never throws for what the remote does: that is an outcome. Throws for trouble on this host.
  func sync(
    with remote: any Remote, deadline: Deadline, identity: inout Identity, reader: StateReader,
    progress: (String) -> Void
  ) throws(ReplicationError) -> SyncResult {
    var backoff = Backoff()
    var result = SyncResult(outcome: .noRemote)
    var refusals = Refusals()
    var lastFailure = GitError(
      .timedOut, operation: "sync", message: "the deadline passed before the first contact", isRetryable: true)
    while true {
      result.attempts += 1
      do throws(AttemptError) {
        let attempt = try attempt(
          with: remote, deadline: deadline, identity: &identity, reader: reader, progress: progress)
        if let renamed = attempt.renamed { result.renamed = renamed }
        switch attempt.ending {
        case .verified(let commit):
          result.outcome = .verified(commit)
          return result
        case .again(let failure):
          lastFailure = failure
          refusals.count(at: attempt.remote)
        }
      } catch {
        switch error {
        case .here(let failure): throw failure
        case .refused(let failure):
          result.outcome = .notOnRemote(failure)
          return result
        case .remote(let failure):
          lastFailure = failure
          // A full disk on this host does not empty itself while we wait.
          if !failure.isRetryable || failure.code == .timedOut || failure.code == .storage {
            result.outcome = .notOnRemote(try explained(failure))
            return result
          }
        }
      }
      let wait = backoff.nextMilliseconds(random: randomNumber())
      if deadline.hasPassed || Int(deadline.remainingMilliseconds) <= wait
        || isGivenUp(lastFailure, result.attempts) || refusals.isFinal
      {
        result.outcome = .notOnRemote(try explained(lastFailure))
        return result
      }
      progress("\(lastFailure.message); trying again in \(wait) ms")
      effects.sleepMilliseconds(wait)
    }
  }

  /// The failure for people. A repository that was there before is away, not a mistake in the settings.
  private func explained(_ failure: GitError) throws(ReplicationError) -> ReplicationError {
    guard failure.code == .notARepository, try trackedTip() != nil else { return ReplicationError(remote: failure) }
    return ReplicationError(
      .notOnRemote, failure.description,
      remedy: "Everything is saved in the store on this host. It was there before: is its disk mounted, its server up?")
  }

  /// A lost race is tried again until the deadline; a remote that three times cannot be reached, or is
  /// in trouble of its own (a full disk), is left for the next run.
  private func isGivenUp(_ failure: GitError, _ attempts: Int) -> Bool {
    (failure.code == .unreachable || failure.code == .other) && attempts >= 3
  }

  /// Refusals in a row while the remote stood still: nobody was first, so the remote itself says no.
  private struct Refusals {
    private var remote: ObjectID?
    private var inARow = 0

    mutating func count(at tip: ObjectID?) {
      inARow = tip == remote ? inARow + 1 : 1
      remote = tip
    }

    var isFinal: Bool { inARow >= 8 }
  }

  private enum AttemptError: Error {
    case here(ReplicationError)
    case refused(ReplicationError)
    case remote(GitError)
  }

  private struct Attempt {
    enum Ending {
      case verified(ObjectID)
      case again(GitError)
    }
    var ending: Ending
    /// The remote's tip that the attempt was made on.
    var remote: ObjectID?
    var renamed: (from: HostName, to: HostName)?
  }

  private func attempt(
    with remote: any Remote, deadline: Deadline, identity: inout Identity, reader: StateReader,
    progress: (String) -> Void
  ) throws(AttemptError) -> Attempt {
    let branch = settings.branch
    let there = try away { () throws(GitError) in try remote.fetch(branch: branch, deadline: deadline) }
    var renamed: (from: HostName, to: HostName)?
    let commit: ObjectID
    if let there {
      try refuseForeign(there)
      try here { () throws(ReplicationError) in try track(there) }
      let integrated: Integrated
      do { integrated = try integrate(remote: there, identity: &identity, reader: reader) } catch {
        throw error.code == .notOnRemote && !error.isRetryable ? .refused(error) : .here(error)
      }
      renamed = integrated.renamed
      commit = integrated.commit
    } else {
      try refuseProject(remote, deadline: deadline)
      guard let local = try here({ () throws(ReplicationError) in try tip() }) else {
        throw .refused(
          ReplicationError(.noInput, "nothing to back up yet: neither the store nor the remote has an entry"))
      }
      commit = local
    }
    if commit == there { return Attempt(ending: .verified(commit), renamed: renamed) }

    progress("pushing \(commit.short)")
    switch try away({ () throws(GitError) in try remote.push(commit, branch: branch, deadline: deadline) }) {
    case .rejected(let reason):
      return Attempt(
        ending: .again(
          GitError(.refChanged, operation: "push", message: "the remote said no: \(reason)", isRetryable: true)),
        remote: there, renamed: renamed)
    case .accepted: break
    }

    // An accepted push is not a proof: only what is read back from the remote is.
    let refs = try away { () throws(GitError) in try remote.list(deadline: deadline) }
    guard var seen = refs["refs/heads/\(branch)"] else {
      return Attempt(ending: .again(vanished(branch)), renamed: renamed)
    }
    if seen != commit {
      guard let fetched = try away({ () throws(GitError) in try remote.fetch(branch: branch, deadline: deadline) })
      else {
        return Attempt(ending: .again(vanished(branch)), renamed: renamed)
      }
      seen = fetched
      let holds = try here { () throws(ReplicationError) in
        try replicating { () throws(GitError) in try repository.isAncestor(commit, of: seen) }
      }
      guard holds else { return Attempt(ending: .again(vanished(branch)), renamed: renamed) }
    }
    try here { () throws(ReplicationError) in try track(seen) }
    return Attempt(ending: .verified(commit), renamed: renamed)
  }

  private func vanished(_ branch: String) -> GitError {
    GitError(
      .refChanged, operation: "verify",
      message: "the remote accepted the push, but its \(branch) does not hold it", isRetryable: true)
  }

  /// A branch that holds something else entirely is not ours to write to.
  private func refuseForeign(_ remote: ObjectID) throws(AttemptError) {
    try here { () throws(ReplicationError) in
      guard try !isStoreOrFresh(remote) else { return }
      if let local = try tip(),
        try replicating({ () throws(GitError) in try repository.mergeBase(local, remote) }) != nil
      {
        return
      }
      throw ReplicationError(
        .configuration, "the remote's branch \(settings.branch) holds other files and no memory",
        remedy: "Nothing was written there; everything is saved in the store on this host. Give a repository of its "
          + "own with --remote, or a branch with --branch")
    }
  }

  /// A remote that has branches, but not the one that is only the default, is somebody's project until the user says
  /// which branch to use there.
  private func refuseProject(_ remote: any Remote, deadline: Deadline) throws(AttemptError) {
    let isKnown = try here { () throws(ReplicationError) in try trackedTip() != nil }
    if settings.isBranchChosen || isKnown { return }
    let refs = try away { () throws(GitError) in try remote.list(deadline: deadline) }
    let prefix = "refs/heads/"
    let branches = refs.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }.sorted()
    guard let first = branches.first, refs[prefix + settings.branch] == nil else { return }
    let others = branches.count > 1 ? " and \(branches.count - 1) more" : ""
    throw .refused(
      ReplicationError(
        .configuration, "the remote has the branch \(first)\(others), but no \(settings.branch)",
        remedy: "Nothing was written there; everything is saved in the store on this host. Give a repository of its "
          + "own with --remote, or name the branch with --branch"))
  }

  /// Remembers where the remote's branch is.
  private func track(_ commit: ObjectID) throws(ReplicationError) {
    let known = try trackedTip()
    guard known != commit else { return }
    try replicating { () throws(GitError) in
      try repository.updateReference(trackingReference, to: commit, expecting: known, message: "crdt-backup: fetched")
    }
  }

  private func away<Value>(_ body: () throws(GitError) -> Value) throws(AttemptError) -> Value {
    do { return try body() } catch { throw .remote(error) }
  }

  private func here<Value>(_ body: () throws(ReplicationError) -> Value) throws(AttemptError) -> Value {
    do { return try body() } catch { throw error.code == .configuration ? .refused(error) : .here(error) }
  }

  private func randomNumber() -> UInt64 {
    effects.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
