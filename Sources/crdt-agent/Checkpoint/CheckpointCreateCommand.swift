import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory
import Processes

struct CheckpointCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Freeze a state: from a JSON file or stdin, with the working folder and chosen environment variables.",
    discussion: """
      The state is a JSON object. Known members: workingFolder, environment, metrics (name to number), hypotheses (id, \
      statement, prior, posterior, status, dependencies, evidence, changes); all others are kept as they are. What is \
      missing of the first two is taken from this process.

      Of environment variables only those on the list below and those named with --env enter, and none that looks like a \
      secret. A state that holds a secret is refused.

      On the list: \(EnvironmentAllowList.standardNames.map(\.description).sorted().joined(separator: ", ")).
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("What this state is.", valueName: "text"))
  var message: String = ""
  @Option(help: ArgumentHelp("A tag; may be given again.", valueName: "tag"))
  var tag: [String] = []
  @Option(
    help: ArgumentHelp(
      "Why: " + CheckpointTrigger.allCases.map(\.description).joined(separator: ", ") + ".", valueName: "trigger"))
  var trigger: String = "manual"
  @Option(
    help: ArgumentHelp(
      "The session (default: the newest open one of this host; where there is none, one is begun).",
      valueName: "session"))
  var session: String?
  @Option(help: ArgumentHelp("The state's file, - for stdin.", valueName: "file"), completion: .file())
  var state: String?
  @Option(name: .customLong("env"), help: ArgumentHelp("Let this variable in too.", valueName: "name"))
  var environmentNames: [String] = []
  @Flag(name: .customLong("no-env"), help: "Let no environment variable in.")
  var hasNoEnvironment = false
  @Option(help: ArgumentHelp("Let through what this rule takes for a secret.", valueName: "rule"))
  var allow: [String] = []
  @Option(
    help: ArgumentHelp("Make none where the session has one that is younger, as 30s or 5m.", valueName: "length"))
  var atMostEvery: String?
  @Option(help: ArgumentHelp("This host's name where the store has none yet.", valueName: "name"))
  var host: String?
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(agent: output)
    try console.run("checkpoint create", printsResult: false) {
      let service = try storeOptions.checkpoints(making: true, host: host)
      let (state, refused, unlisted) = try frozenState(try service.secretScanner())
      for name in unlisted { console.warn("\(name) stays out: it is not on the list; --env \(name) lets it in") }
      for name in refused { console.warn("\(name) stays out: it looks like a secret") }
      var draft = CheckpointDraft(
        message: ByteString(message), tags: Set(tag.map { ByteString($0) }),
        trigger: try CheckpointTrigger.named(trigger), state: state)
      draft.allowedSecretRules = Set(allow.map { ByteString($0) })
      draft.minimumGapSeconds = try atMostEvery.map { try lengthSeconds($0, "--at-most-every") }
      if let session { draft.session = try service.session(ByteString(session)).id }
      let header = try service.createIfDue(draft)
      if output.json {
        console.object("checkpoint create") { object in
          object.member("created", header != nil)
          if let header { object.object("checkpoint") { CheckpointText.json(header, &$0) } }
          CheckpointText.texts("refusedVariables", refused, &object)
          object.member("exitCode", 0)
        }
      }
      if let header {
        console.say(bold: "Checkpoint \(CheckpointText.name(header))", " created")
      } else {
        console.say("No checkpoint: the session's newest is younger than \(atMostEvery ?? "")")
      }
      return 0
    }
  }

  /// The state to freeze, the variables that stay out because of their value, and those of the state that are not on the
  /// list.
  private func frozenState(_ scanner: SecretScanner) throws
    -> (state: CheckpointState, refused: [ByteString], unlisted: [ByteString])
  {
    var frozen = CheckpointState()
    var given: [ByteString: ByteString]?
    if let state {
      let bytes = try UserFiles.read(state, limitBytes: CheckpointLimits.stateBytes)
      frozen = try CheckpointState(json: bytes, source: state == "-" ? "stdin" : state)
      if !frozen.environment.isEmpty { given = frozen.environment }
    }
    if frozen.workingFolder == nil { frozen.workingFolder = ByteString(Machine.absolute(".")) }
    var here: [ByteString: ByteString] = [:]
    for (name, value) in Environment.current.variables { here[ByteString(name)] = ByteString(value) }
    let list =
      hasNoEnvironment
      ? EnvironmentAllowList(only: Set(environmentNames.map { ByteString($0) }))
      : EnvironmentAllowList(adding: Set(environmentNames.map { ByteString($0) }))
    let (kept, refused) = list.chosen(from: given ?? here, scanner: scanner)
    frozen.environment = kept
    // Of this process nobody asked for all; what a state brings along is not left out without a word.
    let unlisted = (given ?? [:]).keys.filter { !list.names.contains($0) }.sorted()
      .map { scanner.findings(in: JSONText.quoted($0.bytes)).isEmpty ? $0 : "(a name that looks like a secret)" }
    return (frozen, refused, unlisted)
  }
}
