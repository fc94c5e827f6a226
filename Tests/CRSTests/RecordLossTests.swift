import CRDT
import Durability
import GRDB
import TestKit
import Testing

@testable import CRS

/// A loss is told until it is made good, whatever is saved in between.
struct RecordLossTests {
  private let home = SessionFolder()

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: home.project.journal)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  @Test func whatIsSavedAfterAnIncompleteBackupIsIncompleteUntilTheRecordIsBack() throws {
    try home.apply("a", "b", "c")
    try execute("CREATE TABLE kept AS SELECT payload FROM records WHERE sequence = 2")
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 2")
    let skipping = try home.open { $0.skipsCorrupted = true }
    #expect(try !home.save(skipping, incomplete: true).isComplete)
    try skipping.close()
    try home.apply("d")
    let later = try home.open()
    #expect(later.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try home.save(later) })?.code == .degraded)
    let metadata = try home.save(later, incomplete: true)
    #expect(!metadata.isComplete && metadata.lostRecords == 1)
    try later.close()
    // The record is mended in place: its changes are back, and so is completeness.
    try execute("UPDATE records SET payload = (SELECT payload FROM kept) WHERE sequence = 2")
    let mended = try home.open()
    #expect(Set(mended.engine.state.proofs.keys) == ["a", "b", "c", "d"])
    #expect(try home.save(mended).isComplete)
    try mended.close()
    let again = try home.open()
    #expect(again.losses.isNone)
    #expect(Set(again.engine.state.proofs.keys) == ["a", "b", "c", "d"])
  }

  @Test func anIncompleteBackupStaysOneWhenTheListOfLossesIsGone() throws {
    try home.apply("a", "b")
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 1")
    let skipping = try home.open { $0.skipsCorrupted = true }
    _ = try home.save(skipping, incomplete: true)
    try skipping.close()
    _ = try home.files.remove(home.project.losses)
    try home.apply("c")
    #expect((#expect(throws: CRSError.self) { try home.save(try home.open()) })?.code == .degraded)
  }

  @Test func aKnownLossStopsNothing() throws {
    try home.apply("a", "b", "c")
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 2")
    #expect(throws: CRSError.self) { try home.open() }
    try home.open { $0.skipsCorrupted = true }.close()
    try home.apply("d")
    let session = try home.open()
    #expect(Set(session.engine.state.proofs.keys) == ["a", "c", "d"])
    #expect(session.lostRecords == 1)
    try session.close()
    // Another one is not known.
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 3")
    #expect(throws: CRSError.self) { try home.open() }
  }

  @Test func aStateThatOnlyADamagedBackupHeldIsNotSavedAsComplete() throws {
    try home.apply("a", save: true)
    try home.apply("b", save: true)
    let latest = try #require(try home.files.read(home.project.latestBackup, limitBytes: .max - 1))
    for suffix in ["", "-wal", "-shm"] { _ = try home.files.remove(home.project.journal + suffix) }
    var damaged = latest
    damaged[20] ^= 1
    try home.files.replace(home.project.latestBackup, with: damaged)
    try home.apply("c")
    let session = try home.open()
    #expect(session.engine.generation == 3)
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded)
    let metadata = try home.save(session, incomplete: true)
    #expect(metadata.generation == 3 && !metadata.isComplete)
    try session.close()
    let kept = try home.files.list(home.project.backups).filter {
      $0.hasPrefix("damaged-") && $0.hasSuffix(".backup.gz")
    }
    #expect(kept.count == 1)
    #expect(try home.files.read(home.project.backups + "/" + (kept.first ?? ""), limitBytes: .max - 1) == damaged)
    #expect((#expect(throws: CRSError.self) { try home.save(try home.open()) })?.code == .degraded)
  }

  @Test func aDamagedBackupLosesNothingThatTheJournalHolds() throws {
    try home.apply("a", save: true)
    try home.apply("b", save: true)
    let latest = try #require(try home.files.read(home.project.latestBackup, limitBytes: .max - 1))
    try home.files.replace(home.project.latestBackup, with: Array(latest.dropLast()))
    try home.apply("c")
    let session = try home.open()
    #expect(Set(session.engine.state.proofs.keys) == ["a", "b", "c"])
    #expect(try home.save(session).isComplete)
  }

  @Test func whatIsKnownOfALossIsNotCountedTwice() throws {
    let session = "s"
    var losses = RecordLosses()
    func run(_ sequences: ClosedRange<UInt64>) -> RecordLosses.Run {
      RecordLosses.Run(session: session, sequences: sequences)
    }
    losses.add([run(3...4), run(8...8)])
    losses.add([run(1...9), run(1...1)])
    #expect(losses.count == 9 && losses.contains(run(1...9)) && !losses.contains(run(9...10)))
    // A damaged index may tell any number.
    losses.add([run(2...UInt64.max)])
    #expect(losses.count == .max && losses.contains(run(1...UInt64.max)))
    losses.giveUp()
    losses.add([run(1...5)])
    #expect(losses.isNone && losses.givenUpCount == .max && losses.isGivenUp(run(7...70)))
  }

  @Test func whatADamagedJournalStillHadIsNotCountedAsLost() throws {
    try home.apply("a", "b", "c", "d")
    var bytes = try #require(try home.files.read(home.project.journal, limitBytes: .max - 1))
    #expect(bytes[12_292] == 4)
    bytes[12_292] = 2
    try home.files.replace(home.project.journal, with: bytes)
    let damaged = try home.open {
      $0.skipsCorrupted = true
      $0.allowsDegraded = true
    }
    #expect(try !home.save(damaged, incomplete: true).isComplete)
    try damaged.close()
    try home.files.remove(home.project.journal)
    let session = try home.open()
    #expect(session.lostRecords == 2 && session.engine.state.proofs.count == 2)
  }
}
