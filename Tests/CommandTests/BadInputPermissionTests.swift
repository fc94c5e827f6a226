import Foundation
import Processes
import TestKit
import Testing

/// Rights and space: what is not ours, may not be written, or is full.
@Suite struct BadInputPermissionTests {
  /// Runs as nobody, with a folder that nobody owns as HOME.
  private struct Nobody {
    let sandbox: Sandbox
    let home: String
    let prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    var store: String { home + "/store" }
    var memory: String { home + "/memory.json" }
    var remote: String { home + "/remote.git" }

    /// `nil`, reported, where this cannot be done.
    init?(_ sandbox: Sandbox, test: String = #function) throws {
      guard try Requirement.check(geteuid() == 0, "needs root to become nobody", test: test),
        try Requirement.programs("setpriv", test: test)
      else { return nil }
      self.sandbox = sandbox
      home = sandbox.folder("nobody")
      chmod(sandbox.folder.path, 0o711)
      try sandbox.makeFolder(home)
      try GitProgram.run(["init", "-q", "--bare", "-b", "main", remote], in: sandbox.folder.path)
      try own()
      let there = try sandbox.run(["--version"], through: prefix, in: "/")
      guard try Requirement.check(there.code == 0, "nobody cannot run the executable here", test: test) else {
        return nil
      }
      try remember("one")
    }

    func own() throws { _ = try sandbox.shell("chown -R 65534:65534 '\(home)'") }

    func remember(_ content: String) throws {
      sandbox.folder.write("nobody/memory.json", "[{\"id\":\"a\",\"content\":\"\(content)\"}]")
      chown(memory, 65534, 65534)
    }

    func run(_ arguments: String...) throws -> Outcome {
      try sandbox.run(arguments, with: ["HOME": home], through: prefix, in: home)
    }

    func setUp() throws {
      let outcome = try run("--store", store, "--memory", memory, "--remote", remote, "--host", "n")
      #expect(outcome.code == 0, "\(outcome)")
    }
  }

  @Test func anUnreadableMemoryFileIsRefused() throws {
    guard let nobody = try Nobody(try Sandbox()) else { return }
    try nobody.setUp()
    chmod(nobody.memory, 0)
    let outcome = try nobody.run("--store", nobody.store)
    #expect(outcome.code == 77 && outcome.errorLines.count == 1, "\(outcome)")
    #expect(outcome.errorOutput.contains("memory.json") && outcome.errorOutput.contains("Permission denied"))
    chmod(nobody.memory, 0o600)
    #expect(try nobody.run("--store", nobody.store).code == 0)
  }

  @Test func aReadOnlyStoreIsRefusedBeforeAnythingIsTaken() throws {
    guard let nobody = try Nobody(try Sandbox()) else { return }
    try nobody.setUp()
    _ = try nobody.sandbox.shell("chmod -R a-w '\(nobody.store)'")
    try nobody.remember("two")
    let outcome = try nobody.run("--store", nobody.store)
    #expect(outcome.code == 77 && outcome.errorLines.count == 1, "\(outcome)")
    // Reading goes on.
    #expect(try nobody.run("status", "--store", nobody.store).code == 0)
    #expect(try nobody.run("restore", "--store", nobody.store).output.contains("\"one\""))
    #expect(try nobody.run("--store", nobody.store, "--dry-run").code == 0)
    _ = try nobody.sandbox.shell("chmod -R u+w '\(nobody.store)'")
    #expect(try nobody.run("--store", nobody.store).code == 0)
    // A store that cannot be made.
    let locked = nobody.sandbox.folder("locked")
    try nobody.sandbox.makeFolder(locked)
    let made = try nobody.run("--store", locked + "/store", "--memory", nobody.memory)
    #expect(made.code == 77 && made.errorLines.count == 1, "\(made)")
  }

  @Test func aReadOnlyRemoteKeepsEverythingHere() throws {
    guard let nobody = try Nobody(try Sandbox()) else { return }
    try nobody.setUp()
    _ = try nobody.sandbox.shell("chmod -R a-w '\(nobody.remote)'")
    try nobody.remember("two")
    let outcome = try nobody.run("--store", nobody.store, "--timeout", "20")
    #expect(outcome.code == 77 || outcome.code == 75, "\(outcome)")
    #expect(outcome.errorLines.count == 1 && outcome.errorOutput.contains("saved in the store"), "\(outcome)")
    #expect(try nobody.run("restore", "--store", nobody.store).output.contains("\"two\""))
    _ = try nobody.sandbox.shell("chmod -R u+w '\(nobody.remote)'")
    #expect(try nobody.run("--store", nobody.store).code == 0)
  }

  @Test func anotherUsersStoreAndRemoteAreNotTouched() throws {
    guard let nobody = try Nobody(try Sandbox()) else { return }
    try nobody.setUp()
    let before = try snapshot(nobody.store)
    // Root has the right, but not the business.
    let store = try nobody.sandbox.run(["--store", nobody.store])
    #expect(store.code == 77 && store.errorLines.count == 1, "\(store)")
    #expect(store.errorOutput.contains("belongs to another user"))
    #expect(try nobody.sandbox.run(["status", "--store", nobody.store]).code == 77)
    #expect(try snapshot(nobody.store) == before)

    _ = try nobody.sandbox.shell("chown -R 0:0 '\(nobody.remote)'; chmod -R a+rwX '\(nobody.remote)'")
    try nobody.remember("two")
    let remote = try nobody.run("--store", nobody.store)
    #expect(remote.code == 77 && remote.errorLines.count == 1, "\(remote)")
    #expect(remote.errorOutput.contains("saved in the store"))
    #expect(try nobody.run("restore", "--store", nobody.store).output.contains("\"two\""))
  }

  @Test func aFullDiskLosesNothing() throws {
    let sandbox = try Sandbox()
    guard try Requirement.check(geteuid() == 0, "needs root to mount a small file system"),
      try Requirement.programs("mount", "umount")
    else { return }
    let disk = sandbox.folder("disk")
    try sandbox.makeFolder(disk)
    let mounted = try sandbox.shell("mount -t tmpfs -o size=3m,mode=700 tmpfs '\(disk)'")
    guard try Requirement.check(mounted.code == 0, "a tmpfs cannot be mounted here") else { return }
    defer { _ = try? sandbox.shell("umount -l '\(disk)'") }
    let host = sandbox.host("h")
    host.remember("a", "one")
    let store = disk + "/store"
    let first = try sandbox.run(["--store", store, "--memory", host.memory, "--remote", sandbox.remote, "--host", "h"])
    #expect(first.code == 0, "\(first)")
    // Less and less space, down to none: whatever fits is done whole or not at all.
    _ = try sandbox.shell("cat /dev/zero > '\(disk)/filler' 2>/dev/null")
    var ends: [Int32] = []
    for kibibytes in [0, 4, 8, 12, 16, 24, 32, 48, 64] {
      _ = try sandbox.shell("truncate -s -\(kibibytes)K '\(disk)/filler'")
      host.remember([("a", "with \(kibibytes)"), ("e\(kibibytes)", "entry")])
      let outcome = try sandbox.run(["--store", store])
      ends.append(outcome.code)
      #expect([0, 74, 75].contains(outcome.code), "\(kibibytes) KiB: \(outcome)")
      // Whatever the end is: it is true, said in one line, and what is in the store is whole.
      let isThere = try sandbox.remoteFile("memory-h.json").contains("\"with \(kibibytes)\"")
      #expect(outcome.code != 0 || isThere)
      #expect(outcome.errorLines.count == (outcome.code == 0 ? 0 : 1), "\(outcome)")
      try GitProgram.run(["fsck", "--strict", "--no-dangling"], in: store)
    }
    #expect(ends.first == 74)
    try FileManager.default.removeItem(atPath: disk + "/filler")
    let last = try sandbox.run(["--store", store])
    #expect(last.code == 0, "\(last)")
    let there = try contents(of: Data(try sandbox.remoteFile("memory-h.json").utf8))
    #expect(there["a"] == "with 64" && there["e64"] == "entry")
    try GitProgram.run(["fsck", "--strict", "--no-dangling"], in: store)
  }
}
