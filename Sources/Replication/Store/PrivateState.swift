import CRDT
import Durability
import Git
import Memory

/// The private files of one installation, in `.git/crdt/`.
///
/// Each is sealed with a checksum and replaced atomically; a missing or damaged one reads as `nil` and is rebuilt from
/// what is committed, which loses nothing.
struct PrivateState {
  let paths: StorePaths
  let fileSystem: any FileSystem
  /// The name of the source whose base and the like are meant; `nil`: the one without a name.
  var source: String?

  /// The private state of one source.
  func of(_ source: MemorySource) -> PrivateState {
    var state = self
    state.source = source.name
    return state
  }

  /// Where the files of a source are; those of the installation are always in `paths.privateFolder`.
  var folder: String { source.map { "\(paths.sourcesFolder)/\($0)" } ?? paths.privateFolder }
  var basePath: String { folder + "/base" }
  var preparedBasePath: String { folder + "/base.next" }
  var preparedWritePath: String { folder + "/write.next" }
  var ingestedPath: String { folder + "/ingested" }
  var heldPath: String { folder + "/held" }

  /// What each sealed file says it is; eight bytes at most.
  enum Kind {
    static let replica = "replica"
    static let clock = "clock"
    static let base = "base"
    static let lastRun = "lastrun"
    static let published = "written"
    static let ingested = "ingested"
    static let held = "held"
    static let allowed = "allowed"
    static let verified = "verified"
    static let write = "write"
    static let notes = "notes"
  }

  /// Who this installation is.
  struct Replica: Hashable {
    /// 32 hex digits, random.
    var identity: String
    var created: Instant
    /// Digest of the machine's own identity, to notice that the store was cloned onto another one.
    var machineDigest: String?
  }

  /// How the last runs ended, for `status`.
  struct LastRun: Hashable {
    /// When everything was last seen on the remote.
    var verified: Instant?
    var verifiedCommit: String?
    /// When the last run ended, and what it said.
    var ended: Instant?
    var exitCode: Int32 = 0
    var message = ""
    /// Since when something has been waiting to be pushed.
    var unpushedSince: Instant?
    /// Times the hosts' seen stamps were last committed.
    var recordWritten: Instant?
  }

  func readReplica() throws(ReplicationError) -> Replica? {
    guard let fields = try fields(paths.replica, kind: Kind.replica), let identity = fields["replica"]?.text,
      identity.count == 32, let created = fields["created"]?.text.flatMap({ Instant(rfc3339: $0) })
    else { return nil }
    return Replica(
      identity: String(decoding: identity, as: UTF8.self), created: created,
      machineDigest: fields["machine"]?.text.map { String(decoding: $0, as: UTF8.self) })
  }

  func write(_ replica: Replica) throws(ReplicationError) {
    try write(paths.replica, kind: Kind.replica) { object in
      object.member("replica", replica.identity)
      object.member("created", replica.created.description)
      if let machine = replica.machineDigest { object.member("machine", machine) }
    }
  }

  /// The clock's durable high-water mark.
  /// The durable mark; `nil` where there is none, or one that no clock can go on from.
  func readClock() throws(ReplicationError) -> Instant? {
    let mark = try fields(paths.clock, kind: Kind.clock)?["highWater"]?.text.flatMap { Instant(rfc3339: $0) }
    return mark.flatMap { HybridLogicalClock.canGoOn(from: $0) ? $0 : nil }
  }

  /// Returns once the mark is on stable storage: only then may stamps up to it be used.
  func writeClock(_ highWater: Instant) throws(ReplicationError) {
    try write(paths.clock, kind: Kind.clock) { $0.member("highWater", highWater.roundedUpToNanoseconds.description) }
  }

  func readBase() throws(ReplicationError) -> IngestBase? {
    try payload(basePath, kind: Kind.base).flatMap { IngestBase.parse($0) }
  }

  func write(_ base: IngestBase) throws(ReplicationError) {
    try write(basePath, kind: Kind.base, payload: base.serialized())
  }

  func readLastRun() throws(ReplicationError) -> LastRun {
    guard let fields = try fields(paths.lastRun, kind: Kind.lastRun) else { return LastRun() }
    func instant(_ name: ByteString) -> Instant? { fields[name]?.text.flatMap { Instant(rfc3339: $0) } }
    func text(_ name: ByteString) -> String? { fields[name]?.text.map { String(decoding: $0, as: UTF8.self) } }
    return LastRun(
      verified: instant("verified"), verifiedCommit: text("verifiedCommit"), ended: instant("ended"),
      exitCode: Int32(fields["exitCode"]?.integer ?? 0), message: text("message") ?? "",
      unpushedSince: instant("unpushedSince"), recordWritten: instant("recordWritten"))
  }

  func write(_ run: LastRun) throws(ReplicationError) {
    try write(paths.lastRun, kind: Kind.lastRun) { object in
      func member(_ name: String, _ instant: Instant?) {
        if let instant { object.member(name, instant.description) }
      }
      member("verified", run.verified)
      if let commit = run.verifiedCommit { object.member("verifiedCommit", commit) }
      member("ended", run.ended)
      object.member("exitCode", Int(run.exitCode))
      object.member("message", run.message)
      member("unpushedSince", run.unpushedSince)
      member("recordWritten", run.recordWritten)
    }
  }

  /// Puts a base aside for a commit that is about to be made; what was said of the file before is no longer true.
  func prepare(_ base: IngestBase, for commit: ObjectID) throws(ReplicationError) {
    try write(preparedBasePath, kind: Kind.base, payload: commit.bytes + base.serialized())
    try forgetIngested()
  }

  /// The base that was put aside and its commit.
  func readPreparedBase() throws(ReplicationError) -> (base: IngestBase, commit: ObjectID)? {
    guard let payload = try payload(preparedBasePath, kind: Kind.base),
      let commit = ObjectID(bytes: payload.prefix(20)), let base = IngestBase.parse(Array(payload.dropFirst(20)))
    else { return nil }
    return (base, commit)
  }

  func dropPreparedBase() throws(ReplicationError) {
    try storing { () throws(StorageError) in _ = try fileSystem.remove(preparedBasePath) }
  }

  /// The next run looks at the memory file itself.
  func forgetIngested() throws(ReplicationError) {
    try storing { () throws(StorageError) in _ = try fileSystem.remove(ingestedPath) }
  }

  /// What the memory file was when it was last ingested: enough to see that nothing changed, without reading the base.
  struct Ingested: Hashable {
    var memory: String
    var fileDigest: String
    var counts: IngestCounts
    /// A commit that holds what was ingested. Where the branch no longer reaches it, somebody moved the branch, and
    /// the base says nothing of what is in it now.
    var commit: ObjectID?
    /// What `stat` said of the file; `nil` when it was too fresh to tell a later change by it.
    var fileStatus: String?
    /// ``Store/stateDigest(_:)`` of the tree whose view the file was last made to hold; `nil`: not since it was ingested.
    var writtenState: String?
    /// What that write-back could not put into the file.
    var unwritable: [ByteString] = []
    /// The commit that takes the place of that one, noted before the branch goes there.
    var rebuiltCommit: ObjectID?
  }

  func readIngested() throws(ReplicationError) -> Ingested? {
    guard let fields = try fields(ingestedPath, kind: Kind.ingested), let memory = fields["memory"]?.text,
      let digest = fields["digest"]?.text, let name = fields["format"]?.text,
      let format = MemoryFormat(rawValue: String(decoding: name, as: UTF8.self))
    else { return nil }
    var counts = IngestCounts(format: format)
    counts.unchanged = fields["present"]?.integer ?? 0
    counts.vanished = fields["vanished"]?.integer ?? 0
    counts.quarantined = fields["quarantined"]?.integer ?? 0
    return Ingested(
      memory: String(decoding: memory, as: UTF8.self), fileDigest: String(decoding: digest, as: UTF8.self),
      counts: counts,
      commit: fields["commit"]?.text.flatMap { ObjectID(hex: String(decoding: $0, as: UTF8.self)) },
      fileStatus: fields["status"]?.text.map { String(decoding: $0, as: UTF8.self) },
      writtenState: fields["written"]?.text.map { String(decoding: $0, as: UTF8.self) },
      unwritable: (fields["unwritable"]?.elements ?? []).compactMap { $0.text.map { ByteString(bytes: $0) } },
      rebuiltCommit: fields["rebuilt"]?.text.flatMap { ObjectID(hex: String(decoding: $0, as: UTF8.self)) })
  }

  /// To be written after the base.
  func write(_ ingested: Ingested) throws(ReplicationError) {
    try write(ingestedPath, kind: Kind.ingested) { object in
      object.member("memory", ingested.memory)
      object.member("digest", ingested.fileDigest)
      object.member("format", ingested.counts.format.rawValue)
      object.member("present", ingested.counts.unchanged)
      object.member("vanished", ingested.counts.vanished)
      object.member("quarantined", ingested.counts.quarantined)
      object.member("commit", ingested.commit?.description)
      object.member("status", ingested.fileStatus)
      object.member("written", ingested.writtenState)
      if !ingested.unwritable.isEmpty {
        object.array("unwritable") { array in for id in ingested.unwritable { array.element(id.description) } }
      }
      object.member("rebuilt", ingested.rebuiltCommit?.description)
    }
  }

  /// A file in the store's folder as it was last written.
  struct Published: Hashable {
    /// The object it was written from.
    var id: ObjectID
    var sizeBytes: Int64
    var modifiedNanoseconds: Int64

    /// Whether nobody has changed the file since.
    func describes(_ file: FileInformation?) -> Bool {
      guard let file else { return false }
      return file.kind == .file && file.sizeBytes == sizeBytes && file.modifiedNanoseconds == modifiedNanoseconds
    }
  }

  /// The store's files as they were last written, by path.
  func readPublished() throws(ReplicationError) -> [String: Published] {
    guard let fields = try fields(paths.published, kind: Kind.published) else { return [:] }
    var published: [String: Published] = [:]
    for (path, value) in fields {
      let parts = String(decoding: value.text ?? [], as: UTF8.self).split(separator: " ")
      guard parts.count == 3, let id = ObjectID(hex: String(parts[0])), let size = Int64(parts[1]),
        let modified = Int64(parts[2])
      else { continue }
      published[path.description] = Published(id: id, sizeBytes: size, modifiedNanoseconds: modified)
    }
    return published
  }

  func writePublished(_ published: [String: Published]) throws(ReplicationError) {
    try write(paths.published, kind: Kind.published) { object in
      for (path, file) in published.sorted(by: { $0.key < $1.key }) {
        object.member(path, "\(file.id) \(file.sizeBytes) \(file.modifiedNanoseconds)")
      }
    }
  }

  // MARK: Sealed files

  func payload(_ path: String, kind: String) throws(ReplicationError) -> [UInt8]? {
    let bytes = try storing { () throws(StorageError) in
      try fileSystem.read(path, limitBytes: 1 << 30)
    }
    guard let bytes, let record = try? SealedRecord(opening: bytes, kind: kind), record.version == 1 else { return nil }
    return record.payload
  }

  func fields(_ path: String, kind: String) throws(ReplicationError) -> [ByteString: JSONReader.Value]? {
    try payload(path, kind: kind).flatMap { try? JSONReader.object($0) }
  }

  func write(_ path: String, kind: String, payload: [UInt8]) throws(ReplicationError) {
    let sealed = SealedRecord(kind: kind, version: 1, payload: payload).sealed
    try storing { () throws(StorageError) in
      try fileSystem.createFolder(folder)
      _ = try fileSystem.replaceIfChanged(path, with: sealed)
    }
  }

  func write(_ path: String, kind: String, _ body: (inout JSONWriter) -> Void) throws(ReplicationError) {
    var writer = JSONWriter()
    writer.object(body)
    try write(path, kind: kind, payload: writer.bytes)
  }
}
