import Foundation
import Processes
import TestKit
import Testing

/// The same memory on every machine: write-back with real stores and a real remote.
@Suite struct SceneWriteBackTests {
  /// Hosts that hold the same entries, with nothing left to do.
  private func settled(_ sandbox: Sandbox, _ names: String...) throws -> [SceneHost] {
    let hosts = names.map { sandbox.host($0) }
    hosts[0].remember([("x", "1"), ("y", "1"), ("z", "1")])
    for host in hosts { #expect(try host.setUp("--write-back").code == 0) }
    return hosts
  }

  private func memory(_ host: SceneHost) throws -> [String: String] {
    try contents(of: Data(contentsOf: URL(fileURLWithPath: host.memory)))
  }

  private func status(_ path: String) throws -> stat {
    var status = stat()
    try #require(lstat(path, &status) == 0)
    return status
  }

  @Test func editsAdditionsAndDeletionsMadeOnOneMachineAppearOnAll() throws {
    let sandbox = try Sandbox()
    let hosts = try settled(sandbox, "a", "b", "c")
    let (a, b, c) = (hosts[0], hosts[1], hosts[2])
    #expect(try GitProgram.run(["config", "crdt.writeBack"], in: a.store) == "true")
    for host in hosts { #expect(try memory(host) == ["x": "1", "y": "1", "z": "1"]) }

    a.remember([("x", "2"), ("z", "1")])
    b.remember([("x", "1"), ("y", "1"), ("z", "1"), ("w", "new")])
    let outcome = try a.backup("--json")
    let ingest = try #require(try outcome.json()["ingest"] as? [String: Any])
    #expect(ingest["deleted"] as? Int == 1 && ingest["changed"] as? Int == 1, "\(outcome)")
    let there = try b.backup("--json")
    let back = try #require(try there.json()["writeBack"] as? [String: Any])
    #expect(
      back["written"] as? Bool == true && back["removed"] as? Int == 1 && back["changed"] as? Int == 1, "\(there)")
    let text = try c.backup()
    #expect(text.output.contains("Written back to \(c.memory): 1 added, 1 changed, 1 removed"), "\(text)")
    #expect(try a.backup().code == 0)
    for host in hosts { #expect(try memory(host) == ["x": "2", "z": "1", "w": "new"]) }

    // A second run changes nothing, anywhere.
    let tip = try sandbox.remoteTip()
    let before = try hosts.map { try status($0.memory) }
    for (host, old) in zip(hosts, before) {
      let outcome = try host.backup()
      #expect(outcome.code == 0 && !outcome.output.contains("Written back"), "\(outcome)")
      let new = try status(host.memory)
      #expect(new.st_ino == old.st_ino && new.st_mtim.tv_nsec == old.st_mtim.tv_nsec)
    }
    #expect(try sandbox.remoteTip() == tip)
    #expect(try c.history("y") == ["1"])
  }

  @Test func bothAtOnceKeepTheLaterAndListTheOther() throws {
    let sandbox = try Sandbox()
    let hosts = try settled(sandbox, "a", "b")
    let (a, b) = (hosts[0], hosts[1])
    a.remember([("x", "of a"), ("y", "1")])
    b.remember([("x", "of b"), ("y", "1"), ("z", "edited")])
    #expect(try a.backup("--offline").code == 75)
    #expect(try b.backup("--offline").code == 75)
    for host in [a, b, a, b] { #expect(try host.backup().code == 0) }
    for host in hosts { #expect(try memory(host) == ["x": "of b", "y": "1", "z": "edited"]) }
    #expect(try a.history("x") == ["1", "of a", "of b"])
  }

  @Test func modeAndSymbolicLinkAreKept() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember("x", "1")
    #expect(try a.setUp("--write-back").code == 0)
    sandbox.folder.write("real.json", "[]\n", mode: 0o640)
    try FileManager.default.createSymbolicLink(atPath: b.memory, withDestinationPath: "real.json")
    #expect(try b.setUp("--write-back").code == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: b.memory) == "real.json")
    #expect(try status(sandbox.folder("real.json")).st_mode & 0o777 == 0o640)
    #expect(try memory(b) == ["x": "1"])
    // A link that leads nowhere yet is the user's choice of place.
    let c = sandbox.host("c")
    try FileManager.default.createSymbolicLink(atPath: c.memory, withDestinationPath: "later/memory.json")
    #expect(try c.setUp("--write-back").code == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: c.memory) == "later/memory.json")
    #expect(try memory(c) == ["x": "1"])
    #expect(try status(sandbox.folder("later/memory.json")).st_mode & 0o777 == 0o600)
    let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.folder.path)
    #expect(names.filter { $0.hasPrefix(".") } == [])
  }

  @Test func aFileThatCannotBeWrittenSaysSoAndTheBackupIsDone() throws {
    guard getuid() != 0 else { return }
    let sandbox = try Sandbox()
    let hosts = try settled(sandbox, "a", "b")
    let (a, b) = (hosts[0], hosts[1])
    a.remember([("x", "2"), ("y", "1"), ("z", "1")])
    #expect(try a.backup().code == 0)
    let place = sandbox.folder("closed")
    try sandbox.makeFolder(place)
    try FileManager.default.moveItem(atPath: b.memory, toPath: place + "/m.json")
    try FileManager.default.createSymbolicLink(atPath: b.memory, withDestinationPath: "closed/m.json")
    chmod(place, 0o500)
    defer { chmod(place, 0o700) }
    let outcome = try b.backup()
    #expect(outcome.code == 77 && outcome.output.contains("Verified on"), "\(outcome)")
    chmod(place, 0o700)
    #expect(try b.backup().code == 0)
    #expect(try memory(b)["x"] == "2")
  }

  @Test func aNewMachineGetsItsFileAndAMissingOneLaterIsRefused() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember("x", "1")
    #expect(try a.setUp().code == 0)
    // One-way there is nothing to back up.
    #expect(try b.setUp().code == 66)
    #expect(!FileManager.default.fileExists(atPath: b.store))
    let dry = try b.setUp("--write-back", "--dry-run")
    #expect(dry.code == 0 && !FileManager.default.fileExists(atPath: b.store), "\(dry)")
    #expect(try b.setUp("--write-back").code == 0)
    #expect(try memory(b) == ["x": "1"])
    try FileManager.default.removeItem(atPath: b.memory)
    #expect(try b.backup().code == 66)
    #expect(try b.backup("--no-write-back").code == 66)
    b.remember([])
    let outcome = try b.backup()
    #expect(outcome.code == 0 && outcome.output.contains("1 no longer in the memory file, kept"), "\(outcome)")
    let again = try b.backup("--write-back")
    #expect(again.output.contains("kept then, so back now"), "\(again)")
    #expect(try memory(b) == ["x": "1"])
    #expect(try b.backup("--write-back", "--no-write-back").code == 64)
  }

  @Test func aMassDeletionIsRefusedWithTheWayOut() throws {
    let sandbox = try Sandbox()
    let a = sandbox.host("a")
    a.remember((10..<30).map { ("n\($0)", "v") })
    #expect(try a.setUp("--write-back").code == 0)
    let tip = try sandbox.remoteTip()
    a.remember("n10", "v")
    let before = try Data(contentsOf: URL(fileURLWithPath: a.memory))
    let outcome = try a.backup()
    #expect(outcome.code == 65 && outcome.output == "" && outcome.errorLines.count == 1, "\(outcome)")
    #expect(outcome.errorOutput.contains("19 of 20") && outcome.errorOutput.contains("n11, n12"), "\(outcome)")
    #expect(outcome.errorOutput.contains("--allow-mass-deletion"))
    #expect(try sandbox.remoteTip() == tip)
    #expect(try Data(contentsOf: URL(fileURLWithPath: a.memory)) == before)
    let allowed = try a.backup("--allow-mass-deletion")
    #expect(allowed.code == 0 && allowed.output.contains("19 deleted"), "\(allowed)")
    #expect(try a.view() == ["n10": "v"])
  }

  @Test func killedAtAnyMomentItNeitherLosesNorBringsBack() throws {
    let sandbox = try Sandbox()
    let hosts = try settled(sandbox, "a", "b")
    let (a, b) = (hosts[0], hosts[1])
    let start = ContinuousClock.now
    #expect(try a.backup().code == 0)
    let usual = max(20, Int((ContinuousClock.now - start) / .milliseconds(1)))
    let rounds = 12
    for round in 1...rounds {
      // Each round b edits one entry, deletes one and adds one.
      b.remember([("x", "round \(round)"), ("n\(round)", "new")])
      #expect(try b.backup().code == 0)
      let process = try sandbox.command(["--store", a.store]).spawnDetached()
      usleep(useconds_t(usual * 1_500 * round / rounds))
      kill(process, SIGKILL)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      #expect(try a.backup().code == 0)
      #expect(try memory(a) == ["x": "round \(round)", "n\(round)": "new"])
    }
    #expect(try b.backup().code == 0)
    #expect(try memory(b) == ["x": "round \(rounds)", "n\(rounds)": "new"])
    // Everything was stamped by the host that meant it.
    let log = try #require(try b.run("log", "x", "--json").json()["versions"] as? [[String: Any]])
    #expect(log.filter { $0["host"] as? String == "a" }.count == 1)
    #expect(try sandbox.shell("ls -a | grep crdt-backup").output == "")
  }
}
