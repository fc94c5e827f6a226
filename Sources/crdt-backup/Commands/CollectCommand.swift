import ArgumentParser
import CRDT
import CommandSupport
import Git
import Memory
import Replication

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "End tombstones that every host has seen, and pack the store.",
    discussion: """
      A deleted entry leaves a tombstone, so that hosts which still have it learn of the deletion. Once every host that \
      is not retired (`hosts retire`) has, it goes, with the values it deleted; git history keeps them (`log`, \
      `restore --at`). A host tells what it has seen with its backups, about once a day, or by `gc` itself.
      """)

  @Flag(help: "Save here only.")
  var offline = false
  @Flag(help: "Tell what would go, and what holds the others up; write nothing.")
  var dryRun = false
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("gc", printsResult: false) {
      let store = try storeOptions.open()
      var options = BackupOptions.following(store, offline: offline, dryRun: dryRun)
      if !dryRun, !offline {
        // What the others have seen may have come in since the last backup.
        let report = try store.backUp(options, console)
        report.warnings.forEach(console.warn)
        if case .notOnRemote(let error) = report.outcome {
          console.fail(error.description)
          // Once is enough to wait for it.
          options.isOffline = true
        }
      }
      let report = try store.collect(options)
      text(report, store, console)
      if dryRun {
        if output.json {
          console.object("gc") { object in
            object.member("dryRun", true)
            members(report, &object)
            object.member("exitCode", 0)
          }
        }
        return 0
      }
      return try store.shareChange(options, command: "gc", console: console) { members(report, &$0) }
    }
  }

  private func text(_ report: CollectionReport, _ store: Store, _ console: Console) {
    let would = dryRun ? "Would end" : "Ended"
    let values = report.values > 0 ? ", with \(counted(report.values, "value")) they had deleted" : ""
    console.say(
      report.tombstones == 0
        ? "No tombstone \(dryRun ? "would end" : "ended")"
        : "\(would) \(counted(report.tombstones, "tombstone"))\(values)")
    for waiting in report.waiting {
      let age = TimeText.length(seconds: max(0, store.wall.seconds(since: waiting.oldest)))
      let sign = waiting.lastSign.map { "last heard of \(TimeText.ago($0, now: store.wall))" } ?? "it keeps no record"
      console.say(
        "\(counted(waiting.tombstones, "tombstone")) wait\(waiting.tombstones == 1 ? "s" : "") for \(waiting.host), "
          + "the oldest for \(age) (\(sign))")
    }
    for reason in CollectionPlan.Reason.allCases {
      guard let count = report.kept[reason] else { continue }
      console.say("\(counted(count, "tombstone")) kept: \(CollectCommand.clause(reason))")
    }
    if report.isPacked { console.say("Packed the store") }
  }

  private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  private static func clause(_ reason: CollectionPlan.Reason) -> String {
    switch reason {
    case .unseenValue: "a value that the deletion had not seen waits for its host to write it again"
    case .ahead: "written with a clock that was far ahead"
    case .foreign: "a value was written by something that keeps no record of what it has seen"
    }
  }

  private func members(_ report: CollectionReport, _ object: inout JSONWriter) {
    object.member("tombstones", report.tombstones)
    object.member("values", report.values)
    object.array("ids") { array in report.ids.forEach { array.element($0.description) } }
    object.array("waiting") { array in
      for waiting in report.waiting {
        array.object { object in
          object.member("host", waiting.host)
          object.member("thisHost", waiting.isThisHost)
          object.member("tombstones", waiting.tombstones)
          object.member("oldest", waiting.oldest.description)
          object.member("lastSign", waiting.lastSign?.description)
        }
      }
    }
    object.object("kept") { object in
      for reason in CollectionPlan.Reason.allCases { object.member(reason.rawValue, report.kept[reason] ?? 0) }
    }
    object.member("packed", report.isPacked)
  }
}
