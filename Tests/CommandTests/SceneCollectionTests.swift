import Foundation
import TestKit
import Testing

/// Tombstones that end, and hosts that are gone, over real stores and a real remote.
@Suite struct SceneCollectionTests {
  /// Hosts with an entry `x` of the first, and one of their own each.
  private func scene(_ names: String...) throws -> (Sandbox, [SceneHost]) {
    let sandbox = try Sandbox()
    let hosts = names.map { sandbox.host($0) }
    for host in hosts {
      host.remember([("own-\(host.name)", "of \(host.name)")] + (host.name == names[0] ? [("x", "first")] : []))
      #expect(try host.setUp().code == 0)
    }
    for host in hosts { #expect(try host.backup().code == 0) }
    return (sandbox, hosts)
  }

  private func json(_ host: SceneHost, _ command: String...) throws -> [String: Any] {
    let outcome = try host.sandbox.run(command + ["--json", "--store", host.store])
    #expect(outcome.code == 0, "\(command): \(outcome)")
    return try outcome.json()
  }

  private func tombstones(_ host: SceneHost) throws -> Int {
    String(decoding: try host.unified(), as: UTF8.self).components(separatedBy: "\"deleted\":true").count - 1
  }

  @Test func aTombstoneEndsOnceEveryHostHasSaidThatItSawIt() throws {
    let (sandbox, hosts) = try scene("a", "b", "c")
    let (a, b, c) = (hosts[0], hosts[1], hosts[2])
    #expect(try b.run("forget", "x").code == 0)
    for host in hosts { #expect(try host.backup().code == 0) }
    let tip = try a.tip()
    let files = try snapshot(a.store)
    let dry = try a.run("gc", "--dry-run")
    #expect(dry.code == 0 && dry.output.contains("No tombstone would end"), "\(dry)")
    #expect(dry.output.contains("1 tombstone waits for c, the oldest for"), "\(dry)")
    #expect(try a.tip() == tip && snapshot(a.store) == files)
    let waiting = try #require(try json(a, "gc", "--dry-run")["waiting"] as? [[String: Any]])
    #expect(waiting.compactMap { $0["host"] as? String }.contains("c"))

    // Each says so; the last one can end it.
    #expect(try json(a, "gc")["tombstones"] as? Int == 0)
    let last = try json(c, "gc")
    #expect(last["tombstones"] as? Int == 1 && last["values"] as? Int == 1, "\(last)")
    #expect(last["ids"] as? [String] == ["x"] && last["packed"] as? Bool == true, "\(last)")
    for host in hosts {
      #expect(try host.backup().code == 0)
      #expect(try tombstones(host) == 0)
      #expect(try host.view() == ["own-a": "of a", "own-b": "of b", "own-c": "of c"])
      let log = try host.run("log", "x")
      #expect(log.output.contains("(deleted)") && log.output.contains("replaced"), "\(log)")
      try host.check()
    }
    #expect(!(try sandbox.remoteFile("memory-a.json")).contains("\"first\""))
    #expect(!(try sandbox.remoteFile("memory-b.json")).contains("deleted"))
    // a's memory file still has it, one-way: nothing brings it back, and a quiet round is quiet.
    let quiet = try sandbox.remoteTip()
    for host in hosts {
      #expect(try host.backup().code == 0)
      #expect(try json(host, "gc")["tombstones"] as? Int == 0)
    }
    #expect(try sandbox.remoteTip() == quiet)
    // Every value is still there for the asking.
    let versions = try #require(try json(c, "log", "x")["versions"] as? [[String: Any]])
    let commit = try #require(versions.last?["commit"] as? String)
    #expect(try c.run("restore", "x", "--commit", commit, "--apply").code == 0)
    for host in hosts { #expect(try host.backup().code == 0) }
    for host in hosts { #expect(try host.view()["x"] == "first") }
  }

  @Test func aNewHostWithAnOldMemoryFileBringsNothingBack() throws {
    let (sandbox, hosts) = try scene("a", "b")
    #expect(try hosts[0].run("forget", "x").code == 0)
    #expect(try hosts[1].backup().code == 0)
    #expect(try hosts[1].run("gc").code == 0)
    #expect(try hosts[0].backup().code == 0)
    _ = try hosts[0].run("gc")
    #expect(try tombstones(hosts[0]) == 0)
    let late = sandbox.host("late")
    late.remember([("x", "first"), ("new", "of late")])
    #expect(try late.setUp().code == 0)
    #expect(try late.view()["x"] == nil)
    #expect(try late.view()["new"] == "of late")
    // The same where private state was lost.
    try FileManager.default.removeItem(atPath: hosts[0].store + "/.git/crdt")
    #expect(try hosts[0].backup().code == 0)
    #expect(try hosts[0].view()["x"] == nil)
  }

  @Test func aRetiredHostIsNotWaitedForAndBringsNothingBackWhenItReturns() throws {
    let (_, hosts) = try scene("a", "b", "old")
    let (a, b, old) = (hosts[0], hosts[1], hosts[2])
    #expect(try a.run("forget", "x").code == 0)
    #expect(try b.backup().code == 0)
    #expect(try b.run("gc").code == 0)
    #expect(try a.backup().code == 0)
    #expect(try json(a, "gc")["tombstones"] as? Int == 0)

    #expect(try a.run("hosts", "retire", "a").code == 64)
    #expect(try a.run("hosts", "retire", "nobody").code == 66)
    #expect(try a.run("hosts", "retire", "old", "--dry-run").output.contains("old would be retired"))
    #expect(try json(a, "hosts", "retire", "old")["changed"] as? Bool == true)
    #expect(try json(a, "hosts", "retire", "old")["changed"] as? Bool == false)
    #expect(
      try a.run("hosts").output.split(separator: "\n").contains { $0.hasPrefix("old") && $0.hasSuffix("retired") })
    #expect(try json(a, "gc")["tombstones"] as? Int == 1)
    #expect(try tombstones(a) == 0)

    // It comes back with what it had, and with something new.
    old.remember([("own-old", "of old"), ("news", "from old")])
    #expect(try old.backup().code == 0)
    #expect(try old.view() == ["own-a": "of a", "own-b": "of b", "own-old": "of old", "news": "from old"])
    for host in [a, b] {
      #expect(try host.backup().code == 0)
      #expect(try host.view() == old.view())
      #expect(!(try host.run("hosts").output.contains("retired")))
    }
    // From now on it is waited for.
    #expect(try a.run("forget", "news").code == 0)
    let waiting = try #require(try json(a, "gc", "--dry-run")["waiting"] as? [[String: Any]])
    #expect(waiting.compactMap { $0["host"] as? String }.contains("old"))
  }

  @Test func retiringIsTakenBackAndRefusedWithoutTheRemote() throws {
    let (sandbox, hosts) = try scene("a", "b")
    let a = hosts[0]
    #expect(try a.run("hosts", "retire", "b").code == 0)
    #expect(try hosts[1].backup().code == 0)
    #expect(try hosts[1].run("hosts").output.contains("retired"))
    #expect(try json(a, "hosts", "unretire", "b")["changed"] as? Bool == true)
    #expect(!(try a.run("hosts").output.contains("retired")))
    #expect(try json(a, "hosts", "unretire", "b")["changed"] as? Bool == false)
    try FileManager.default.moveItem(atPath: sandbox.remote, toPath: sandbox.folder("away"))
    let refused = try a.run("hosts", "retire", "b")
    #expect(refused.code != 0 && refused.errorOutput.contains("Nothing was retired"), "\(refused)")
    #expect(!(try a.run("hosts").output.contains("retired")))
    let offline = try a.run("hosts", "retire", "b", "--offline")
    #expect(offline.code == 75, "\(offline)")
    #expect(try a.run("hosts").output.contains("retired"))
  }
}
