import CRDT
import CRS
import Durability
import Glibc
import Memory
import Synchronization
import TestKit
import Testing

struct PersistenceTests {
  let folder = TemporaryFolder()
  private var project: ProjectFolder { ProjectFolder(folder.path + "/crs/p") }
  private let files = RealFileSystem()

  /// A backup of a state with `count` of the deltas that fill every index.
  private func backup(_ count: Int, generation: UInt64) throws -> (backup: Backup, state: ReasoningState) {
    var engine = Fixture.engine()
    for json in Fixture.everything.prefix(count) { try engine.apply(json) }
    let backup = try Backup(
      engine.snapshot, project: "p", created: Fixture.wall.advanced(bySeconds: Int64(count)), host: "hosta",
      session: "s1", deltaCount: UInt64(count), position: ["s1": UInt64(count)], isComplete: true)
    return (backup, engine.state)
  }

  private func manager(_ fileSystem: any FileSystem = RealFileSystem()) -> PersistenceManager {
    PersistenceManager(project, context: Fixture.context(fileSystem))
  }

  @Test func theWholeStateComesBack() throws {
    let (backup, state) = try backup(.max, generation: 9)
    try manager().save(backup)
    let loaded = try manager().load()
    #expect(loaded.state == state)
    #expect(loaded.backup == backup)
    #expect(loaded.fallback == nil)
    #expect(try BackupMetadata(backup.metadata.bytes) == backup.metadata)
  }

  @Test func theSameStateHasTheSameBytes() throws {
    let one = try backup(.max, generation: 1).backup
    let other = try backup(.max, generation: 2).backup
    #expect(one.bytes == other.bytes)
    // Magic, deflate, no flags, no time, no extra flags, unknown system.
    #expect(one.bytes.prefix(10) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
  }

  @Test func everyFlippedByteIsRefusedOrThePreviousGenerationIsUsed() throws {
    let (old, oldState) = try backup(2, generation: 2)
    let (new, newState) = try backup(.max, generation: 9)
    try manager().save(new)
    for path in [project.latestBackup, project.metadata] {
      let good = try #require(try files.read(path, limitBytes: .max - 1))
      for index in good.indices {
        for mask: UInt8 in [0x01, 0x80] {
          try overwrite(path, at: index, with: good[index] ^ mask)
          let error = #expect(throws: CRSError.self) { try manager().load() }
          #expect(error?.code == .corrupted, "\(path) byte \(index): \(error.map { "\($0)" } ?? "loaded")")
        }
        try overwrite(path, at: index, with: good[index])
      }
    }
    #expect(try manager().load().state == newState)

    try manager().save(old)
    try manager().save(new)
    for path in [project.latestBackup, project.metadata] {
      let good = try #require(try files.read(path, limitBytes: .max - 1))
      for index in good.indices {
        try overwrite(path, at: index, with: good[index] ^ 0x10)
        let loaded = try manager().load()
        #expect(loaded.state == oldState && loaded.fallback?.code == .corrupted, "\(path) byte \(index)")
        try overwrite(path, at: index, with: good[index])
      }
    }
  }

  private func overwrite(_ path: String, at index: Int, with byte: UInt8) throws {
    let file = Glibc.open(path, O_WRONLY)
    defer { close(file) }
    var byte = byte
    try #require(pwrite(file, &byte, 1, index) == 1)
  }

  @Test func everyCutIsRefused() throws {
    let backup = try backup(1, generation: 1).backup
    for count in backup.bytes.indices {
      #expect(throws: CRSError.self) { try Backup(Array(backup.bytes.prefix(count)), metadata: backup.metadata) }
    }
    for count in backup.metadata.bytes.indices {
      #expect(throws: CRSError.self) { try BackupMetadata(Array(backup.metadata.bytes.prefix(count))) }
    }
  }

  @Test func aCrashAtAnyStepLeavesTheOldBackupOrTheNewOne() throws {
    let (old, oldState) = try backup(2, generation: 2)
    let (middle, middleState) = try backup(4, generation: 4)
    let (new, newState) = try backup(.max, generation: 9)
    let faulty = FaultyFileSystem()
    var step = 1
    while true {
      _ = try? files.remove(project.latestBackup)
      try manager().save(old)
      try manager().save(middle)
      faulty.arm(.crash(step: step))
      let isSaved = (try? manager(faulty).save(new)) != nil
      faulty.arm(nil)
      let loaded = try manager().load().state
      #expect(loaded == middleState || loaded == newState, "step \(step): \(loaded == oldState ? "older" : "other")")
      if isSaved {
        #expect(loaded == newState)
        break
      }
      step += 1
    }
    #expect(step > 10)
  }

  @Test func aCallThatMaySucceedLaterIsTriedAgain() throws {
    let (backup, state) = try backup(2, generation: 2)
    let faulty = FaultyFileSystem()
    try manager(faulty).save(try self.backup(1, generation: 1).backup)
    faulty.arm(nil)
    _ = try manager(faulty).load()
    for step in 3...8 {
      faulty.arm(.fail(step: step, errno: EBUSY))
      try manager(faulty).save(backup)
      faulty.arm(nil)
      #expect(try manager().load().state == state, "step \(step)")
    }
  }

  @Test func aFullDiskKeepsTheOldBackup() throws {
    let (old, oldState) = try backup(2, generation: 2)
    try manager().save(old)
    let faulty = FaultyFileSystem(.failKind(.write, errno: ENOSPC))
    let error = #expect(throws: CRSError.self) { try manager(faulty).save(try backup(4, generation: 4).backup) }
    #expect(error?.code == .full)
    #expect(try manager().load().state == oldState)
  }

  @Test func aReadOnlyFileSystemIsAMatterOfRights() throws {
    try manager().save(try backup(2, generation: 2).backup)
    let faulty = FaultyFileSystem(.failKind(.createTemporary, errno: EROFS))
    let error = #expect(throws: CRSError.self) { try manager(faulty).save(try backup(4, generation: 4).backup) }
    #expect(error?.code == .permission && error?.remedy.contains("Make the file system writable") == true)
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: RealFileSystem())
    let refused = #expect(throws: CRSError.self) {
      try index.register(
        ProjectIdentity(name: "q"), context: Fixture.context(FaultyFileSystem(.failKind(.createFolder, errno: EROFS))))
    }
    #expect(refused?.code == .permission && refused?.remedy.contains("--data") == true)
  }

  @Test func aSaveReadsWhatWasThereOnceAndWhatItWroteOnce() throws {
    let counting = CountingFileSystem()
    let (old, _) = try backup(2, generation: 2)
    let (new, state) = try backup(.max, generation: 9)
    try manager(counting).save(old)
    counting.reset()
    #expect(try manager(counting).save(new) == new)
    #expect(counting.reads(project.latestBackup) == 2 && counting.reads(project.previousBackup) == 0)
    #expect(counting.reads(project.metadata) == 2)
    counting.reset()
    // The same again, made later: nothing is written, and what is there is what it says.
    var again = new
    again.metadata.created = Fixture.wall.advanced(bySeconds: 1_000)
    again.metadata.generation += 1
    #expect(try manager(counting).save(again) == new)
    #expect(counting.reads(project.latestBackup) == 1 && counting.replaceCount == 0)
    #expect(try manager().load().state == state)
  }

  @Test func whatABackupSaysOfItselfIsToldWithoutUnpackingIt() throws {
    let (old, _) = try backup(2, generation: 2)
    let (new, _) = try backup(.max, generation: 9)
    #expect((#expect(throws: CRSError.self) { try manager().newestMetadata() })?.code == .notFound)
    try manager().save(old)
    try manager().save(new)
    #expect(try manager().newestMetadata().metadata == new.metadata)
    try overwrite(project.latestBackup, at: 20, with: new.bytes[20] ^ 1)
    let (metadata, fallback) = try manager().newestMetadata()
    #expect(metadata == old.metadata && fallback?.code == .corrupted)
  }

  @Test func aHeldLockKeepsWritersAwayAndReadersNot() throws {
    let (backup, state) = try backup(2, generation: 2)
    try manager().save(backup)
    let lock = try FileLock.acquire(project.backupLock, waitSeconds: 0)
    #expect(try manager().load().state == state)
    #expect((#expect(throws: CRSError.self) { try manager().save(backup) })?.code == .lockFailed)
    _ = consume lock
    try manager().save(backup)
  }

  @Test func anotherVersionIsNamed() throws {
    let backup = try backup(1, generation: 1).backup
    try manager().save(backup)
    var text = String(decoding: backup.metadata.bytes, as: UTF8.self)
    text.replace(#""format_version":1"#, with: #""format_version":2"#)
    text.replace(#/,"metadata_sha256".*\n/#, with: "}")
    let digest = EntryIdentity.hexDigest(of: Array(text.utf8))
    text = String(text.dropLast()) + #","metadata_sha256":"\#(digest)"}"# + "\n"
    try files.replace(project.metadata, with: Array(text.utf8))
    #expect((#expect(throws: CRSError.self) { try manager().load() })?.code == .versionMismatch)
  }

  @Test func aClosedManagerSaysSo() throws {
    let manager = manager()
    manager.close()
    #expect((#expect(throws: CRSError.self) { try manager.load() })?.code == .closed)
  }

  @Test func writersAtOnceLeaveOneOfTheirBackups() async throws {
    let backups = try (1...6).map { try backup($0, generation: UInt64($0)) }
    let (project, folder) = (self.project, self.folder)
    await withTaskGroup(of: Void.self) { group in
      for (backup, _) in backups {
        group.addTask {
          var context = Fixture.context()
          context.lockWaitSeconds = 30
          for _ in 0..<5 { _ = try? PersistenceManager(project, context: context).save(backup) }
        }
      }
    }
    let loaded = try manager().load()
    #expect(backups.contains { $0.state == loaded.state })
    #expect(loaded.fallback == nil)
    withExtendedLifetime(folder) {}
  }
}

/// Real files, and how often each is read and any replaced.
private final class CountingFileSystem: FileSystem {
  private let real = RealFileSystem()
  private let counts = Mutex((reads: [String: Int](), replaceCount: 0))

  func reset() { counts.withLock { $0 = ([:], 0) } }
  func reads(_ path: String) -> Int { counts.withLock { $0.reads[path] ?? 0 } }
  var replaceCount: Int { counts.withLock { $0.replaceCount } }

  func read(_ path: String, limitBytes: Int) throws(StorageError) -> [UInt8]? {
    counts.withLock { $0.reads[path, default: 0] += 1 }
    return try real.read(path, limitBytes: limitBytes)
  }
  func information(_ path: String, followingLinks: Bool) throws(StorageError) -> FileInformation? {
    try real.information(path, followingLinks: followingLinks)
  }
  func replace(
    _ path: String, with bytes: [UInt8], mode: ReplacementMode, ifStill expected: FileInformation?
  ) throws(StorageError) {
    counts.withLock { $0.replaceCount += 1 }
    try real.replace(path, with: bytes, mode: mode, ifStill: expected)
  }
  func overwrite(_ path: String, with bytes: [UInt8]) throws(StorageError) { try real.overwrite(path, with: bytes) }
  func createFolder(_ path: String) throws(StorageError) { try real.createFolder(path) }
  func list(_ path: String) throws(StorageError) -> [String] { try real.list(path) }
  func remove(_ path: String) throws(StorageError) -> Bool { try real.remove(path) }
  func rename(_ path: String, to newPath: String) throws(StorageError) { try real.rename(path, to: newPath) }
}
