import Durability
import Glibc
import Processes
import TestKit
import Testing

@Suite struct FileLockTests {
  let folder = TemporaryFolder()

  @Test func secondAttemptFailsNamesTheHolderAndSucceedsAfterRelease() throws {
    let path = folder("lock")
    do {
      let lock = try FileLock.acquire(path, waitSeconds: 0)
      let error = #expect(throws: StorageError.self) { _ = try FileLock.acquire(path, waitSeconds: 0.05) }
      #expect(error?.code == .locked)
      #expect(error?.isRetryable == true)
      #expect(error?.description.contains("\(getpid())") == true)
      #expect(FileLock.holder(path) == getpid())
      _ = consume lock
    }
    #expect(try isFree(path))
  }

  /// Takes the lock and gives it back.
  private func isFree(_ path: String) throws -> Bool {
    switch try FileLock.tryAcquire(path) {
    case .none: false
    case .some: true
    }
  }

  @Test func onlyTheNextHolderTellsWhetherTheLastOneDied() throws {
    let path = folder("lock")
    func isAfterDeath() throws -> Bool { try FileLock.acquire(path, waitSeconds: 0).isAfterDeath }
    #expect(try !isAfterDeath())
    #expect(try !isAfterDeath())
    // A holder that was killed leaves its name: also that of a process that seems to live here.
    for name in ["4194304\n", "\(getpid())\n"] {
      folder.write("lock", name)
      #expect(try isAfterDeath())
      #expect(try !isAfterDeath())
    }
  }

  @Test func killedHolderBlocksNobody() throws {
    guard try Requirement.programs("flock") else { return }
    let path = folder("lock")
    folder.write("lock", "")
    var child = try ChildProcess(Command("flock", [path, "sh", "-c", "echo held; sleep 60"]))
    var polled = pollfd(fd: child.connection.number, events: Int16(POLLIN), revents: 0)
    #expect(poll(&polled, 1, 20_000) == 1)
    #expect(try !isFree(path))
    child.signal(SIGKILL)
    #expect(child.wait(until: .after(seconds: 20)) == .signaled(SIGKILL))
    let lock = try FileLock.acquire(path, waitSeconds: 20)
    _ = consume lock
  }

  @Test func missingFolderIsAnError() {
    let error = #expect(throws: StorageError.self) {
      _ = try FileLock.acquire(folder("no/lock"), waitSeconds: 0)
    }
    #expect(error?.code == .notFound)
  }
}

@Suite struct SealedRecordTests {
  let record = SealedRecord(kind: "clock", version: 3, payload: Array("payload".utf8))

  @Test func opensWhatWasSealed() throws {
    #expect(try SealedRecord(opening: record.sealed, kind: "clock") == record)
    let empty = SealedRecord(kind: "", version: 0, payload: [])
    #expect(try SealedRecord(opening: empty.sealed, kind: "") == empty)
  }

  @Test func everyCutAndEveryChangedBitIsFound() {
    let bytes = record.sealed
    for count in 0..<bytes.count {
      #expect(throws: SealedRecord.Damage.self) {
        try SealedRecord(opening: Array(bytes[..<count]), kind: "clock")
      }
    }
    for index in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << bit
        #expect(throws: SealedRecord.Damage.self) { try SealedRecord(opening: damaged, kind: "clock") }
      }
    }
    #expect(throws: SealedRecord.Damage.trailingBytes) {
      try SealedRecord(opening: bytes + [0], kind: "clock")
    }
    #expect(throws: SealedRecord.Damage.otherKind) { try SealedRecord(opening: bytes, kind: "base") }
  }

  @Test func checksumIsTheCommonCRC32() {
    #expect(Checksum.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(Checksum.crc32([UInt8]()) == 0)
  }
}
