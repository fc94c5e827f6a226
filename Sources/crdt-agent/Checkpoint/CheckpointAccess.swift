import ArgumentParser
import CRDT
import Checkpointing
import CommandSupport
import Memory
import Replication

extension CheckpointError: CommandError {
  package var codeName: String { code.rawValue }
}

extension StoreOptions {
  /// The service over the store, started.
  /// - Parameter host: the name to write under; given, or left to the store, where it is to be made if there is none.
  func checkpoints(making: Bool = false, host: String? = nil) throws -> CheckpointService {
    let folder = try folder()
    var request = StoreRequest(folder: folder)
    request.makesStore = making
    if let host {
      guard !host.isEmpty else { throw ValidationError("--host is empty") }
      if let rule = SecretScanner().findings(in: JSONText.quoted(Array(host.utf8))).first?.rule {
        throw CheckpointError(
          .secretFound, "--host looks like a secret (\(rule))",
          remedy: "Nothing was changed. Every host would read it: give another name")
      }
      request.host = EntryIdentity.hostName(folding: host)
    }
    let store = StoreCheckpointStore(
      defaultHost: Machine.defaultHost,
      openIfThere: { () throws(ReplicationError) -> Store? in try Store.openIfThere(folder) },
      open: { [request] () throws(ReplicationError) -> Store in
        request.makesStore
          ? try Store.openOrCreate(request, effects: .real) : try opened(request.folder)
      })
    let service = CheckpointService(
      store: store, wallClock: Effects.real.wallClock, randomBytes: Effects.real.randomBytes)
    service.start()
    return service
  }
}

/// The store in a folder, which has to be there.
private func opened(_ folder: String) throws(ReplicationError) -> Store {
  do { return try Store.open(folder, effects: .real) } catch {
    guard error.code == .noInput else { throw error }
    throw ReplicationError(
      .noInput, error.message, remedy: "Give its folder with --store, or begin with: crdt-agent checkpoint create")
  }
}

/// Which session.
struct SessionOption: ParsableArguments {
  @Option(help: ArgumentHelp("Only this session: its id, the beginning of one, or its name.", valueName: "session"))
  var session: String?

  func id(in service: CheckpointService) throws(CheckpointError) -> CheckpointID? {
    guard let session else { return nil }
    return try service.session(ByteString(session)).id
  }
}

/// Whether a checkpoint that cannot be verified is taken.
struct LegacyOption: ParsableArguments {
  @Flag(help: "Take a checkpoint of a time before checksums as it is: nothing says that it is what was written.")
  var acceptLegacy = false
}

extension Console {
  /// Says of a checkpoint that is given out without a checksum that it is.
  func warnIfLegacy(_ stored: StoredCheckpoint) {
    guard stored.isLegacy else { return }
    warn("checkpoint \(CheckpointText.name(stored.header)) is legacy: it has no checksum that could be verified")
  }
}

extension Console {
  /// Names what of a list is not what was written, or is missing from it; returns what the list ends with.
  func warnOfDamage(
    _ verdicts: [CheckpointID: StoredCheckpoint.Verdict], _ service: CheckpointService
  ) throws(CheckpointError) -> Int32 {
    let remedy = "`crdt-agent checkpoint validate` says which, and why"
    let damaged = verdicts.values.count { $0 == .invalid }
    if damaged > 0 { warn("\(counted(damaged, "checkpoint is", "checkpoints are")) damaged. \(remedy)") }
    let unreadable = try service.metrics().unreadableCount
    guard unreadable > 0 else { return 0 }
    warn("\(counted(unreadable, "entry", "entries")) cannot be read. \(remedy)")
    return CheckpointError(.badData, "").exitCode
  }
}

/// Which checkpoints.
struct QueryOptions: ParsableArguments {
  @Option(help: ArgumentHelp("From this number on.", valueName: "number"))
  var from: Int?
  @Option(help: ArgumentHelp("Up to this number.", valueName: "number"))
  var to: Int?
  @Option(help: ArgumentHelp("Those with this tag; given again: with all of them.", valueName: "tag"))
  var tag: [String] = []
  @Option(help: ArgumentHelp("Those made on this host.", valueName: "host"))
  var onHost: String?
  @Option(help: ArgumentHelp("Those made for this reason.", valueName: "trigger"))
  var trigger: String?
  @Option(help: ArgumentHelp("The newest so many.", valueName: "count"))
  var limit: Int?
  @OptionGroup var sessionOption: SessionOption

  func validate() throws {
    if let from, let to, from > to { throw ValidationError("--from \(from) is behind --to \(to)") }
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
  }

  func query(in service: CheckpointService) throws -> CheckpointQuery {
    var query = CheckpointQuery()
    if from != nil || to != nil { query.sequences = (from ?? .min)...(to ?? .max) }
    query.tags = Set(tag.map { ByteString($0) })
    query.session = try sessionOption.id(in: service)
    query.host = onHost.map { ByteString($0) }
    query.trigger = try trigger.map { try CheckpointTrigger.named($0) }
    query.limit = limit
    return query
  }
}

extension CheckpointTrigger {
  /// The trigger a user named.
  static func named(_ text: String) throws -> CheckpointTrigger {
    guard let trigger = CheckpointTrigger(text) else {
      throw CheckpointError(
        .usage, "unknown trigger \"\(text)\"",
        remedy: "Triggers are " + CheckpointTrigger.allCases.map(\.description).joined(separator: ", "))
    }
    return trigger
  }
}

/// A length of time on the command line, in seconds.
func lengthSeconds(_ text: String, _ option: String) throws -> Int64 {
  guard let seconds = TimeText.lengthSeconds(text) else {
    throw CheckpointError(.usage, "\(option): \"\(text)\" is no length of time", remedy: "Write 30s, 5m, 2h or 1d")
  }
  return seconds
}
