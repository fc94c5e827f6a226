import CRDT
import CommandSupport
import CommandText
import Processes
import Replication

/// One backup that nobody watches: what it says goes to the log, and how it ended to `status`.
struct BackgroundRun {
  /// What started it: `hook` or `schedule`.
  var trigger: String
  /// The store's folder.
  var folder: String
  var log: BoundedLog?
  /// Far beyond all the waits that a run may do by its settings.
  var limitSeconds: Double = 3600

  /// Runs `crdt-backup sync` as a child, so that not even a crash of it ends a worker. Returns its exit code.
  func run() -> Int32 {
    let started = ContinuousClock.now
    let startedWall = Effects.real.wallClock()
    var environment = Environment.current.withoutGit
    environment[ThisProgram.guardVariable] = "1"
    let code: Int32
    let words: String
    do {
      let command = Command(
        try ThisProgram.path(), ["sync", "--quiet", "--store", folder], environment: environment, folder: "/",
        group: .session)
      let result = try command.run(deadline: .after(seconds: limitSeconds), limitBytes: 64 << 10)
      words = result.errorText
      switch result.termination {
      case .exited(let status): code = status
      case .signaled(let signal): (code, _) = (70, note("ended by signal \(signal)"))
      case .timedOut: (code, _) = (75, note("did not end within \(Int(limitSeconds)) s"))
      }
    } catch let error as ReplicationError {
      (code, words) = (error.exitCode, error.description)
    } catch {
      (code, words) = (70, "\(error)")
    }
    let milliseconds = started.duration(to: .now) / .milliseconds(1)
    note("exit code \(code) after \(Int(milliseconds)) ms" + (words.isEmpty ? "" : "\n" + words))
    if code != 0 { remember(code, words, since: startedWall) }
    return code
  }

  /// A line in the log, with the time, what started the run, and the store.
  @discardableResult
  func note(_ text: String) -> Bool {
    guard let log else { return false }
    let head = "\(Effects.real.wallClock()) \(trigger) \(folder): "
    let line = text.split(separator: "\n").map { TerminalText.shown(String($0)) }.joined(separator: "\n  ")
    return (try? log.append(TerminalText.shown(head) + line)) != nil
  }

  /// A run that ended before it could say so itself shows in `status` all the same.
  private func remember(_ code: Int32, _ words: String, since started: Instant) {
    guard let store = try? Store.open(folder, effects: .real), let last = try? store.lastRun() else { return }
    if let ended = last.ended, ended >= started { return }
    var message = words.split(separator: "\n").last.map(String.init) ?? "the backup by the \(trigger) failed"
    if message.hasPrefix("crdt-backup: ") { message.removeFirst("crdt-backup: ".count) }
    try? store.noteFailedRun(exitCode: code, message: message)
  }
}
