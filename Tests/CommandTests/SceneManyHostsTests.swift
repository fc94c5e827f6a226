import Foundation
import Synchronization
import TestKit
import Testing

/// Many hosts, and several runs on one host, at once.
@Suite struct SceneManyHostsTests {
  @Test func tenHostsAtOnceTenBackupsEachLoseNothing() throws {
    let sandbox = try Sandbox()
    let hosts = (0..<10).map { sandbox.host("h\($0)") }
    let rounds = 10
    let failures = Mutex<[String]>([])
    let unacknowledged = Mutex(0)

    onThreads(hosts.count) { index in
      let host = hosts[index]
      do {
        for round in 0..<rounds {
          var entries = (0...round).map { (id: "\(host.name)-entry-\($0)", content: "\(host.name) entry \($0)") }
          entries.append((id: "\(host.name)-counter", content: "\(host.name) round \(round)"))
          entries.append((id: "shared", content: "\(host.name) shared \(round)"))
          host.remember(entries)
          let outcome = try round == 0 ? host.setUp() : host.backup()
          if outcome.code == 75 {
            unacknowledged.withLock { $0 += 1 }
            continue
          }
          guard outcome.code == 0 else {
            failures.withLock { $0.append("\(host.name) round \(round): \(outcome)") }
            continue
          }
          // Acknowledged: on the remote now, not later.
          let file = try sandbox.remoteFile("memory-\(host.name).json")
          for entry in entries where !file.contains("\"\(entry.content)\"") {
            failures.withLock { $0.append("\(host.name) round \(round): acknowledged, not there: \(entry.content)") }
          }
        }
      } catch {
        failures.withLock { $0.append("\(host.name): \(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
    // A lost race may end with 75 on a machine under load; that would be true, but not usual.
    #expect(unacknowledged.withLock { $0 } <= 5)

    for host in hosts { #expect(try host.backup().code == 0) }
    for host in hosts { #expect(try host.backup().code == 0) }
    let unified = try hosts[0].unified()
    let text = String(decoding: unified, as: UTF8.self)
    for host in hosts {
      #expect(try host.unified() == unified)
      #expect(try host.tip() == sandbox.remoteTip())
      for round in 0..<rounds { #expect(text.contains("\"\(host.name) entry \(round)\"")) }
      #expect(text.contains("\"\(host.name) round \(rounds - 1)\""))
      #expect(text.contains("\"\(host.name) shared \(rounds - 1)\""))
    }
    let history = try hosts[3].history("h5-counter")
    #expect(history == Set((0..<rounds).map { "h5 round \($0)" }))

    // A quiet round makes no commit and writes nothing a reader or git would see.
    let tip = try sandbox.remoteTip()
    let before = try hosts.map { try worldlyFiles($0) }
    for host in hosts { #expect(try host.backup().code == 0) }
    #expect(try sandbox.remoteTip() == tip)
    #expect(try hosts.map { try worldlyFiles($0) } == before)
    try GitProgram.run(["fsck", "--strict", "--no-dangling"], in: sandbox.remote)
    try hosts[0].check()
  }

  /// Working files with their times, and the store's branches.
  private func worldlyFiles(_ host: SceneHost) throws -> [String: String] {
    var files = try snapshot(host.store).filter { !$0.key.hasPrefix(".git/") && $0.key != ".git" && $0.key != "." }
    files["refs"] = try GitProgram.run(["for-each-ref", "refs/heads"], in: host.store)
    return files
  }

  @Test func severalBackupsAtOnceOnOneStoreAllEndWell() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("one")
    host.remember("a", "first")
    let outcomes = Mutex<[Outcome]>([])
    // The first use too: whoever comes second finds the store being made.
    onThreads(3) { _ in
      if let outcome = try? host.setUp() { outcomes.withLock { $0.append(outcome) } }
    }
    #expect(outcomes.withLock { $0.map(\.code) } == [0, 0, 0], "\(outcomes.withLock { $0 })")

    host.remember([("a", "second"), ("b", "new")])
    outcomes.withLock { $0 = [] }
    onThreads(4) { _ in
      if let outcome = try? host.backup() { outcomes.withLock { $0.append(outcome) } }
    }
    #expect(outcomes.withLock { $0.map(\.code) } == [0, 0, 0, 0], "\(outcomes.withLock { $0 })")
    #expect(try host.view() == ["a": "second", "b": "new"])
    #expect(try host.history("a") == ["first", "second"])
    // Each value was stamped once.
    let unified = String(decoding: try host.unified(), as: UTF8.self)
    #expect(unified.components(separatedBy: "\"unique_id\"").count == 3)
    try host.check()
  }

  @Test func aBackupThatMeetsALongHeldLockSaysWhoHoldsIt() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("one")
    host.remember("a", "first")
    #expect(try host.setUp().code == 0)
    try GitProgram.run(["config", "crdt.lockWait", "1"], in: host.store)
    guard try Requirement.programs("flock") else { return }
    let outcome = try sandbox.shell("flock '\(host.store)/.git/crdt/lock' \"$B\" --store '\(host.store)'")
    #expect(outcome.code == 75, "\(outcome)")
    #expect(outcome.errorLines.count == 1 && outcome.errorOutput.contains("another run holds the store"))
    #expect(try host.backup().code == 0)
  }
}
