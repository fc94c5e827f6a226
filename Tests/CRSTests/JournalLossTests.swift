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

  @Test func whatTheJournalLostIsInItAgainAfterASave() throws {
    try home.apply("a", "b", save: true)
    try removeJournal()
    let session = try home.open()
    #expect(try home.save(session).isComplete)
    try session.close()
    for path in [home.project.metadata, home.project.previousMetadata] { try home.files.remove(path) }
    let again = try home.open()
    #expect(again.losses.isNone && again.shortfall.isEmpty && Set(again.engine.state.proofs.keys) == ["a", "b"])
    #expect(try home.save(again).isComplete)
  }

  @Test func allFilesOfAJournalPutBackToAnOlderCopyAreBehindTheBackup() throws {
    try home.apply("a")
    let paths = [
      home.project.journal, home.project.journalMark, home.project.journalPosition, home.project.journalAcknowledgement,
    ]
    let older = try paths.map { try #require(try home.files.read($0, limitBytes: .max - 1)) }
    try home.apply("b", save: true)
    try home.apply("c")
    for (path, bytes) in zip(paths, older) { try home.files.replace(path, with: bytes) }
    #expect(try home.open { $0.isReadOnly = true }.losses.isUnbounded)
    let session = try home.open()
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded)
    try session.close()
    try home.apply("d")
    let again = try home.open()
    #expect(again.losses.isUnbounded)
    try again.giveUpLosses()
    #expect(try home.save(again).isComplete)
    try again.close()
    let last = try home.open()
    #expect(last.losses.isNone && last.shortfall.isEmpty && Set(last.engine.state.proofs.keys) == ["a", "b", "d"])
  }

  @Test func aDamagedBackupBesideAWholeJournalIsNoLoss() throws {
    try home.apply("a", "b", save: true)
    var bytes = try #require(try home.files.read(home.project.metadata, limitBytes: 1 << 20))
    bytes[40] ^= 1
    try home.files.replace(home.project.metadata, with: bytes)
    let session = try home.open()
    #expect(session.backupFailure != nil && session.losses.isNone && session.engine.state.proofs.count == 2)
    #expect(try home.save(session).isComplete)
  }

  /// As versions before the acknowledgement left it: the position in its first form, or none yet.
  @Test(arguments: [true, false]) func aJournalOfAKilledOlderVersionIsWhole(hasPosition: Bool) throws {
    try home.apply("a")
    let session = try home.open()
    try session.take([try Fixture.proof("b")])
    let paths = ["", "-wal"].map { home.project.journal + $0 }
    let files = try paths.map { try #require(try home.files.read($0, limitBytes: .max - 1)) }
    let first = session.sessionID
    try session.close()
    for (path, bytes) in zip(paths, files) { try home.files.replace(path, with: bytes) }
    for path in [home.project.journalMark, home.project.journalPosition, home.project.journalAcknowledgement] {
      try home.files.remove(path)
    }
    if hasPosition {
      try home.files.replace(
        home.project.journalPosition, with: Array("crs-journal-position 1\n1 \(first)\nend\n".utf8))
    }
    let again = try home.open()
    #expect(again.losses.isNone && again.engine.state.proofs.count == 2)
    #expect(try home.save(again).isComplete)
    try again.close()
    #expect(try home.open().losses.isNone)
  }

  @Test func aDeathWhileALossIsMadeGoodIsNoLoss() throws {
    for step in 1...60 {
      let home = SessionFolder()
      try home.apply("a", "b", save: true)
      for suffix in ["", "-wal", "-shm"] { try home.files.remove(home.project.journal + suffix) }
      let faulty = FaultyFileSystem()
      var context = home.context
      context.fileSystem = faulty
      let session = try ReasoningSession(home.project, project: "p", context: context)
      faulty.arm(.crash(step: step))
      let saved = try? StateTransfer.save(session, project: ProjectIdentity(name: "p"), to: nil, context: context)
      try? session.close()
      let again = try home.open()
      #expect(again.losses.isNone && again.engine.state.proofs.count == 2, "step \(step)")
      #expect(try home.save(again).isComplete, "step \(step)")
      try again.close()
      let last = try home.open()
      #expect(last.losses.isNone && last.shortfall.isEmpty, "step \(step)")
      try last.close()
      if saved != nil, faulty.stepCount < step { break }
    }
  }
}
