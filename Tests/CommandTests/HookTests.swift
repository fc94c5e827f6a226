import Durability
import Foundation
import Processes
import Testing

@testable import crdt_backup

@Suite("hook: backs up after commits")
struct HookTests {
  @Test("a commit in a project starts a backup, and does not wait for it even when its output is read")
  func commitStartsBackup() throws {
    let scene = try HookScene()
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    try scene.remember("second")
    let lock = try FileLock.acquire(scene.store + "/.git/crdt/lock", waitSeconds: 10)
    // The store is held, so no backup can end: that this returns shows that nobody waits for one.
    try scene.run("/bin/sh", ["-c", "said=$(git commit -q --allow-empty -m x 2>&1)"], in: scene.project)
    #expect(!scene.remoteHolds("second"))
    _ = consume lock
    try scene.eventually("the backup reaches the remote") { scene.remoteHolds("second") }
    try scene.eventually("the run is in the log") { scene.runsInLog.count == 1 }
    #expect(scene.runsInLog.first?.contains("exit code 0") == true)
    #expect(scene.mode(scene.log) == 0o600)
  }

  @Test("a burst of commits makes at most two backups, and the last one is in")
  func burst() throws {
    let scene = try HookScene()
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    let lock = try FileLock.acquire(scene.store + "/.git/crdt/lock", waitSeconds: 10)
    for number in 1...20 { try scene.commit("c\(number)") }
    try scene.remember("last")
    try scene.commit("last")
    _ = consume lock
    try scene.eventually("the backup reaches the remote") { scene.remoteHolds("last") }
    try scene.eventually("the worker ends") {
      try !FileManager.default.fileExists(atPath: scene.store + "/.git/crdt/hook.request")
        && FileLock.tryAcquire(scene.store + "/.git/crdt/hook.lock") != nil
    }
    #expect((1...2).contains(scene.runsInLog.count))
  }

  @Test("what a worker that died has left blocks nobody")
  func deadWorker() throws {
    let scene = try HookScene()
    try scene.write(scene.store + "/.git/crdt/hook.lock", "999999\n")
    try scene.write(scene.store + "/.git/crdt/hook.request", "999999\n")
    try scene.remember("second")
    try scene.backup("hook", "run", "--store", scene.store)
    #expect(scene.remoteHolds("second"))
    #expect(!FileManager.default.fileExists(atPath: scene.store + "/.git/crdt/hook.request"))
  }

  @Test("a failed background run is in the log and in status")
  func failureShows() throws {
    let scene = try HookScene()
    try FileManager.default.removeItem(atPath: scene.memory)
    try scene.backup("hook", "run", "--store", scene.store)
    #expect(scene.runsInLog.last?.contains("exit code 66") == true)
    let status = try scene.backup("status", "--store", scene.store)
    #expect(status.outputText.contains("exit code 66"))
  }

  @Test("a commit in the store itself starts nothing")
  func commitInStore() throws {
    let scene = try HookScene()
    try scene.backup("hook", "run", "--store", scene.store, in: scene.store)
    try scene.backup("hook", "run", "--store", scene.store, "--git-dir", scene.store + "/.git")
    #expect(scene.runsInLog.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: scene.store + "/.git/crdt/hook.request"))
    try scene.backup("hook", "install", "--repo", scene.store, "--store", scene.store, expecting: 64)
  }

  @Test("the script starts nothing inside of a backup, and hands no GIT_ variable on")
  func guardAndEnvironment() throws {
    let scene = try HookScene()
    let seen = scene.root + "/seen"
    try scene.write("bin/fake program's", "#!/bin/sh\nenv >> '\(seen).new'; mv '\(seen).new' '\(seen)'\n", mode: 0o755)
    let block = HookScript.block(executable: scene.root + "/bin/fake program's", store: scene.store)
    try scene.write(
      "hook.sh", String(decoding: HookScript.script(block: block, before: nil), as: UTF8.self), mode: 0o755)
    scene.environment["CRDT_BACKUP_HOOK"] = "1"
    try scene.run(scene.root + "/hook.sh", [])
    scene.environment["CRDT_BACKUP_HOOK"] = nil
    scene.environment["GIT_INDEX_FILE"] = "/nowhere\nGIT_FAKE=1"
    scene.environment["GIT_DIR"] = "/nowhere/else"
    try scene.run(scene.root + "/hook.sh", [])
    try scene.eventually("the program runs") { scene.read(seen) != nil }
    let lines = (scene.read(seen) ?? "").split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("CRDT_BACKUP_HOOK=") } == ["CRDT_BACKUP_HOOK=1"])
    #expect(!lines.contains { $0.hasPrefix("GIT_") })
  }

  @Test(
    "paths with spaces, quotes and line breaks work",
    arguments: ["it's a \"store\"", "two\nlines $(touch pwned)", "e\u{301}'\u{301}%d"])
  func hostilePaths(name: String) throws {
    let scene = try HookScene(storeName: name)
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    try scene.remember("second")
    try scene.commit()
    try scene.eventually("the backup reaches the remote") { scene.remoteHolds("second") }
    #expect(!FileManager.default.fileExists(atPath: scene.project + "/pwned"))
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(!FileManager.default.fileExists(atPath: scene.project + "/.git/hooks/post-commit"))
  }

  @Test("the script to place by hand starts a backup of the default store")
  func staticScript() throws {
    let scene = try HookScene()
    scene.environment["CRDT_STORE"] = scene.store
    try FileManager.default.createSymbolicLink(
      atPath: scene.root + "/bin/crdt-backup", withDestinationPath: HookScene.program)
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "../../hooks/post-commit")
    try scene.write(
      scene.project + "/.git/hooks/post-commit", String(decoding: try Data(contentsOf: source), as: UTF8.self),
      mode: 0o755)
    try scene.remember("second")
    try scene.commit()
    try scene.eventually("the backup reaches the remote") { scene.remoteHolds("second") }
  }
}
