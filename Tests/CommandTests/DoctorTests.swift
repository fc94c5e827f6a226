import CRDT
import CommandSupport
import Durability
import Foundation
import Processes
import Testing

@testable import Replication
@testable import crdt_backup

@Suite("doctor: finds what is wrong, and says what to do")
struct DoctorTests {
  private struct Report {
    var exitCode: Int32
    var findings: [[String: Any]]

    func level(_ check: String) -> String? { find(check)?["level"] as? String }
    func find(_ check: String) -> [String: Any]? {
      findings.first { $0["check"] as? String == check && $0["level"] as? String != "ok" }
        ?? findings.first { $0["check"] as? String == check }
    }
    func isFixed(_ check: String) -> Bool { find(check)?["fixed"] is String }
  }

  private func doctor(_ scene: HookScene, _ arguments: [String] = []) throws -> Report {
    let result = try scene.run(
      HookScene.program, ["doctor", "--json", "--store", scene.store, "--repo", scene.project] + arguments,
      expecting: nil)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
    #expect(object["schema"] as? Int == 1)
    guard case .exited(let code) = result.termination else { throw POSIXError(.EINTR) }
    #expect(object["exitCode"] as? Int == Int(code))
    return Report(exitCode: code, findings: object["findings"] as? [[String: Any]] ?? [])
  }

  @Test("a healthy store has no problem, also as cron sees it")
  func healthy() throws {
    let scene = try HookScene()
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    let report = try doctor(scene)
    #expect(report.exitCode == 0)
    for check in [
      "access", "disk", "private state", "host files", "working files", "clock", "libgit2", "git", "remote",
      "remote writable", "remote from cron", "hook",
    ] {
      #expect(report.level(check) == "ok" || check == "disk", "\(check): \(report.find(check) ?? [:])")
    }
  }

  @Test("open modes are a problem of permission, and are set")
  func modes() throws {
    let scene = try HookScene()
    let file = scene.store + "/memory-hosta.json"
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scene.store)
    #expect(try doctor(scene).exitCode == 77)
    let fixed = try doctor(scene, ["--fix"])
    #expect(fixed.exitCode == 0 && fixed.isFixed("modes"))
    #expect(scene.mode(file) == 0o600 && scene.mode(scene.store) == 0o700)
    #expect(try doctor(scene).level("access") == "ok")
  }

  @Test(
    "damaged private state is taken away, and the next backup loses nothing",
    arguments: ["clock", "base", "replica", "last-run", "published", "ingested"])
  func privateState(name: String) throws {
    let scene = try HookScene()
    try scene.write(scene.store + "/.git/crdt/" + name, "damaged", mode: 0o600)
    #expect(try doctor(scene).exitCode == 74)
    #expect(try doctor(scene, ["--fix"]).isFixed("private state"))
    try scene.remember("second")
    try scene.backup("--store", scene.store)
    #expect(scene.remoteHolds("first") && scene.remoteHolds("second"))
    #expect(try doctor(scene).exitCode == 0)
  }

  @Test("every memory is looked at as the next backup would")
  func memories() throws {
    let scene = try HookScene()
    #expect(try doctor(scene).level("memory") == "ok")
    try scene.write("notes.jsonl", "{\"id\":\"n\"}\n")
    try scene.backup("source", "add", "notes", "--memory", scene.root + "/notes.jsonl", "--store", scene.store)
    try scene.backup("--store", scene.store)
    #expect(try doctor(scene).level("source notes") == "ok")
    try scene.write("notes.jsonl", "{\"id\":\"n\"}\n{\"id\":\n")
    #expect(try doctor(scene).level("source notes") == "note")
    try scene.write("notes.jsonl", "[{\"id\":\"n\"}]")
    let changed = try doctor(scene)
    #expect(changed.level("source notes") == "note" && changed.exitCode == 0)
    try scene.write("notes.jsonl", "[{")
    #expect(try doctor(scene).exitCode == 65)
    try FileManager.default.removeItem(atPath: scene.root + "/notes.jsonl")
    let gone = try doctor(scene)
    #expect(gone.level("source notes") == "problem" && gone.level("memory") == "ok" && gone.exitCode == 66)
    try scene.write("notes.jsonl", "{\"id\":\"n\"}\n")

    let base = scene.store + "/.git/crdt/sources/notes/base"
    try scene.write(base, "damaged", mode: 0o600)
    #expect(try doctor(scene).exitCode == 74)
    #expect(try doctor(scene, ["--fix"]).isFixed("private state"))
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: scene.store + "/.git/crdt/sources/notes")
    #expect(try doctor(scene, ["--fix"]).isFixed("modes"))
    #expect(try doctor(scene).exitCode == 0)
  }

  @Test("a remote that is gone, or holds something else, is named")
  func remotes() throws {
    let scene = try HookScene()
    try FileManager.default.moveItem(atPath: scene.remote, toPath: scene.remote + ".away")
    let gone = try doctor(scene)
    #expect(gone.level("remote") == "problem" && gone.exitCode != 0)
    #expect(try doctor(scene, ["--offline"]).exitCode == 0)

    try scene.git("init", "-q", scene.remote, in: scene.root)
    try scene.write(scene.remote + "/code.c", "int x;")
    try scene.git("add", ".", in: scene.remote)
    try scene.commit(in: scene.remote)
    let other = try doctor(scene)
    #expect(other.level("remote") == "problem" && other.exitCode == 78)
  }

  @Test("a remote that only works with the login's environment is named")
  func remoteFromCron() throws {
    let scene = try HookScene()
    try scene.write("bin/here-ssh", "#!/bin/sh\nfor last; do :; done\nexec /bin/sh -c \"$last\"\n", mode: 0o755)
    scene.environment["GIT_SSH_COMMAND"] = scene.root + "/bin/here-ssh"
    try scene.backup("--remote", "ssh://127.0.0.1:1\(scene.remote)", "--store", scene.store)
    let report = try doctor(scene)
    #expect(report.level("remote") == "ok", "\(report.find("remote") ?? [:])")
    #expect(report.level("remote writable") != "problem", "\(report.find("remote writable") ?? [:])")
    #expect(report.level("remote from cron") == "problem")
    #expect(report.exitCode != 0)
  }

  @Test("a damaged host file in the commits is named")
  func damagedHostFile() throws {
    let scene = try HookScene()
    try scene.git("reset", "-q", in: scene.store)
    try scene.write(scene.store + "/memory-hostb.json", "[{\"id\":")
    try scene.git("add", "memory-hostb.json", in: scene.store)
    try scene.commit(in: scene.store)
    let report = try doctor(scene, ["--offline"])
    #expect(report.level("host files") == "problem")
  }

  @Test("a published file that was edited is written again")
  func workingFiles() throws {
    let scene = try HookScene()
    let file = scene.store + "/unified-memory.json"
    let text = scene.read(file)
    try scene.write(file, "edited", mode: 0o600)
    #expect(try doctor(scene, ["--offline"]).level("working files") == "note")
    #expect(try doctor(scene, ["--offline", "--fix"]).isFixed("working files"))
    #expect(scene.read(file) == text)
  }

  @Test("a clock behind its own mark is a problem")
  func clock() throws {
    let scene = try HookScene()
    let state = PrivateState(
      paths: StorePaths(folder: scene.store, gitFolder: scene.store + "/.git"), fileSystem: RealFileSystem())
    try state.writeClock(Effects.real.wallClock().advanced(bySeconds: 400 * 86_400))
    let report = try doctor(scene, ["--offline"])
    #expect(report.level("clock") == "problem" && report.exitCode == 78)
  }

  @Test("a hook that core.hooksPath has cut off is a problem; the merge driver is registered by --fix")
  func hookAndDriver() throws {
    let scene = try HookScene()
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    try scene.git("config", "core.hooksPath", "elsewhere")
    let report = try doctor(scene, ["--offline"])
    #expect(report.level("hook") == "problem" && report.exitCode == 78)
    #expect(report.level("merge driver") == "note")
    #expect(try doctor(scene, ["--offline", "--fix"]).isFixed("merge driver"))
    #expect(try doctor(scene, ["--offline"]).level("merge driver") == "ok")
    try scene.git("config", "merge.crdt-memory.driver", "'/no/crdt merge' driver %O", in: scene.store)
    #expect(try doctor(scene, ["--offline"]).level("merge driver") == "problem")
  }

  @Test("no store, no git: said in the finding, with the code of its kind")
  func missing() throws {
    let scene = try HookScene()
    let none = try scene.backup("doctor", "--store", scene.root + "/none", expecting: 66)
    #expect(none.outputText.contains("no store is there yet"))
    scene.environment["PATH"] = scene.root + "/bin"
    let report = try doctor(scene, ["--offline"])
    #expect(report.level("git") == "problem" && report.exitCode == 78)
  }
}
