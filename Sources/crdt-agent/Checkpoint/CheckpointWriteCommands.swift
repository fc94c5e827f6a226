import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory
import Replication

struct CheckpointAnnotateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "annotate", abstract: "Put a note on a checkpoint; the checkpoint stays as it is.")

  @Argument(help: ArgumentHelp("Its id, the beginning of one, NUMBER, NUMBER@HOST or latest.", valueName: "checkpoint"))
  var checkpoint: String
  @Argument(help: ArgumentHelp("The note.", valueName: "text"))
  var text: String
  @Option(
    help: ArgumentHelp(
      CheckpointAnnotation.Level.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "level"))
  var level: String = "info"
  @Option(help: ArgumentHelp("Let through what this rule takes for a secret.", valueName: "rule"))
  var allow: [String] = []
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint annotate", printsResult: false) {
      guard let level = CheckpointAnnotation.Level(rawValue: level) else {
        throw CheckpointError(.usage, "unknown level \"\(level)\"", remedy: "Levels are info, warning, critical")
      }
      let service = try storeOptions.checkpoints()
      let header = try service.find(checkpoint).header
      let annotation = try service.annotate(
        header.id, level, ByteString(text), allowedSecretRules: Set(allow.map { ByteString($0) }))
      if output.json {
        console.object("checkpoint annotate") { object in
          object.object("annotation") { CheckpointText.json(annotation, &$0) }
          object.member("exitCode", 0)
        }
      }
      console.say("Noted on \(CheckpointText.name(header))")
      return 0
    }
  }
}

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

struct CheckpointExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write checkpoints with states, sessions and notes as JSON Lines.",
    discussion: "Every checksum is verified; a damaged checkpoint is not passed on.")

  @Option(
    name: [.customShort("o"), .long], help: ArgumentHelp("Write there instead of stdout.", valueName: "file"),
    completion: .file())
  var output: String?
  @OptionGroup var queryOptions: QueryOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if outputOptions.json && output == nil { throw ValidationError("--json needs --output: stdout has the export") }
  }

  func run() throws {
    let console = Console(agent: outputOptions)
    try console.run("checkpoint export") {
      let service = try storeOptions.checkpoints()
      let query = try queryOptions.query(in: service)
      let bytes = try service.export(query)
      guard let output else {
        console.result(bytes)
        return 0
      }
      let isWritten = try AgentFiles.write(bytes, to: output)
      let count = try service.list(query).count
      if outputOptions.json {
        console.object("checkpoint export") { object in
          object.member("file", Machine.absolute(output))
          object.member("checkpoints", count)
          object.member("bytes", bytes.count)
          object.member("written", isWritten)
          object.member("exitCode", 0)
        }
      }
      console.say("Exported \(count) checkpoint\(count == 1 ? "" : "s") to \(output)")
      return 0
    }
  }
}

struct CheckpointImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take in an export: every checksum is verified, and what is here already is skipped.",
    discussion: "One damaged checkpoint means that nothing is imported, unless --skip-invalid.")

  @Argument(help: ArgumentHelp("The file, - for stdin.", valueName: "file"), completion: .file())
  var file: String
  @Flag(help: "Import what is good and name the rest.")
  var skipInvalid = false
  @Option(help: ArgumentHelp("Let through what this rule takes for a secret.", valueName: "rule"))
  var allow: [String] = []
  @Option(help: ArgumentHelp("This host's name where the store has none yet.", valueName: "name"))
  var host: String?
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint import", printsResult: false) {
      let bytes = try AgentFiles.read(file, limitBytes: CheckpointLimits.transfer)
      let service = try storeOptions.checkpoints(making: true, host: host)
      let report = try service.importing(
        bytes, source: file == "-" ? "stdin" : file, skipsInvalid: skipInvalid,
        allowedSecretRules: Set(allow.map { ByteString($0) }))
      let code: Int32 = report.invalid.isEmpty && report.conflicting.isEmpty ? 0 : 65
      if output.json {
        console.object("checkpoint import") { object in
          CheckpointText.headers("imported", report.imported, &object)
          object.member("existing", report.existing.count)
          CheckpointText.texts("conflicting", report.conflicting.map(\.bytes), &object)
          object.array("invalid") { array in
            for validation in report.invalid { array.object { CheckpointText.json(validation, &$0) } }
          }
          object.member("legacy", report.legacyCount)
          object.member("sessions", report.sessionCount)
          object.member("annotations", report.annotationCount)
          object.member("exitCode", Int(code))
        }
      }
      if report.invalid.isEmpty || skipInvalid {
        console.say("\(report.imported.count) imported, \(report.existing.count) here already")
      }
      if report.legacyCount > 0 { console.warn("\(report.legacyCount) without a checksum that could be verified") }
      for validation in report.invalid { console.fail("\(validation.id): \(validation.reason)") }
      for id in report.conflicting { console.fail("\(id): another checkpoint of this id is here; it stays") }
      if !report.invalid.isEmpty, !skipInvalid {
        console.fail("nothing was imported. --skip-invalid takes the good ones")
      }
      return code
    }
  }
}
