import CRDT

/// How the last run on a store ended, as its private state tells.
public struct RunRecord: Hashable, Sendable {
  public var ended: Instant?
  public var exitCode: Int32
  public var message: String
  /// When everything was last seen on the remote.
  public var verified: Instant?
}

extension Store {
  /// How the last run ended. Reads one small file.
  public func lastRun() throws(ReplicationError) -> RunRecord {
    let run = try privateState.readLastRun()
    return RunRecord(ended: run.ended, exitCode: run.exitCode, message: run.message, verified: run.verified)
  }

  /// Notes a run that failed before it could note itself, so that `status` tells of it.
  public func noteFailedRun(exitCode: Int32, message: String) throws(ReplicationError) {
    var run = try privateState.readLastRun()
    run.ended = wall
    run.exitCode = exitCode
    run.message = message
    try privateState.write(run)
  }
}
