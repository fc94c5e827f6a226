import ArgumentParser
import Checkpointing
import CommandSupport
import Memory

struct CheckpointCompactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Delete old checkpoints: keep the newest, those with tags, or both.",
    discussion: """
      Works on each session by itself, and always keeps its newest checkpoint. --keep 10 keeps the newest ten of a \
      session whatever their tags, --preserve-tagged keeps those with a tag, and both together keep what either keeps.
      """)

  @Option(help: ArgumentHelp("Keep the newest so many of each session.", valueName: "count"))
  var keep: Int?
  @Flag(help: "Keep those that have a tag.")
  var preserveTagged = false
  @Flag(help: "Tell what would be deleted, and write nothing.")
  var dryRun = false
  @OptionGroup var sessionOption: SessionOption
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if keep == nil && !preserveTagged {
      throw ValidationError("say what to keep: --keep COUNT, --preserve-tagged or both")
    }
    if let keep, keep < 1 { throw ValidationError("--keep is at least 1") }
  }

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint compact", printsResult: dryRun) {
      let service = try storeOptions.checkpoints()
      let session = try sessionOption.id(in: service)
      let strategy: CompactionStrategy =
        if let keep { preserveTagged ? .hybrid(keep) : .keepRecent(keep) } else { .preserveTagged }
      let plan =
        dryRun
        ? try service.compactionPlan(strategy, session: session) : try service.compact(strategy, session: session)
      if output.json {
        console.object("checkpoint compact") { object in
          object.member("dryRun", dryRun)
          object.member("kept", plan.kept.count)
          CheckpointText.headers("deleted", plan.removed, &object)
          object.member("exitCode", 0)
        }
      }
      for header in plan.removed {
        console.say("\(dryRun ? "Would delete" : "Deleted") \(CheckpointText.name(header))")
      }
      console.say("\(plan.removed.count) \(dryRun ? "would be deleted" : "deleted"), \(plan.kept.count) kept")
      return 0
    }
  }
}
