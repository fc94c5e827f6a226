import CRDT
import CRS
import Durability
import TestKit
import Testing

/// A journal that was removed or put back is told by what it once had, and no backup after that is called complete.
struct JournalLossTests {
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

  private func apply(_ name: String, save: Bool = false) throws {
    let session = try open()
    try session.take([try Fixture.proof(name)])
    if save { _ = try self.save(session) }
    try session.close()
  }

  private func removeJournal() throws {
    for suffix in ["", "-wal", "-shm"] { try files.remove(project.journal + suffix) }
  }

  @Test func whatWasAppliedAfterTheBackupIsNamedWhenTheJournalIsGone() throws {
    try apply("saved", save: true)
    try apply("lost")
    try removeJournal()
    #expect(try open { $0.isReadOnly = true }.lostRecords == 1)
    let session = try open()
    #expect(!session.shortfall.isEmpty && session.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try save(session) })?.code == .degraded)
    let metadata = try save(session, incomplete: true)
    #expect(!metadata.isComplete && metadata.lostRecords == 1)
    try session.close()
    try apply("later")
    let again = try open()
    #expect(again.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try save(again) })?.code == .degraded)
  }

  @Test func aBackupIsCompleteWhereTheLostJournalHadNoMore() throws {
    try apply("saved", save: true)
    try removeJournal()
    let session = try open()
    #expect(!session.shortfall.isEmpty && session.losses.isNone)
    #expect(try save(session).isComplete)
    try session.close()
    #expect(try open().shortfall.isEmpty)
  }

  @Test func whereNoWriterToldHowFarTheJournalWentTheLossIsNotCounted() throws {
    try apply("saved", save: true)
    // As after a writer that was killed.
    try files.remove(project.journalMark)
    try removeJournal()
    let session = try open()
    #expect(session.losses.isUnbounded)
    #expect((#expect(throws: CRSError.self) { try save(session) })?.code == .degraded)
    #expect(try !save(session, incomplete: true).isComplete)
  }

  @Test func aJournalThatWasNeverSavedIsMissedToo() throws {
    try apply("only")
    try removeJournal()
    let session = try open()
    #expect(session.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try save(session) })?.code == .degraded)
  }

  @Test func aSaveThatAppendsNothingLeavesTheSessionToTheNextWriter() throws {
    try apply("a")
    let id = try open { $0.isReadOnly = true }.sessionID
    let saving = try open()
    _ = try save(saving)
    try saving.close()
    #expect(try open().sessionID == id)
  }

  @Test func anOlderJournalIsToldAndTheNewerOneMakesItGood() throws {
    try apply("a")
    let old = try #require(try files.read(project.journal, limitBytes: .max - 1))
    try apply("b")
    let new = try #require(try files.read(project.journal, limitBytes: .max - 1))
    try files.replace(project.journal, with: old)
    let short = try open()
    #expect(short.lostRecords == 1)
    try short.close()
    try files.replace(project.journal, with: new)
    let mended = try open()
    #expect(mended.losses.isNone && Set(mended.engine.state.proofs.keys) == ["a", "b"])
    #expect(try save(mended).isComplete)
  }
}
