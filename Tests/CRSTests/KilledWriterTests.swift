import CRDT
import CRS
import Durability
import TestKit
import Testing

/// What a writer acknowledged before it was killed is there, or its loss is told; whatever became of the journal since.
struct KilledWriterTests {
  private let home = SessionFolder()
  private let suffixes = ["", "-wal", "-shm"]
  private var account: [String] {
    [home.project.journalMark, home.project.journalPosition, home.project.journalAcknowledgement]
  }

  /// The files of a project whose writer was killed after it had kept "c" and "d", each acknowledged by itself; before
  /// it, two writers had come to their end.
  private func killed() throws -> (older: [UInt8], writer: [String: [UInt8]]) {
    try home.apply("a", save: true)
    let older = try #require(try home.files.read(home.project.journal, limitBytes: .max - 1))
    try home.apply("b")
    let session = try home.open()
    for name in ["c", "d"] { try session.take([try Fixture.proof(name)]) }
    var writer: [String: [UInt8]] = [:]
    for path in suffixes.map({ home.project.journal + $0 }) + account {
      writer[path] = try home.files.read(path, limitBytes: .max - 1)
    }
    try session.close()
    #expect(writer[home.project.journalMark] == nil && writer[home.project.journal + "-wal"]?.isEmpty == false)
    return (older, writer)
  }

  private func put(_ files: [String: [UInt8]]) throws {
    for path in suffixes.map({ home.project.journal + $0 }) + account + [home.project.losses] {
      if let bytes = files[path] { try home.files.replace(path, with: bytes) } else { try home.files.remove(path) }
    }
  }

  private func demandTold(_ count: UInt64, _ comment: Comment? = nil) throws {
    let reader = try home.open { $0.isReadOnly = true }
    #expect(reader.lostRecords == count && !reader.losses.isUnbounded, comment)
    let session = try home.open()
    #expect(session.lostRecords == count && !session.losses.isUnbounded, comment)
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded, comment)
    try session.close()
    // Also for whoever comes after the next writer.
    try home.apply("later")
    let again = try home.open()
    #expect(again.lostRecords == count, comment)
    #expect((#expect(throws: CRSError.self) { try home.save(again) })?.code == .degraded, comment)
    try again.close()
  }

  @Test func itsRecordsAreThereWhereNothingElseHappened() throws {
    try put(try killed().writer)
    let session = try home.open()
    #expect(session.losses.isNone && session.shortfall.isEmpty && session.engine.state.proofs.count == 4)
    #expect(try home.save(session).isComplete)
  }

  @Test func aLostLogIsNamed() throws {
    var files = try killed().writer
    files[home.project.journal + "-wal"] = nil
    files[home.project.journal + "-shm"] = nil
    try put(files)
    try demandTold(2)
  }

  @Test func anOlderJournalIsNamed() throws {
    let (older, writer) = try killed()
    var files = writer
    files[home.project.journal] = older
    files[home.project.journal + "-wal"] = nil
    files[home.project.journal + "-shm"] = nil
    try put(files)
    try demandTold(3)
  }

  @Test func aJournalThatIsGoneIsNamed() throws {
    var files = try killed().writer
    for suffix in suffixes { files[home.project.journal + suffix] = nil }
    try put(files)
    // "a" is in the backup.
    try demandTold(3)
  }

  @Test func noFlippedByteOfTheLogTakesARecordAwayWithoutAWord() throws {
    let files = try killed().writer
    let log = home.project.journal + "-wal"
    let bytes = try #require(files[log])
    // A prime: headers, frames and pages are all met.
    for offset in stride(from: 0, to: bytes.count, by: 211) {
      var damaged = files
      damaged[log]?[offset] ^= 0x40
      damaged[home.project.journal + "-shm"] = nil
      try put(damaged)
      let session: ReasoningSession
      do { session = try home.open() } catch {
        #expect(error is CRSError)
        continue
      }
      let isTold = session.replay.stop != nil || !session.losses.isNone
      #expect(isTold || session.engine.state.proofs.count == 4, "byte \(offset)")
      try session.close()
    }
  }

  @Test func whereWhatItToldIsLostTooTheLossIsNotCountedAndNoBackupMakesItGood() throws {
    var files = try killed().writer
    for path in [home.project.journal + "-wal", home.project.journal + "-shm", home.project.journalAcknowledgement] {
      files[path] = nil
    }
    try put(files)
    #expect(try home.open { $0.isReadOnly = true }.losses.isUnbounded)
    let session = try home.open()
    #expect(session.losses.isUnbounded)
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded)
  }

  @Test func anyDamageOfWhatItToldIsNoSmallerLoss() throws {
    var files = try killed().writer
    files[home.project.journal + "-wal"] = nil
    files[home.project.journal + "-shm"] = nil
    for path in [home.project.journalAcknowledgement, home.project.journalPosition] {
      for offset in try #require(files[path]).indices {
        var damaged = files
        damaged[path]?[offset] ^= 1
        try put(damaged)
        let session = try home.open()
        #expect(session.losses.isUnbounded || session.lostRecords == 2, "\(path) \(offset)")
        try session.close()
      }
    }
  }

  @Test func anOlderJournalIsToldWhereAllThatWasToldOfItIsGone() throws {
    let (older, _) = try killed()
    try put([home.project.journal: older])
    let session = try home.open()
    #expect(session.losses.isUnbounded)
    #expect((#expect(throws: CRSError.self) { try home.save(session) })?.code == .degraded)
  }

  @Test func damageOfWhatIsToldOfAWholeJournalIsNoLoss() throws {
    try home.apply("a", "b")
    for path in [home.project.journalAcknowledgement, home.project.journalPosition] {
      let bytes = try #require(try home.files.read(path, limitBytes: 1 << 20))
      for offset in bytes.indices {
        var damaged = bytes
        damaged[offset] ^= 1
        try home.files.replace(path, with: damaged)
        let session = try home.open { $0.isReadOnly = true }
        #expect(session.losses.isNone && session.shortfall.isEmpty, "\(path) \(offset)")
      }
      try home.files.replace(path, with: bytes)
    }
  }

  @Test func aWriterThatIsKilledBeforeItsFirstRecordLosesNothing() throws {
    for step in 1...40 {
      let home = SessionFolder()
      try home.apply("a")
      let faulty = FaultyFileSystem()
      var context = home.context
      context.fileSystem = faulty
      let session = try ReasoningSession(home.project, project: "p", context: context)
      faulty.arm(.crash(step: step))
      let outcomes = try session.apply([try Fixture.proof("b")])
      #expect(outcomes.allSatisfy { $0 == nil })
      let isKept = session.degradation == nil
      try? session.close()
      let again = try home.open()
      #expect(again.losses.isNone && again.shortfall.isEmpty, "step \(step)")
      #expect(!isKept || again.engine.state.proofs.count == 2, "step \(step)")
      try again.close()
    }
  }

  @Test func aReaderBesideAWriterSeesNoLoss() throws {
    for _ in 0..<20 {
      let session = try home.open()
      #expect(try home.open { $0.isReadOnly = true }.losses.isNone)
      try session.take([try Fixture.proof("a")])
      let reader = try home.open { $0.isReadOnly = true }
      #expect(reader.losses.isNone && reader.shortfall.isEmpty)
      try session.close()
      #expect(try home.open { $0.isReadOnly = true }.losses.isNone)
    }
  }
}
