import ArgumentParser
import CRDT
import CommandSupport
import Memory
import Replication

struct ForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Delete an id on all hosts: a tombstone, merged like any other value.",
    discussion: """
      The values stay in the store's git history (`log` shows them, `restore` brings them back). A memory file that \
      is written back is backed up before and loses it; one that is not keeps it: take it out there too.
      """)

  @Argument(help: ArgumentHelp("The entry's id; for a knowledge graph an entity's name.", valueName: "id"))
  var id: String
  @Flag(help: "Save here only.")
  var offline = false
  @Flag(help: "Tell what would be deleted, and write nothing.")
  var dryRun = false
  @OptionGroup var sourceOptions: SourceOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("forget", printsResult: false) {
      let store = try storeOptions.open()
      let options = BackupOptions.following(store, offline: offline, dryRun: dryRun)
      func shown(_ report: ForgetReport) -> String {
        report.ids.prefix(5).map(\.description).joined(separator: ", ")
      }
      if dryRun {
        let report = try store.forget(ByteString(id), in: sourceOptions.choice, options: options)
        if output.json {
          console.object("forget") { object in
            object.member("dryRun", true)
            object.array("ids") { array in report.ids.forEach { array.element($0.description) } }
            object.member("exitCode", 0)
          }
        }
        console.say("Would forget \(shown(report))")
        return 0
      }
      return try store.changeAndShare(options, command: "forget", console: console) { options in
        let report = try store.forget(ByteString(id), in: sourceOptions.choice, options: options)
        console.say("Forgot \(shown(report))")
        console.say("Git history still has the values: `crdt-backup log \(id)` shows them")
        return { object in
          object.array("forgotten") { array in report.ids.forEach { array.element($0.description) } }
        }
      }
    }
  }
}
