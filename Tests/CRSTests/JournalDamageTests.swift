import CRDT
import CRS
import Durability
import Glibc
import TestKit
import Testing

/// Damage of the journal's file is told: no acknowledged record vanishes without a word, and nothing traps.
struct JournalDamageTests {
  private let home = SessionFolder()

  /// The bytes of a journal with three records.
  private func filled() throws -> [UInt8] {
    for name in ["a", "b", "c"] {
      let session = try home.open()
      try session.take([try Fixture.proof(name)])
      try session.close()
    }
    return try #require(try home.files.read(home.project.journal, limitBytes: .max - 1))
  }

  private func put(_ bytes: [UInt8]) throws {
    for suffix in ["-wal", "-shm"] { unlink(home.project.journal + suffix) }
    write(home.project.journal, bytes)
  }

  /// Without waiting for the disk: thousands of files are written.
  private func write(_ path: String, _ bytes: [UInt8]) {
    let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    #expect(Glibc.write(file, bytes, bytes.count) == bytes.count)
    Glibc.close(file)
  }

  @Test func fewerCellsOnAPageAreDamageAndNotFewerRecords() throws {
    var bytes = try filled()
    #expect(bytes[12_292] == 3)
    bytes[12_292] = 1
    try put(bytes)
    #expect((#expect(throws: CRSError.self) { try home.open() })?.code == .corrupted)
    #expect(
      (#expect(throws: CRSError.self) { try Journal.toRead(home.project.journal).checkIntegrity() })?.code
        == .corrupted)
    let reader = try home.open { $0.isReadOnly = true }
    #expect(reader.degradation?.code == .corrupted)
    #expect(try home.files.read(home.project.journal, limitBytes: .max - 1) == bytes)
    // What can be read is kept, and called incomplete.
    let saved = try home.open { $0.allowsDegraded = true }
    #expect((#expect(throws: CRSError.self) { try saved.backup() })?.code == .degraded)
    let backup = try saved.backup(allowsIncomplete: true)
    #expect(!backup.metadata.isComplete)
    #expect(try backup.state().proofs.count == 1)
  }

  @Test func damageOfOnePageIsToldWithoutALookAtEveryPage() throws {
    let bytes = try filled()
    for page in [3, 4] {
      var damaged = bytes
      let cellCount = page * 4_096 + 4
      #expect(damaged[cellCount] == 3)
      damaged[cellCount] = 1
      try put(damaged)
      // The mark of a journal that nobody touched: what is looked at then is bounded.
      let file = try #require(try home.files.information(home.project.journal))
      try home.files.replace(
        home.project.journalMark,
        with: Array("\(file.device) \(file.inode) \(file.changedNanoseconds) \(file.sizeBytes)\n".utf8))
      #expect((#expect(throws: CRSError.self) { try home.open() })?.code == .corrupted)
    }
  }

  @Test func anotherSchemaIsDamage() throws {
    let bytes = try filled()
    let place = try #require(bytes.firstRange(of: Array("payload BLOB".utf8)))
    for offset in [place.lowerBound, place.lowerBound + 8] {
      var damaged = bytes
      damaged[offset] ^= 1
      try put(damaged)
      #expect((#expect(throws: CRSError.self) { try home.open() })?.code == .corrupted)
      #expect(try home.open { $0.isReadOnly = true }.degradation?.code == .corrupted)
    }
  }

  /// Bytes that say something, and some that say nothing, each with one bit flipped. All of them take half a minute.
  @Test func noFlippedBitTrapsOrTakesARecordAwayWithoutAWord() throws {
    let bytes = try filled()
    let whole = try home.open { $0.isReadOnly = true }.engine.state
    #expect(whole.proofs.count == 3)
    let extent = try #require(try home.files.read(home.project.journalPosition, limitBytes: 1 << 20))
    let mark = try #require(try home.files.read(home.project.journalMark, limitBytes: 1 << 20))
    var generator = SplitMix(seed: 4)
    var offsets = Array(bytes.indices.filter { bytes[$0] != 0 }.shuffled(using: &generator).prefix(700))
    for _ in 0..<100 { offsets.append(Int.random(in: bytes.indices, using: &generator)) }
    for (number, offset) in offsets.enumerated() {
      var damaged = bytes
      damaged[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      try put(damaged)
      write(home.project.journalPosition, extent)
      write(home.project.journalMark, mark)
      unlink(home.project.losses)
      try demandAnErrorOr { try work(offset, whole, isReading: number % 2 == 0, skips: number % 3 == 0) }
      if number % 4 == 0 { try demandAnErrorOr { try readAll(offset) } }
    }
  }

  /// The header says what the file is: flipped, it is damage, and no other program's file nor a failing disk.
  @Test func aFlippedBitOfTheHeaderIsDamage() throws {
    let bytes = try filled()
    let whole = try home.open { $0.isReadOnly = true }.engine.state
    for offset in 0..<100 {
      for bit in [0, 3, 7] as [UInt8] {
        var damaged = bytes
        damaged[offset] ^= 1 << bit
        try put(damaged)
        do {
          let session = try home.open { $0.journalWaitSeconds = 0.01 }
          let isTold = session.replay.stop != nil || !session.losses.isNone || !session.shortfall.isEmpty
          #expect(isTold || session.engine.state == whole, "byte \(offset), bit \(bit)")
          try session.close()
        } catch let error as CRSError {
          // Of the low bits of the version, some make a later one.
          let isLater = offset == 63 && error.code == .versionMismatch
          #expect(error.code == .corrupted || isLater, "byte \(offset), bit \(bit): \(error)")
        }
        for path in [home.project.losses, home.project.journalMark] { unlink(path) }
      }
    }
  }

  private func demandAnErrorOr(_ body: () throws -> Void) throws {
    do { try body() } catch {
      guard error is CRSError else { throw error }
    }
  }

  private func work(_ offset: Int, _ whole: ReasoningState, isReading: Bool, skips: Bool) throws {
    let session = try home.open { options in
      options.isReadOnly = isReading
      options.skipsCorrupted = skips
      options.journalWaitSeconds = 0.01
    }
    let isTold =
      session.degradation != nil || session.replay.stop != nil || !session.losses.isNone || !session.shortfall.isEmpty
    #expect(isTold || session.engine.state == whole, "byte \(offset)")
    if !isReading, !isTold {
      try session.take([try Fixture.proof("more")])
      #expect(session.degradation == nil || session.pendingCount == 1, "byte \(offset)")
    }
    try session.close()
  }

  private func readAll(_ offset: Int) throws {
    let journal = try Journal.toRead(home.project.journal, waitSeconds: 0.01)
    try journal.checkIntegrity()
    _ = try journal.lastSession()
    let report = try journal.replay { _ in }
    #expect(report.stop != nil || report.replayed >= 3, "byte \(offset)")
  }
}

/// SplitMix64: the same numbers for the same seed.
private struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
