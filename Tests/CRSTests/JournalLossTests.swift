import CRDT
import CRS
import Durability
import TestKit
import Testing

/// A journal that was removed or put back is told by what it once had, and no backup after that is called complete.
struct JournalLossTests {
  private let home = SessionFolder()

  private func removeJournal() throws {
    for suffix in ["", "-wal", "-shm"] { try home.files.remove(home.project.journal + suffix) }
  }

  @Test func whatWasAppliedAfterTheBackupIsNamedWhenTheJournalIsGone() throws {
    try home.apply("saved", save: true)
    try home.apply("lost")
    try removeJournal()
    #expect(try home.open { $0.isReadOnly = true }.lostRecords == 1)
    let session = try home.open()
    #expect(!session.shortfall.isEmpty && session.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded)
    let metadata = try home.save(session, incomplete: true)
    #expect(!metadata.isComplete && metadata.lostRecords == 1)
    try session.close()
    try home.apply("later")
    let again = try home.open()
    #expect(again.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try home.save(again) })?.code == .degraded)
  }

  @Test func aBackupIsCompleteWhereTheLostJournalHadNoMore() throws {
    try home.apply("saved", save: true)
    try removeJournal()
    let session = try home.open()
    #expect(!session.shortfall.isEmpty && session.losses.isNone)
    #expect(try home.save(session).isComplete)
    try session.close()
    #expect(try home.open().shortfall.isEmpty)
  }

  @Test func whereNoWriterToldHowFarTheJournalWentTheLossIsNotCounted() throws {
    try home.apply("saved", save: true)
    for path in [home.project.journalMark, home.project.journalAcknowledgement] { try home.files.remove(path) }
    try removeJournal()
    let session = try home.open()
    #expect(session.losses.isUnbounded)
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded)
    #expect(try !home.save(session, incomplete: true).isComplete)
  }

  @Test func aJournalThatWasNeverSavedIsMissedToo() throws {
    try home.apply("only")
    try removeJournal()
    let session = try home.open()
    #expect(session.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded)
  }

  @Test func aSaveThatAppendsNothingLeavesTheSessionToTheNextWriter() throws {
    try home.apply("a")
    let id = try home.open { $0.isReadOnly = true }.sessionID
    let saving = try home.open()
    _ = try home.save(saving)
    try saving.close()
    #expect(try home.open().sessionID == id)
  }

  @Test func anOlderJournalIsToldAndTheNewerOneMakesItGood() throws {
    try home.apply("a")
    let old = try #require(try home.files.read(home.project.journal, limitBytes: .max - 1))
    try home.apply("b")
    let new = try #require(try home.files.read(home.project.journal, limitBytes: .max - 1))
    try home.files.replace(home.project.journal, with: old)
    let short = try home.open()
    #expect(short.lostRecords == 1)
    try short.close()
    try home.files.replace(home.project.journal, with: new)
    let mended = try home.open()
    #expect(mended.losses.isNone && Set(mended.engine.state.proofs.keys) == ["a", "b"])
    #expect(try home.save(mended).isComplete)
  }
}
