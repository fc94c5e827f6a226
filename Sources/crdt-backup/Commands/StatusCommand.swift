import ArgumentParser
import CRDT
import CommandSupport
import Git
import Memory
import Replication

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the last success, what waits to be pushed, every host, and what needs a look.",
    discussion: "Reads this host only and writes nothing. Exits 0 whatever it finds.")

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("status") {
      let report = try storeOptions.open().status()
      if output.json { console.object("status") { json(report, &$0) } } else { text(report, console) }
      return 0
    }
  }

  private func text(_ report: StatusReport, _ console: Console) {
    let settings = report.settings
    console.say(bold: "Store", "    \(report.folder)")
    console.say("Host     \(settings.host?.text ?? "not yet known")")
    console.say("Memory   \(settings.memory ?? "none set")\(settings.isWrittenBack ? "  written back" : "")")
    for source in settings.namedSources { console.say("Source   \(SourceText.line(source))") }
    console.say("Remote   \(settings.remote.map(Redaction.url) ?? "none set") (branch \(settings.branch))")
    if let verified = report.lastVerified {
      console.say("Verified \(TimeText.short(verified)) (\(TimeText.ago(verified, now: report.wall)))")
    } else if settings.remote != nil {
      console.say("Verified never")
    }
    if report.lastExitCode != 0, let last = report.lastRun {
      console.say("Last run \(TimeText.short(last)) ended with exit code \(report.lastExitCode): \(report.lastMessage)")
    }
    if report.unpushedCommits > 0 {
      let since =
        report.unpushedSince.map { ", waiting for \(TimeText.length(seconds: report.wall.seconds(since: $0)))" } ?? ""
      console.say("Unpushed \(report.unpushedCommits) commit\(report.unpushedCommits == 1 ? "" : "s")\(since)")
    } else if settings.remote != nil {
      console.say("Unpushed nothing")
    }
    console.say("Memory holds \(report.liveEntries) live entries, \(report.conflicts) in conflict")
    if !report.heldBack.isEmpty { console.say("Secrets  \(HeldBackText.line(report.heldBack))") }
    if report.quarantined > 0 {
      console.say(
        "Damaged  \(report.quarantined) line\(report.quarantined == 1 ? "" : "s") of the memory file cannot be read, "
          + "and \(report.quarantined == 1 ? "is kept as it is" : "are kept as they are") (see doctor)")
    }
    console.say("Hosts")
    HostTable.lines(report.hosts, now: report.wall).forEach { console.say("  " + $0) }
    for entry in report.drift.prefix(10) {
      console.say(
        "Drift    \(entry.host) stamped \(entry.id) \(TimeText.length(seconds: entry.secondsAhead)) ahead of this clock"
      )
    }
    if report.drift.count > 10 { console.say("Drift    and \(report.drift.count - 10) more") }
    for warning in report.warnings { console.warn(warning) }
  }

  private func json(_ report: StatusReport, _ object: inout JSONWriter) {
    let settings = report.settings
    object.member("store", report.folder)
    object.member("host", settings.host?.text)
    object.member("memory", settings.memory)
    object.member("writeBack", settings.isWrittenBack)
    object.array("sources") { array in settings.namedSources.forEach { SourceText.json($0, &array) } }
    object.member("remote", settings.remote.map(Redaction.url))
    object.member("branch", settings.branch)
    object.member("commit", report.commit?.description)
    object.member("lastVerified", report.lastVerified?.description)
    object.member("lastRun", report.lastRun?.description)
    object.member("lastExitCode", Int(report.lastExitCode))
    object.member("lastMessage", report.lastMessage)
    object.member("unpushedCommits", report.unpushedCommits)
    object.member("unpushedSince", report.unpushedSince?.description)
    object.member("liveEntries", report.liveEntries)
    object.member("conflicts", report.conflicts)
    object.array("hosts") { array in report.hosts.forEach { HostTable.json($0, &array) } }
    object.array("drift") { array in
      for entry in report.drift {
        array.object { object in
          object.member("host", entry.host)
          object.member("id", entry.id)
          object.member("timestamp", entry.instant.description)
          object.member("secondsAhead", entry.secondsAhead)
        }
      }
    }
    HeldBackText.json(report.heldBack, &object)
    object.member("quarantined", report.quarantined)
    object.array("warnings") { array in report.warnings.forEach { array.element($0) } }
    object.member("exitCode", 0)
  }
}
