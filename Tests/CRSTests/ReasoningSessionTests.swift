import CRDT
import CRS
import Durability
import GRDB
import Glibc
import TestKit
import Testing

struct ReasoningSessionTests {
  let folder = TemporaryFolder()
  private var project: ProjectFolder { ProjectFolder(folder.path + "/crs/p") }

  private func open(
    _ context: CRSContext = Fixture.context(), _ change: (inout ReasoningSession.Options) -> Void = { _ in }
  ) throws -> ReasoningSession {
    var options = ReasoningSession.Options()
    change(&options)
    return try ReasoningSession(project, project: "p", context: context, options: options)
  }

  private func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: project.journal)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// Opens, works, closes; returns the state.
  @discardableResult
  private func with(_ context: CRSContext = Fixture.context(), _ body: (ReasoningSession) throws -> Void) throws
    -> ReasoningState
  {
    let session = try open(context)
    try body(session)
    try session.close()
    return session.engine.state
  }

  @Test func aStateSurvivesItsProcess() throws {
    let state = try with { try $0.takeEverything() }
    let again = try open()
    #expect(again.engine.state == state)
    #expect(again.replay.replayed == UInt64(Fixture.everything.count))
    #expect(again.engine.generation == UInt64(Fixture.everything.count))
  }

  @Test func aSessionGoesOnInTheSamePlaceAndNowhereElse() throws {
    var ids: [String] = []
    try with {
      try $0.take([try Fixture.proof("a")])
      ids.append($0.sessionID)
    }
    try with { ids.append($0.sessionID) }
    try with(Fixture.context(machine: "m2")) { ids.append($0.sessionID) }
    // A copy of the journal is another file.
    let bytes = try #require(try RealFileSystem().read(project.journal, limitBytes: .max - 1))
    try RealFileSystem().rename(project.journal, to: project.journal + ".old")
    try RealFileSystem().replace(project.journal, with: bytes)
    try with { ids.append($0.sessionID) }
    #expect(ids[0] == ids[1])
    #expect(Set(ids).count == 3)
  }

  @Test func aJournalThatWasPutBackInItsPlaceTakesANewSession() throws {
    var ids: [String] = []
    try with {
      try $0.take([try Fixture.proof("a")])
      ids.append($0.sessionID)
    }
    let old = try #require(try RealFileSystem().read(project.journal, limitBytes: .max - 1))
    try with {
      try $0.take([try Fixture.proof("b")])
      ids.append($0.sessionID)
    }
    let file = Glibc.open(project.journal, O_WRONLY | O_TRUNC)
    try #require(pwrite(file, old, old.count, 0) == old.count)
    Glibc.close(file)
    try with {
      #expect(Set($0.engine.state.proofs.keys) == ["a"])
      ids.append($0.sessionID)
    }
    #expect(ids[0] == ids[1])
    #expect(ids[2] != ids[0])
  }

  @Test func openingTakesTheBackupAndReplaysOnlyWhatIsBehindIt() throws {
    let context = Fixture.context()
    let state = try with(context) { session in
      try session.takeEverything()
      try PersistenceManager(project, context: context).save(try session.backup())
      try session.take([try Fixture.proof("later")])
    }
    let again = try open()
    #expect(again.replay.replayed == 1)
    #expect(again.engine.state == state)
    #expect(again.engine.generation == UInt64(Fixture.everything.count + 1))
  }

  @Test func aJournalThatWasLostTakesANewSessionSoThatNothingCountsTwice() throws {
    let context = Fixture.context()
    var first = ""
    let state = try with(context) { session in
      try session.takeEverything()
      first = session.sessionID
      try PersistenceManager(project, context: context).save(try session.backup())
    }
    for suffix in ["", "-wal", "-shm"] { _ = try RealFileSystem().remove(project.journal + suffix) }
    let again = try open()
    #expect(again.engine.state == state)
    #expect(again.sessionID != first)
  }

  @Test func aCorruptRecordRefusesChangesUntilItIsPassedOver() throws {
    try with { try $0.take([try Fixture.proof("a"), try Fixture.proof("b"), try Fixture.proof("c")]) }
    try execute("UPDATE records SET payload = x'00' WHERE sequence = 2")
    #expect((#expect(throws: CRSError.self) { try open() })?.sequence == 2)
    let reader = try open { $0.isReadOnly = true }
    #expect(Set(reader.engine.state.proofs.keys) == ["a"])
    #expect(reader.replay.stop?.code == .corrupted)
    let skipping = try open { $0.skipsCorrupted = true }
    #expect(Set(skipping.engine.state.proofs.keys) == ["a", "c"])
    #expect(skipping.lostRecords == 1)
    #expect((#expect(throws: CRSError.self) { try skipping.backup() })?.code == .degraded)
    let backup = try skipping.backup(allowsIncomplete: true)
    #expect(!backup.metadata.isComplete)
    #expect(backup.metadata.lostRecords == 1)
  }

  @Test func withoutAJournalTheStateLivesInMemoryAndIsWrittenOnceItIsBack() throws {
    try with { try $0.take([try Fixture.proof("before")]) }
    try RealFileSystem().rename(project.journal, to: project.journal + ".away")
    try RealFileSystem().createFolder(project.journal)
    #expect(throws: CRSError.self) { try open() }
    let session = try open { $0.allowsDegraded = true }
    #expect(session.degradation != nil)
    try session.take([try Fixture.proof("meanwhile")])
    #expect(session.pendingCount == 1)
    #expect((#expect(throws: CRSError.self) { try session.backup() })?.code == .degraded)
    #expect(throws: CRSError.self) { try session.reattach() }
    #expect(session.pendingCount == 1)
    #expect(rmdir(project.journal) == 0)
    try RealFileSystem().rename(project.journal + ".away", to: project.journal)
    try session.reattach()
    #expect(session.degradation == nil)
    #expect(Set(session.engine.state.proofs.keys) == ["before", "meanwhile"])
    #expect(try session.backup().metadata.isComplete)
    let state = session.engine.state
    try session.close()
    #expect(try with { _ in } == state)
  }

  @Test func aJournalThatFailsOnTheWayKeepsTheRestInMemory() throws {
    let session = try open { $0.journalWaitSeconds = 0.01 }
    try session.take([try Fixture.proof("a")])
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: project.journal, configuration: configuration)
    try other.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE") }
    try session.take([try Fixture.proof("b")])
    #expect(session.degradation?.code == .lockFailed)
    try session.take([try Fixture.proof("c")])
    #expect(session.pendingCount == 2)
    // What is only in memory may be seen by others: whoever comes after a loss of it is somebody else.
    #expect(try RealFileSystem().information(project.journalMark) == nil)
    try other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try session.reattach()
    let state = session.engine.state
    try session.close()
    #expect(state.proofs.count == 3)
    #expect(try with { _ in } == state)
  }

  @Test func oneWriterAtATime() throws {
    let first = try open()
    #expect((#expect(throws: CRSError.self) { try open() })?.code == .lockFailed)
    #expect(try open { $0.isReadOnly = true }.engine.state == first.engine.state)
    try first.close()
  }

  @Test func aJoinIsJournaled() throws {
    var other = Fixture.engine("s9", host: "hostb")
    for json in Fixture.everything { try other.apply(json) }
    let theirs = other.state
    let state = try with { session in
      try session.take([try Fixture.proof("mine"), try Fixture.delta(Fixture.everything[4])])
      let added = try session.join(theirs)
      #expect(added > 0)
      #expect(try session.join(theirs) == 0)
    }
    #expect(theirs.isAtMost(state))
    #expect(try with { _ in } == state)
  }

  @Test func aSessionThatMeetsWhatItNoLongerKnowsGoesOnUnderAnotherName() throws {
    let add = try Fixture.delta(#"{"type":"streaming","source":"soft","items":[{"item":"i"}]}"#)
    let session = try open()
    try session.take([add])
    let id = session.sessionID
    var elsewhere = ReasoningEngine(
      state: session.engine.state, session: ByteString(id), host: Fixture.host("hosta"))
    _ = try elsewhere.apply(add, wall: Fixture.wall)
    _ = try session.join(elsewhere.state)
    #expect(session.sessionID != id)
    try session.take([add])
    #expect(session.engine.state.streaming["i"]?.value == 3)
    let state = session.engine.state
    try session.close()
    #expect(try with { _ in } == state)
  }

  @Test func manyDeltasReplayInBatches() throws {
    let count = getenv("CRS_DELTAS").flatMap { Int(String(cString: $0)) } ?? 20_000
    let session = try open()
    let batch = 1_000
    for start in stride(from: 0, to: count, by: batch) {
      try session.take((start..<min(count, start + batch)).map { try Fixture.proof("n\($0 % 500)", $0) })
    }
    let state = session.engine.state
    try session.close()
    let again = try open()
    #expect(again.replay.replayed == UInt64(count))
    #expect(again.engine.state == state)
  }
}
