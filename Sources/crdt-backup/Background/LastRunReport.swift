import CRDT
import CommandSupport
import Memory
import Processes
import Replication

/// How the last run on a store ended and where the background runs' log is, for `hook status` and `schedule status`.
struct LastRunReport {
  let run: RunRecord?
  let log: String?

  init(store: String?) {
    run = store.flatMap { try? Store.open($0, effects: .real).lastRun() }
    log = BoundedLog.defaultPath(environment: Environment.current.variables)
  }

  var lines: [String] {
    var lines: [String] = []
    if let run, let ended = run.ended {
      let when = "\(TimeText.short(ended)) (\(TimeText.ago(ended, now: Effects.real.wallClock())))"
      lines.append("Last run \(when), exit code \(run.exitCode): \(run.message)")
    }
    if let log { lines.append("Log      \(log)") }
    return lines
  }

  func json(_ object: inout JSONWriter) {
    object.member("lastRun", run?.ended?.description)
    object.member("lastExitCode", Int(run?.exitCode ?? 0))
    object.member("lastMessage", run?.message)
    object.member("lastVerified", run?.verified?.description)
    object.member("log", log)
  }
}
