import Foundation
import TestKit
import Testing

/// Private state is a cache: deleted or damaged, it is rebuilt without loss and without a new stamp.
@Suite struct ScenePrivateStateTests {
  private func settled() throws -> (Sandbox, SceneHost, SceneHost) {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember([("x", "one"), ("kept", "k")])
    b.remember([("y", "two")])
    #expect(try a.setUp().code == 0)
    #expect(try b.setUp().code == 0)
    a.remember([("x", "one, edited"), ("kept", "k")])
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    return (sandbox, a, b)
  }

  @Test func deletedWholeItIsRebuilt() throws {
    let (sandbox, a, b) = try settled()
    let (tip, unified, name) = (try sandbox.remoteTip(), try a.unified(), try a.ownName())
    try FileManager.default.removeItem(atPath: a.store + "/.git/crdt")
    let outcome = try a.backup()
    #expect(outcome.code == 0 && outcome.errorOutput == "", "\(outcome)")
    #expect(try sandbox.remoteTip() == tip)
    #expect(try a.unified() == unified)
    #expect(try a.ownName() == name)

    // Lost together with an edit: the edit goes on with the same entry.
    try FileManager.default.removeItem(atPath: a.store + "/.git/crdt")
    a.remember([("x", "one, edited twice"), ("kept", "k")])
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    #expect(try a.unified() == b.unified())
    let text = String(decoding: try a.unified(), as: UTF8.self)
    #expect(text.components(separatedBy: "\"id\":\"x\"").count == 2)
    #expect(try b.history("x") == ["one", "one, edited", "one, edited twice"])
  }

  @Test func flippedBytesInAnyFileAreNoticedAndRebuilt() throws {
    let (sandbox, a, _) = try settled()
    let tip = try sandbox.remoteTip()
    let unified = try a.unified()
    let folder = a.store + "/.git/crdt"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names.count >= 5)
    for name in names where name != "lock" {
      let path = folder + "/" + name
      let good = try Data(contentsOf: URL(fileURLWithPath: path))
      // The head, the length, the payload and the checksum; then cut off, and empty.
      var damaged: [Data] = [0, 9, 16, 24, good.count / 2, good.count - 1].filter { $0 < good.count }.map { at in
        var bytes = good
        bytes[at] ^= 0x41
        return bytes
      }
      damaged += [good.prefix(good.count / 2), Data()]
      for bytes in damaged {
        try bytes.write(to: URL(fileURLWithPath: path))
        let outcome = try a.backup()
        #expect(outcome.code == 0, "\(name): \(outcome)")
        #expect(try sandbox.remoteTip() == tip, "\(name) damaged made a commit")
      }
    }
    #expect(try a.unified() == unified)
    #expect(try a.ownName() == "a")
    #expect(try a.run("hosts", "--json").json()["hosts"] as? [Any] != nil)
  }

  @Test func deletedWorkingFilesComeBack() throws {
    let (sandbox, a, _) = try settled()
    let unified = try a.unified()
    for name in ["unified-memory.json", "memory-a.json", "memory-b.json", ".gitattributes"] {
      try FileManager.default.removeItem(atPath: a.store + "/" + name)
    }
    try FileManager.default.removeItem(atPath: a.store + "/hosts")
    #expect(try a.backup().code == 0)
    #expect(try a.unified() == unified)
    #expect(FileManager.default.fileExists(atPath: a.store + "/hosts/a.json"))
    // Changed by hand they are not read, and the truth is written again.
    try Data("[]".utf8).write(to: URL(fileURLWithPath: a.unifiedPath))
    try Data("[]".utf8).write(to: URL(fileURLWithPath: a.statePath))
    let tip = try sandbox.remoteTip()
    #expect(try a.backup().code == 0)
    #expect(try sandbox.remoteTip() == tip)
    #expect(try a.unified() == unified)
  }

  @Test func aPeerFarAheadOfTimeDoesNotDragThisHost() throws {
    let (sandbox, a, _) = try settled()
    let clone = try sandbox.clone()
    let ahead = Date(timeIntervalSinceNow: 3_000 * 86_400)
    let formatter = ISO8601DateFormatter()
    let time = String(formatter.string(from: ahead).dropLast()) + ".000000000Z"
    let line = """
      [
      {"id":"future","content":"from the future","_crdt_metadata":{"host":"wild","timestamp":"\(time)","version":1,"unique_id":"wild_future_\(time)"}}
      ]

      """
    sandbox.folder.write("clone/memory-wild.json", line)
    try sandbox.push(clone)

    #expect(try a.backup().code == 0)
    a.remember([("x", "after the future"), ("kept", "k"), ("new", "n")])
    #expect(try a.backup().code == 0)
    let limit = formatter.string(from: Date(timeIntervalSinceNow: 600))
    let versions = try #require(try a.run("log", "x", "--json").json()["versions"] as? [[String: Any]])
    for version in versions { #expect((version["timestamp"] as? String ?? "~") < limit) }
    let view = try a.view()
    #expect(view["future"] == "from the future" && view["x"] == "after the future")
    let status = try a.run("status")
    #expect(status.output.contains("Drift") && status.output.contains("wild"), "\(status)")
    let drift = try #require(try a.run("status", "--json").json()["drift"] as? [[String: Any]])
    #expect(drift.count == 1 && drift[0]["id"] as? String == "future")
    // An edit of that very entry goes above it, and only that.
    a.remember([("x", "after the future"), ("kept", "k"), ("new", "n"), ("future", "edited here")])
    #expect(try a.backup().code == 0)
    #expect(try a.run("forget", "future").code == 0)
    a.remember([("x", "still now"), ("kept", "k"), ("new", "n"), ("future", "edited here")])
    #expect(try a.backup().code == 0)
    let later = try #require(try a.run("log", "x", "--json").json()["versions"] as? [[String: Any]])
    for version in later { #expect((version["timestamp"] as? String ?? "~") < limit) }
    // Also when the clock's mark is lost.
    try FileManager.default.removeItem(atPath: a.store + "/.git/crdt/clock")
    a.remember([("x", "once more"), ("kept", "k"), ("new", "n"), ("future", "edited here")])
    #expect(try a.backup().code == 0)
    let last = try #require(try a.run("log", "x", "--json").json()["versions"] as? [[String: Any]])
    for version in last { #expect((version["timestamp"] as? String ?? "~") < limit) }
    #expect(try a.view()["x"] == "once more")
  }
}
