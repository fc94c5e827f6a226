import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory

struct CheckpointDeleteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete checkpoints and their notes on all hosts.",
    discussion: "A tombstone: they stay deleted after every restart and merge. The store's git history keeps them.")

  @Argument(help: ArgumentHelp("Ids, beginnings of ids, NUMBER or NUMBER@HOST.", valueName: "checkpoint"))
  var checkpoints: [String]
  @Flag(help: "Tell what would be deleted, and write nothing.")
  var dryRun = false
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint delete", printsResult: dryRun) {
      let service = try storeOptions.checkpoints()
      var named: [CheckpointHeader] = []
      for reference in checkpoints { named.append(try service.find(reference).header) }
      let ids = Set(named.map(\.id))
      let gone =
        dryRun ? try service.list().map(\.header).filter { ids.contains($0.id) } : try service.delete(ids)
      if output.json {
        console.object("checkpoint delete") { object in
          object.member("dryRun", dryRun)
          CheckpointText.headers("deleted", gone, &object)
          object.member("exitCode", 0)
        }
      }
      for header in gone { console.say("\(dryRun ? "Would delete" : "Deleted") \(CheckpointText.name(header))") }
      return 0
    }
  }
}
