import Foundation
import TestKit
import Testing

/// `crdt-agent checkpoint watch`: what other processes and other hosts do.
@Suite struct CheckpointWatchTests {
  /// Watches until `count` events came, while `body` does something; returns the events.
  ///
  /// `body` is called once the watch has told of the checkpoints that were there.
  private func watched(
    _ host: SceneHost, _ options: String, count: Int, there: Int, _ body: @escaping @Sendable () throws -> Void
  ) throws -> [[String: Any]] {
    let sandbox = host.sandbox
    let file = sandbox.folder("watched")
    @Sendable func lines() -> [Substring] {
      ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").split(separator: "\n")
    }
    onThreads(2) { index in
      if index == 0 {
        let watch = try? sandbox.shell(
          "'\(Executables.path("crdt-agent"))' checkpoint watch --after 0 --count \(count) --for 80s --interval 20 --json"
            + " \(options) --store '\(host.store)' > '\(file)'")
        #expect(watch?.code == 0, "\(String(describing: watch))")
      } else {
        for _ in 0..<3_000 where lines().count < there { usleep(20_000) }
        do { try body() } catch { Issue.record(error) }
      }
    }
    return lines().compactMap { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any] }
  }

  @Test func watchTellsWhatOtherProcessesDo() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("create", "-m", "one", "--host", "a").code == 0)
    let events = try watched(a, "", count: 7, there: 1) { () throws in
      // What is gone before the watch looks again is told, too.
      for message in ["two", "three", "four"] { #expect(try a.checkpoint("create", "-m", message).code == 0) }
      #expect(try a.checkpoint("delete", "2").code == 0)
      #expect(try a.checkpoint("restore", "3").code == 0)
      #expect(try a.checkpoint("compact", "--keep", "1").code == 0)
    }
    #expect(
      events.compactMap { $0["event"] as? String } == [
        "created", "created", "created", "created", "deleted", "restored", "compacted",
      ])
    #expect(events.compactMap { $0["count"] as? Int } == [1, 2])
    #expect(events.last?["kept"] as? Int == 1)
    #expect((events.dropFirst(5).first?["checkpoint"] as? [String: Any])?["message"] as? String == "three")
    #expect(try a.checkpoint("watch", "--for", "0s").output == "")
    // The record is private and no part of what goes to others.
    let record = a.store + "/.git/crdt/checkpoint-events"
    let mode = try FileManager.default.attributesOfItem(atPath: record)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try GitProgram.run(["ls-tree", "-r", "--name-only", "main"], in: a.store).contains("events") == false)
  }

  @Test func watchTellsOfItsSessionOnly() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    for name in ["mine", "other"] {
      #expect(try a.checkpoint("session", "start", name, "--host", "a").code == 0)
      #expect(try a.checkpoint("create", "-m", name, "--session", name).code == 0)
    }
    let events = try watched(a, "--session mine", count: 2, there: 1) { () throws in
      #expect(try a.checkpoint("restore", "2").code == 0)
      #expect(try a.checkpoint("delete", "2").code == 0)
      #expect(try a.checkpoint("restore", "1").code == 0)
    }
    #expect(events.compactMap { $0["event"] as? String } == ["created", "restored"])
    #expect(events.compactMap { ($0["checkpoint"] as? [String: Any])?["message"] as? String } == ["mine", "mine"])
  }

  @Test func whatComesFromOtherHostsIsToldByAMerge() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    for host in [a, b] {
      host.remember("of-\(host.name)", "x")
      #expect(try host.setUp().code == 0)
    }
    #expect(try a.checkpoint("create", "-m", "one").code == 0)
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    let events = try watched(a, "", count: 3, there: 1) { () throws in
      #expect(try b.checkpoint("create", "-m", "two").code == 0)
      #expect(try b.checkpoint("restore", "1").code == 0)
      #expect(try b.checkpoint("delete", "1").code == 0)
      #expect(try b.backup().code == 0)
      #expect(try a.backup().code == 0)
    }
    #expect(events.compactMap { $0["event"] as? String } == ["created", "created", "deleted"])
  }

  @Test func aRecordThatIsLostOrDamagedCostsNothing() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("create", "-m", "one", "--host", "a").code == 0)
    let record = a.store + "/.git/crdt/checkpoint-events"
    let events = try watched(a, "", count: 4, there: 1) { () throws in
      try Data("damaged".utf8).write(to: URL(fileURLWithPath: record))
      #expect(try a.checkpoint("create", "-m", "two").code == 0)
      try FileManager.default.removeItem(atPath: record)
      #expect(try a.checkpoint("restore", "1").code == 0)
      #expect(try a.checkpoint("delete", "1").code == 0)
    }
    #expect(Set(events.compactMap { $0["event"] as? String }) == ["created", "restored", "deleted"])
    #expect(events.count == 4)
  }

  @Test func aRestoreWhoseOutputFailedIsNoneToWhoWatches() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("create", "-m", "one", "--host", "a").code == 0)
    let folder = sandbox.folder("folder")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let events = try watched(a, "", count: 2, there: 1) { () throws in
      #expect(try a.checkpoint("restore", "1", "-o", folder).code != 0)
      let full = try sandbox.shell(
        "'\(Executables.path("crdt-agent"))' checkpoint restore 1 --store '\(a.store)' >/dev/full")
      #expect(full.code == 74, "\(full)")
      #expect(try a.checkpoint("create", "-m", "two").code == 0)
    }
    #expect(events.compactMap { $0["event"] as? String } == ["created", "created"])
  }
}
