import Foundation
import Processes
import TestKit
import Testing

/// The other commands, their output, and settings that change.
@Suite struct SceneCommandsTests {
  private func two() throws -> (Sandbox, SceneHost, SceneHost) {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember([("x", "x of a"), ("same", "by a")])
    b.remember([("y", "y of b"), ("same", "by b")])
    #expect(try a.setUp().code == 0)
    #expect(try b.setUp().code == 0)
    #expect(try a.backup().code == 0)
    return (sandbox, a, b)
  }

  @Test func forgetRestoreLogAndConflictsAcrossHosts() throws {
    let (_, a, b) = try two()
    let conflicts = try #require(try a.run("conflicts", "--json").json()["conflicts"] as? [[String: Any]])
    #expect(conflicts.map { $0["id"] as? String } == ["same"])
    #expect(try a.run("conflicts").output.contains("by a"))

    // Forgotten there, gone here, and not brought back by a memory file that still has it.
    #expect(try b.run("forget", "x").code == 0)
    #expect(try a.backup().code == 0)
    #expect(try a.view()["x"] == nil)
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    #expect(try b.view()["x"] == nil)
    #expect(try a.run("forget", "x").code == 66)
    #expect(try a.history("x") == ["x of a"])
    let log = try a.run("log", "x")
    #expect(log.code == 0 && log.output.contains("(deleted)") && log.output.contains("replaced"), "\(log)")

    // Brought back for good on both.
    let versions = try #require(try a.run("log", "x", "--json").json()["versions"] as? [[String: Any]])
    let commit = try #require(versions.last?["commit"] as? String)
    let apply = try a.run("restore", "x", "--commit", String(commit.prefix(12)), "--apply")
    #expect(apply.code == 0, "\(apply)")
    #expect(try b.backup().code == 0)
    #expect(try a.backup().code == 0)
    #expect(try b.view()["x"] == "x of a")
    #expect(try a.view() == b.view())
    #expect(try a.unified() == b.unified())
    // Once more is no change.
    let tip = try a.tip()
    #expect(try a.run("restore", "x", "--commit", commit, "--apply").code == 0)
    #expect(try a.tip() == tip)
    // A point in time, to a file.
    let file = a.store + "-restored.json"
    #expect(try a.run("restore", "--at", "1d", "-o", file).code == 66)
    #expect(try a.run("restore", "-o", file).code == 0)
    #expect(try contents(of: Data(contentsOf: URL(fileURLWithPath: file))) == a.view())
    let hosts = try #require(try b.run("hosts", "--json").json()["hosts"] as? [[String: Any]])
    #expect(hosts.compactMap { $0["name"] as? String } == ["a", "b"])
  }

  @Test func aConcurrentEditSurvivesAForgetThatHadNotSeenIt() throws {
    for editFirst in [true, false] {
      let (_, a, b) = try two()
      if editFirst { a.remember([("x", "edited meanwhile"), ("same", "by a")]) }
      if editFirst { #expect(try a.backup("--offline").code == 75) }
      #expect(try b.run("forget", "x").code == 0)
      if !editFirst { a.remember([("x", "edited meanwhile"), ("same", "by a")]) }
      for host in [a, b, a, b] { #expect(try host.backup().code == 0) }
      #expect(try a.view()["x"] == "edited meanwhile", "edit first: \(editFirst)")
      #expect(try a.unified() == b.unified())
      // Forgotten by one who has seen it: gone.
      #expect(try b.run("forget", "x").code == 0)
      for host in [a, b, a] { #expect(try host.backup().code == 0) }
      #expect(try a.view()["x"] == nil)
      #expect(try b.view()["x"] == nil)
    }
  }

  @Test func jsonIsOneObjectAndQuietIsSilent() throws {
    let (_, a, _) = try two()
    let commands = [
      ["sync"], ["sync", "--dry-run"], ["sync", "--offline"], ["status"], ["hosts"], ["conflicts"], ["log", "x"],
      ["log", "nobody"], ["restore", "-o", a.store + "-r.json"], ["restore"], ["restore", "x"],
      ["restore", "--dry-run"],
      ["restore", "x", "--commit", "main", "--apply", "--dry-run"], ["restore", "x", "--at", "1d", "--apply"],
      ["forget", "x", "--dry-run"], ["forget", "nobody"], ["forget", "x", "--offline"], ["forget", "same"],
    ]
    for command in commands {
      let outcome = try a.sandbox.run(command + ["--store", a.store, "--json"])
      let object = try outcome.json()
      #expect(object["schema"] as? Int == 1, "\(command): \(outcome)")
      #expect(object["command"] as? String == command[0], "\(command)")
      #expect((object["exitCode"] as? Int).map { Int32($0) } == outcome.code, "\(command): \(outcome)")
      if outcome.code == 0 { #expect(outcome.errorOutput == "", "\(command)") }
    }
    let nowhere = try a.sandbox.run(["status", "--json", "--store", a.sandbox.folder("nowhere")])
    #expect(nowhere.code == 66)
    #expect(try nowhere.json()["exitCode"] as? Int == 66)

    a.remember([("x", "x again"), ("q", "quiet"), ("same", "by a")])
    for command in [["sync"], ["status"], ["hosts"], ["conflicts"], ["log", "q"], ["forget", "q"], ["sync"]] {
      let outcome = try a.sandbox.run(command + ["--store", a.store, "-q"])
      #expect(outcome.code == 0 && outcome.output == "" && outcome.errorOutput == "", "\(command): \(outcome)")
    }
    // Talk is on stderr, results on stdout.
    let verbose = try a.backup("-v")
    #expect(verbose.errorOutput != "" && verbose.output.contains("Verified on"), "\(verbose)")
    let restored = try a.run("restore", "-v")
    #expect(try contents(of: Data(restored.output.utf8))["x"] == "x again")
  }

  @Test func aChangeIsSharedWithoutTheMemoryFile() throws {
    let (sandbox, a, _) = try two()
    let commit = try a.tip()
    try FileManager.default.removeItem(atPath: a.memory)
    let forgot = try a.run("forget", "x")
    #expect(forgot.code == 0 && forgot.output.hasPrefix("Forgot x\n"), "\(forgot)")
    #expect(forgot.output.contains("Verified on") && !forgot.output.contains("memory file"), "\(forgot)")
    #expect(try sandbox.remoteTip() == a.tip())
    let restored = try a.run("restore", "x", "--commit", commit, "--apply", "--json")
    let object = try restored.json()
    #expect(restored.code == 0 && object["restored"] as? Int == 1, "\(restored)")
    #expect(object["outcome"] as? String == "verified")
    #expect(try a.tip() == object["commit"] as? String)
    let again = try a.run("forget", "x", "--json", "--offline").json()
    #expect(again["forgotten"] as? [String] == ["x"] && again["outcome"] as? String == "offline", "\(again)")
  }

  @Test func aChangeThatCannotBeSharedIsSavedAndSaysSo() throws {
    let (sandbox, a, _) = try two()
    // The sync behind the change cannot write down how it ended.
    let state = a.store + "/.git/crdt/last-run"
    #expect(FileManager.default.fileExists(atPath: state))
    try FileManager.default.removeItem(atPath: state)
    try sandbox.makeFolder(state + "/in-the-way")
    let forgot = try a.run("forget", "x", "--json")
    let object = try forgot.json()
    let message = (object["error"] as? [String: Any])?["message"] as? String ?? ""
    #expect(forgot.code != 0 && object["exitCode"] as? Int == Int(forgot.code), "\(forgot)")
    #expect(object["forgotten"] as? [String] == ["x"])
    #expect(message.hasPrefix("the change is saved in the store (commit \(try a.tip().prefix(10)))"), "\(message)")
    #expect(!forgot.errorOutput.contains("othing was changed"), "\(forgot)")
  }

  @Test func aReaderThatGoesAwayBreaksNothing() throws {
    let (sandbox, a, b) = try two()
    var round = 0
    for closing in [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full 2>/dev/full", "| true"] {
      round += 1
      a.remember([("x", "round \(round)"), ("same", "by a")])
      let outcome = try sandbox.shell("set -- sync --store '\(a.store)' -v; \"$B\" \"$@\" \(closing); echo code $?")
      if closing != "| true", !closing.contains(">&-") {
        #expect(outcome.output.contains("code 0"), "\(closing): \(outcome)")
      }
      #expect(try sandbox.remoteFile("memory-a.json").contains("\"round \(round)\""), "\(closing)")
      try a.check()
    }
    #expect(try sandbox.shell("\"$B\" sync --store '\(a.store)' -v >&- 2>&-").code == 0)
    // Results that did not arrive are no success.
    for command in ["restore", "log x", "status", "hosts --json"] {
      let full = try sandbox.shell("\"$B\" \(command) --store '\(a.store)' >/dev/full")
      #expect(full.code == 74 && full.errorLines.count == 1, "\(command): \(full)")
    }
    // Nothing of it ended up in a file.
    for host in [a, b] {
      #expect(try host.backup().code == 0)
      for (name, text) in try snapshot(host.store) where !name.hasPrefix(".git/objects") {
        #expect(
          !String(decoding: Data(base64Encoded: String(text.split(separator: " ").last ?? "")) ?? Data(), as: UTF8.self)
            .contains("Verified on"), "\(name)")
      }
    }
  }

  @Test func dryRunWritesNothingAtAll() throws {
    let (sandbox, a, b) = try two()
    let other = try sandbox.makeRemote("other.git")
    b.remember([("y", "newer"), ("same", "by b")])
    #expect(try b.backup().code == 0)
    a.remember([("x", "x changed"), ("fresh", "new"), ("same", "by a")])
    let (store, remote, home) = (
      try snapshot(a.store), try snapshot(sandbox.remote), try snapshot(sandbox.folder("home"))
    )
    let dry = try a.backup("--dry-run")
    #expect(dry.code == 0 && dry.output.contains("1 would be added, 1 would be changed"), "\(dry)")
    #expect(try a.backup("--dry-run", "--remote", other, "--branch", "b", "--json").code == 0)
    #expect(try a.run("forget", "x", "--dry-run").code == 0)
    #expect(try a.run("restore", "x", "--commit", a.tip(), "--apply", "--dry-run").code == 0)
    #expect(try a.run("restore", "-o", sandbox.folder("no.json"), "--dry-run").code == 0)
    for command in ["status", "hosts", "conflicts"] { #expect(try a.run(command).code == 0) }
    #expect(try snapshot(a.store) == store)
    #expect(try snapshot(sandbox.remote) == remote)
    #expect(try snapshot(sandbox.folder("home")) == home)
    let fresh = try sandbox.run(["--store", sandbox.folder("fresh"), "--memory", a.memory, "--dry-run"])
    #expect(fresh.code == 0)
    #expect(try sandbox.refs(other) == "")
    for name in ["fresh", "no.json"] {
      #expect(!FileManager.default.fileExists(atPath: sandbox.folder(name)))
    }
  }

  @Test func settingsChangeAsAUserWouldExpect() throws {
    let (sandbox, a, b) = try two()
    // Another remote gets everything, history too; the old one stays as it was.
    let second = try sandbox.makeRemote("second.git")
    let old = try sandbox.remoteTip()
    #expect(try a.backup("--remote", second).code == 0)
    #expect(try sandbox.remoteTip(of: second) == a.tip())
    #expect(try a.backup().output.contains("second.git"))
    #expect(try sandbox.remoteTip() == old)
    #expect(try a.backup("--remote", sandbox.remote).code == 0)
    // Another memory file: its values are taken in, the old ones stay.
    sandbox.folder.write("moved.json", "[{\"id\":\"x\",\"content\":\"x of a\"},{\"id\":\"m\",\"content\":\"moved\"}]")
    let moved = try a.backup("--memory", sandbox.folder("moved.json"))
    #expect(moved.code == 0 && moved.output.contains("1 added"), "\(moved)")
    let view = try a.view()
    #expect(view["m"] == "moved" && view["x"] == "x of a" && view["y"] == "y of b")
    #expect(try a.backup().output.contains("moved.json"))
    // Another branch, in the store as well as on the remote.
    #expect(try a.backup("--branch", "team/memory").code == 0)
    #expect(try sandbox.remoteTip("team/memory") == a.tip("team/memory"))
    #expect(try GitProgram.run(["symbolic-ref", "HEAD"], in: a.store) == "refs/heads/team/memory")
    #expect(try a.backup().output.contains("branch team/memory"))
    #expect(try a.backup("--branch", "main").code == 0)
    let impossible = try a.backup("--branch", "main/below")
    #expect(impossible.code == 64, "\(impossible)")
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    #expect(try a.unified() == b.unified())
    // Settings are git's to show and change.
    try GitProgram.run(["config", "crdt.timeout", "soon"], in: a.store)
    let wrong = try a.backup()
    #expect(wrong.code == 78 && wrong.errorOutput.contains("crdt.timeout"), "\(wrong)")
    try GitProgram.run(["config", "crdt.timeout", "90s"], in: a.store)
    #expect(try a.backup().code == 0)
  }
}
