import Durability
import Glibc
import TestKit
import Testing

@Suite struct FileSystemTests {
  let folder = TemporaryFolder()
  let files = RealFileSystem()

  private func read(_ path: String) throws -> String? {
    try files.read(path, limitBytes: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func temporaryNamesAreToldFromAPersonsFiles() {
    for name in [".a.json.0123456789abcdef.tmp", "..gitattributes.fedcba9876543.tmp", ".x.0123456789abcde.tmp"] {
      #expect(isTemporaryName(name))
    }
    for name in [
      "", ".tmp", ".a.tmp", "a.json.0123456789abcdef.tmp", ".0123456789abcdef.tmp", ".a.0123456789ABCDEF.tmp",
      ".a.0123456789abcdef.tmp2", ".a.0123456789abcdefa.tmp", ".a.backup.tmp",
    ] {
      #expect(!isTemporaryName(name), "\(name)")
    }
  }

  @Test func replaceCreatesPrivateFileAndLeavesNothingElse() throws {
    try files.replace(folder("a"), with: Array("one".utf8))
    #expect(try read(folder("a")) == "one")
    #expect(try files.information(folder("a"))?.mode == 0o600)
    #expect(try files.list(folder.path) == ["a"])
  }

  @Test func replaceKeepsModeWhenAsked() throws {
    folder.write("a", "one", mode: 0o640)
    try files.replace(folder("a"), with: Array("two".utf8), mode: .keep(orElse: 0o600))
    #expect(try files.information(folder("a"))?.mode == 0o640)
    try files.replace(folder("a"), with: Array("three".utf8))
    #expect(try files.information(folder("a"))?.mode == 0o600)
  }

  @Test func replaceKeepsSymbolicLinkAndReplacesItsTarget() throws {
    folder.write("target", "one")
    symlink("target", folder("middle"))
    symlink(folder("middle"), folder("link"))
    try files.replace(folder("link"), with: Array("two".utf8))
    #expect(try files.information(folder("link"), followingLinks: false)?.kind == .symbolicLink)
    #expect(try read(folder("target")) == "two")
  }

  @Test func replaceIsRefusedForAFolderALoopAndAMissingFolder() throws {
    #expect(throws: StorageError.self) { try files.replace(folder.path, with: []) }
    symlink("loop", folder("loop"))
    #expect(throws: StorageError.self) { try files.replace(folder("loop"), with: []) }
    let error = #expect(throws: StorageError.self) { try files.replace(folder("no/a"), with: []) }
    #expect(error?.code == .notFound)
  }

  @Test func replaceIfChangedWritesOnlyOtherBytes() throws {
    #expect(try files.replaceIfChanged(folder("a"), with: Array("one".utf8)))
    let before = try files.information(folder("a"))
    #expect(try !files.replaceIfChanged(folder("a"), with: Array("one".utf8)))
    #expect(try files.information(folder("a")) == before)
    #expect(try files.replaceIfChanged(folder("a"), with: Array("two".utf8)))
  }

  @Test func replaceRefusesAFileThatIsNoLongerWhatWasRead() throws {
    folder.write("a", "one")
    let seen = try files.information(folder("a"))
    folder.write("a", "somebody else's")
    let error = #expect(throws: StorageError.self) {
      try files.replace(folder("a"), with: Array("mine".utf8), mode: .exact(0o600), ifStill: seen)
    }
    #expect(error?.code == .changed)
    #expect(try read(folder("a")) == "somebody else's")
    #expect(try files.list(folder.path) == ["a"])
  }

  @Test func readTellsMissingFromEmptyAndTooLarge() throws {
    #expect(try files.read(folder("none"), limitBytes: 10) == nil)
    folder.write("empty", "")
    #expect(try files.read(folder("empty"), limitBytes: 10) == [])
    folder.write("eleven", "12345678901")
    let error = #expect(throws: StorageError.self) { try files.read(folder("eleven"), limitBytes: 10) }
    #expect(error?.code == .tooLarge)
    #expect(try files.read(folder("eleven"), limitBytes: 11)?.count == 11)
    #expect(throws: StorageError.self) { try files.read(folder.path, limitBytes: 10) }
    #expect(throws: StorageError.self) { try files.read("/dev/null", limitBytes: 10) }
  }

  @Test func aPipeIsWrittenToAndNeverReplaced() throws {
    let folder = TemporaryFolder("crdt-pipe")
    let files = RealFileSystem()
    let pipe = folder("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    #expect(throws: StorageError.self) { try files.replace(pipe, with: [1]) }
    #expect(try files.information(pipe)?.kind == .other)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    try #require(reader >= 0)
    defer { close(reader) }
    #expect(try files.writeOut(pipe, [1, 2, 3], mode: .keep(orElse: 0o600)))
    var bytes = [UInt8](repeating: 0, count: 8)
    #expect(Glibc.read(reader, &bytes, 8) == 3)
    #expect(try files.information(pipe)?.kind == .other)
    #expect(try files.writeOut(folder("file"), [1], mode: .keep(orElse: 0o600)))
    #expect(try !files.writeOut(folder("file"), [1], mode: .keep(orElse: 0o600)))
  }

  @Test func createFolderMakesParentsPrivateAndIsRepeatable() throws {
    try files.createFolder(folder("a/b/c"))
    try files.createFolder(folder("a/b/c"))
    #expect(try files.information(folder("a"))?.mode == 0o700)
    #expect(try files.information(folder("a/b/c"))?.kind == .folder)
    folder.write("file", "")
    #expect(throws: StorageError.self) { try files.createFolder(folder("file")) }
  }

  @Test func removeAndRenameReportWhatWasThere() throws {
    folder.write("a", "one")
    try files.rename(folder("a"), to: folder("b"))
    #expect(try files.remove(folder("b")))
    #expect(try !files.remove(folder("b")))
    #expect(throws: StorageError.self) { try files.rename(folder("a"), to: folder("b")) }
  }

  /// Every step of a replace may fail or be the last before a power cut: the file is always whole, old or new.
  @Test func everyFaultLeavesTheOldFileOrTheNewOne() throws {
    let faulty = FaultyFileSystem()
    folder.write("a", "old")
    try faulty.replace(folder("a"), with: Array("old".utf8))
    let steps = faulty.stepCount
    #expect(steps >= 6)
    for step in 1...steps {
      for fault in [FaultyFileSystem.Fault.fail(step: step, errno: ENOSPC), .crash(step: step)] {
        folder.write("a", "old")
        faulty.arm(fault)
        let error = #expect(throws: StorageError.self) {
          try faulty.replace(folder("a"), with: Array("new".utf8))
        }
        let text = try read(folder("a"))
        #expect(text == "old" || text == "new")
        if case .fail = fault {
          #expect(error?.code == .noSpace)
          #expect(try files.list(folder.path) == ["a"], "step \(step) left a temporary file")
        }
        for name in try files.list(folder.path) where name != "a" { try files.remove(folder(name)) }
      }
    }
    faulty.arm(nil)
    try faulty.replace(folder("a"), with: Array("new".utf8))
    #expect(try read(folder("a")) == "new")
  }

  @Test func replaceSyncsFileBeforeRenameAndFolderAfterIt() throws {
    let faulty = FaultyFileSystem()
    try faulty.replace(folder("a"), with: Array("x".utf8))
    let order = faulty.steps.filter { [.write, .syncFile, .rename, .syncFolder].contains($0) }
    #expect(order == [.write, .syncFile, .rename, .syncFolder])
  }

  @Test func errorsNameOperationPathAndCause() throws {
    let error = StorageError(errno: ENOSPC, operation: "replace", path: "/a/b")
    #expect(error.description == "cannot replace /a/b: No space left on device")
    #expect(!error.isRetryable)
  }
}
