import CRDT
import CRS
import Durability
import GRDB
import TestKit
import Testing

/// A loss is told until it is made good, whatever is saved in between.
struct RecordLossTests {
  let folder = TemporaryFolder()
  private let context = Fixture.context()
  private let files = RealFileSystem()
  private var project: ProjectFolder { ProjectFolder(folder.path + "/crs/p") }

  private func open(_ change: (inout ReasoningSession.Options) -> Void = { _ in }) throws -> ReasoningSession {
    var options = ReasoningSession.Options()
    change(&options)
    return try ReasoningSession(project, project: "p", context: context, options: options)
  }

  private func save(_ session: ReasoningSession, incomplete: Bool = false) throws -> BackupMetadata {
    try StateTransfer.save(
      session, project: ProjectIdentity(name: "p"), to: nil, context: context, allowsIncomplete: incomplete
    ).backup.metadata
  }

  private func apply(_ names: String..., save: Bool = false) throws {
    let session = try open()
    try session.take(names.map { try Fixture.proof($0) })
    if save { _ = try self.save(session) }
    try session.close()
  }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: project.journal)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  @Test func whatIsSavedAfterAnIncompleteBackupIsIncompleteUntilTheRecordIsBack() throws {
    try apply("a", "b", "c")
    try execute("CREATE TABLE kept AS SELECT payload FROM records WHERE sequence = 2")
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 2")
    let skipping = try open { $0.skipsCorrupted = true }
    #expect(try !save(skipping, incomplete: true).isComplete)
    try skipping.close()
    try apply("d")
    let later = try open()
    #expect(later.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try save(later) })?.code == .degraded)
    let metadata = try save(later, incomplete: true)
    #expect(!metadata.isComplete && metadata.lostRecords == 1)
    try later.close()
    // The record is mended in place: its changes are back, and so is completeness.
    try execute("UPDATE records SET payload = (SELECT payload FROM kept) WHERE sequence = 2")
    let mended = try open()
    #expect(Set(mended.engine.state.proofs.keys) == ["a", "b", "c", "d"])
    #expect(try save(mended).isComplete)
    try mended.close()
    let again = try open()
    #expect(again.losses.isNone)
    #expect(Set(again.engine.state.proofs.keys) == ["a", "b", "c", "d"])
  }

  @Test func anIncompleteBackupStaysOneWhenTheListOfLossesIsGone() throws {
    try apply("a", "b")
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 1")
    let skipping = try open { $0.skipsCorrupted = true }
    _ = try save(skipping, incomplete: true)
    try skipping.close()
    _ = try files.remove(project.losses)
    try apply("c")
    #expect((#expect(throws: CRSError.self) { try save(try open()) })?.code == .degraded)
  }

  @Test func aKnownLossStopsNothing() throws {
    try apply("a", "b", "c")
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 2")
    #expect(throws: CRSError.self) { try open() }
    try open { $0.skipsCorrupted = true }.close()
    try apply("d")
    let session = try open()
    #expect(Set(session.engine.state.proofs.keys) == ["a", "c", "d"])
    #expect(session.lostRecords == 1)
    try session.close()
    // Another one is not known.
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 3")
    #expect(throws: CRSError.self) { try open() }
  }

  @Test func aStateThatOnlyADamagedBackupHeldIsNotSavedAsComplete() throws {
    try apply("a", save: true)
    try apply("b", save: true)
    let latest = try #require(try files.read(project.latestBackup, limitBytes: .max - 1))
    for suffix in ["", "-wal", "-shm"] { _ = try files.remove(project.journal + suffix) }
    var damaged = latest
    damaged[20] ^= 1
    try files.replace(project.latestBackup, with: damaged)
    try apply("c")
    let session = try open()
    #expect(session.engine.generation == 3)
    #expect((#expect(throws: CRSError.self) { try save(session) })?.code == .degraded)
    let metadata = try save(session, incomplete: true)
    #expect(metadata.generation == 3 && !metadata.isComplete)
    try session.close()
    let kept = try files.list(project.backups).filter { $0.hasPrefix("damaged-") && $0.hasSuffix(".backup.gz") }
    #expect(kept.count == 1)
    #expect(try files.read(project.backups + "/" + (kept.first ?? ""), limitBytes: .max - 1) == damaged)
    #expect((#expect(throws: CRSError.self) { try save(try open()) })?.code == .degraded)
  }

  @Test func aDamagedBackupLosesNothingThatTheJournalHolds() throws {
    try apply("a", save: true)
    try apply("b", save: true)
    let latest = try #require(try files.read(project.latestBackup, limitBytes: .max - 1))
    try files.replace(project.latestBackup, with: Array(latest.dropLast()))
    try apply("c")
    let session = try open()
    #expect(Set(session.engine.state.proofs.keys) == ["a", "b", "c"])
    #expect(try save(session).isComplete)
  }
}
