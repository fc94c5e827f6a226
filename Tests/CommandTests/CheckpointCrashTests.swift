import Durability
import Foundation
import Processes
import TestKit
import Testing

/// Death in the middle, and more than one at a time.
@Suite struct CheckpointCrashTests {
  @Test func killedAtAnyMomentNothingAcknowledgedIsLost() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("create", "-m", "first", "--host", "a").code == 0)
    let large = "{\"text\":\"\(String(repeating: "x", count: 200_000))\"}"
    sandbox.folder.write("state.json", large)
    var acknowledged: Set<String> = ["first"]
    var random = SplitMix64(seed: 7)
    for round in 0..<24 {
      let message = "round \(round)"
      let command = Command(
        Executables.path("crdt-agent"),
        ["checkpoint", "create", "-m", message, "--state", sandbox.folder("state.json"), "--store", a.store],
        environment: sandbox.environment, folder: sandbox.folder.path)
      // The deadline kills with SIGKILL.
      let result = try command.run(deadline: .after(seconds: Double(random.next() % 90 + 1) / 1000))
      if result.termination == .exited(0) { acknowledged.insert(message) }
    }
    #expect(try a.checkpoint("create", "-m", "last").code == 0)
    let all = try a.checkpoints()
    let messages = Set(all.compactMap { $0["message"] as? String })
    #expect(messages.isSuperset(of: acknowledged.union(["last"])))
    #expect(all.compactMap { $0["sequence"] as? Int } == Array(1...all.count))
    #expect(try a.checkpoint("validate").output == "\(all.count) valid, 0 legacy, 0 invalid")
    try a.check()
  }

  @Test func aBusyStoreIsExit75AndNothingIsChanged() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("create", "-m", "first", "--host", "a").code == 0)
    try GitProgram.run(["config", "crdt.lockWait", "1s"], in: a.store)
    let before = try a.tip()
    for name in ["checkpoints.lock", "lock"] {
      let lock = try FileLock.acquire(a.store + "/.git/crdt/" + name, waitSeconds: 5)
      defer { extendLifetime(lock) }
      let outcome = try a.checkpoint("create", "-m", "second", "--json")
      #expect(outcome.code == 75 && outcome.errorLines.count == 1, "\(outcome)")
      #expect(try outcome.json()["exitCode"] as? Int == 75)
      // Reading waits for nobody.
      #expect(try a.checkpoints().count == 1)
    }
    #expect(try a.tip() == before)
    #expect(try a.checkpoint("create", "-m", "second").code == 0)
  }

  @Test func backupsAndCheckpointsAtOnceLoseNothing() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    for host in [a, b] {
      host.remember("x-\(host.name)", "of \(host.name)")
      #expect(try host.setUp().code == 0)
    }
    onThreads(4) { index in
      let host = index % 2 == 0 ? a : b
      for round in 0..<4 {
        let outcome =
          index < 2 ? try? host.checkpoint("create", "-m", "\(host.name)\(round)") : try? host.backup()
        #expect(outcome?.code == 0, "\(String(describing: outcome))")
      }
    }
    for host in [a, b, a] { #expect(try host.backup().code == 0) }
    let (here, there) = (try a.checkpoints(), try b.checkpoints())
    #expect(NSArray(array: here) == NSArray(array: there))
    let names = here.compactMap { $0["message"] as? String }.sorted()
    #expect(names == ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"])
    for host in ["a", "b"] {
      let numbers = here.filter { $0["host"] as? String == host }.compactMap { $0["sequence"] as? Int }
      #expect(numbers == numbers.sorted() && Set(numbers).count == 4)
    }
  }
}
