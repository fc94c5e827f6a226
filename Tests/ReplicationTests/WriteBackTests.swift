import CRDT
import Git
import Memory
import Replication
import Synchronization
import TestKit
import Testing

/// The same memory on every host, over simulated stores.
@Suite struct WriteBackTests {
  /// Two hosts that hold the same entries, with nothing left to do.
  private func pair(_ entries: [String: String] = ["x": "1", "y": "1", "z": "1"]) throws -> (TwoWayHost, TwoWayHost) {
    let server = SimulatedServer()
    let (a, b) = (try TwoWayHost("a", server, seed: 1), try TwoWayHost("b", server, seed: 2))
    a.remember(entries)
    try a.run()
    try b.run()
    try settle([a, b])
    #expect(try b.memory == entries)
    return (a, b)
  }

  @Test func anEditAnAdditionAndADeletionAppearOnTheOtherHost() throws {
    let (a, b) = try pair()
    try a.edit {
      $0["x"] = "2"
      $0["y"] = nil
      $0["w"] = "new"
    }
    let report = try a.run()
    #expect(report.ingest?.added == 1 && report.ingest?.changed == 1 && report.ingest?.deleted == 1)
    #expect(report.unnamed?.writeBack?.isWritten == false)
    let there = try b.run()
    let back = try #require(there.unnamed?.writeBack)
    #expect((back.added, back.changed, back.removed) == (1, 1, 1))
    #expect(try b.memory == ["x": "2", "z": "1", "w": "new"])
    #expect(b.text?.contains("_crdt_metadata") == false)
    try settle([a, b])
  }

  @Test func bothAtOnceEndAsAPersonWouldExpect() throws {
    let (a, b) = try pair()
    // a deletes x while b edits it; both edit y; b deletes z, which a left alone.
    try a.edit {
      $0["x"] = nil
      $0["y"] = "from a"
    }
    try b.edit {
      $0["x"] = "edited"
      $0["y"] = "from b"
      $0["z"] = nil
    }
    try a.run()
    b.store.now = b.store.now.advanced(bySeconds: 100)
    try b.run()
    try settle([a, b])
    #expect(try a.memory == ["x": "edited", "y": "from b"])
    let conflicts = try a.store.open().conflicts()
    #expect(conflicts.map(\.id) == ["y"])
  }

  @Test func aDeletionWithTheLaterStampDoesNotTakeAnEditItHadNotSeen() throws {
    let (a, b) = try pair()
    try b.edit { $0["x"] = "edited" }
    try b.run(offline: true)
    a.store.now = a.store.now.advanced(bySeconds: 1000)
    try a.edit { $0["x"] = nil }
    try a.run()
    #expect(try a.memory["x"] == nil)
    b.store.now = a.store.now
    try b.run()
    try settle([a, b])
    #expect(try a.memory["x"] == "edited")
    // Deleted by one who has seen it, it is gone.
    try a.edit { $0["x"] = nil }
    try a.run()
    try settle([a, b])
    #expect(try b.memory["x"] == nil)
    // Added again, it lives, on every host.
    try b.edit { $0["x"] = "again" }
    try b.run()
    try settle([a, b])
    #expect(try a.memory["x"] == "again")
  }

  @Test(arguments: [nil, "3"])
  func whatSomebodyWhoSawItReplacedOrDeletedIsNotWrittenAgain(_ value: String?) throws {
    let (a, b) = try pair()
    let c = try TwoWayHost("c", a.store.server, seed: 3)
    try c.run()
    try settle([a, b, c])
    try a.edit { $0["x"] = "2" }
    try a.run()
    try c.run()
    try c.edit { $0["x"] = value }
    try c.run()
    // Somebody who had seen neither deletes it later.
    b.store.now = b.store.now.advanced(bySeconds: 1000)
    try b.edit { $0["x"] = nil }
    try b.run()
    try settle([a, c, b])
    #expect(try b.memory["x"] == value)
    #expect(try a.store.open().conflicts().isEmpty)
  }

  @Test func anEntityThatWasCollectedIsStillInTheLog() throws {
    let a = try TwoWayHost("a", SimulatedServer(), seed: 1, format: .graph)
    let (whole, removed) = ("person", "(removed)")
    func text(_ type: String) -> String {
      #"{"type":"entity","name":"n","entityType":"\#(type)","observations":["o"]}"# + "\n"
    }
    a.text = text(whole)
    try a.run()
    a.text = text(removed)
    #expect(try a.run().ingest?.deleted == 1)
    let store = try a.store.open()
    #expect(try store.collect(BackupOptions(defaultHost: store.settings.host!)).ids == ["entity:n"])
    for name: ByteString in ["entity:n", "n"] {
      #expect(try a.store.open().log(name).contains { $0.id == "entity:n" && $0.entry.isLive }, "\(name)")
    }
  }

  @Test func aHostThatWasAwayForMonthsBringsNothingBack() throws {
    let (a, b) = try pair()
    try b.edit {
      $0["y"] = nil
      $0["x"] = "2"
    }
    try b.run()
    try settle([b])
    a.store.now = a.store.now.advanced(bySeconds: 200 * 86_400)
    let report = try a.run()
    #expect(report.ingest?.added == 0 && report.ingest?.changed == 0)
    #expect(try a.memory == ["x": "2", "z": "1"])
    // Nor does one that lost its private state meanwhile.
    try b.edit { $0["z"] = nil }
    try b.run()
    a.store.deletePrivateState()
    try a.run()
    try settle([a, b])
    #expect(try b.memory == ["x": "2"])
  }

  @Test func aNewMachineGetsItsFileInTheFormItsPeersUse() throws {
    let server = SimulatedServer()
    let (a, b) = (try TwoWayHost("a", server, seed: 1), try TwoWayHost("b", server, seed: 2))
    a.text = #"{"id":"x","content":"1"}"# + "\n" + #"{"id":"y","content":"1"}"# + "\n"
    try a.run()
    try b.run()
    #expect(b.text == a.text)
    // Empty is as good as missing where this host never knew better.
    let c = try TwoWayHost("c", server, seed: 3)
    c.text = "\n"
    try c.run()
    #expect(c.text == a.text)
    // And a format can be named.
    let d = try TwoWayHost("d", server, seed: 4)
    try d.store.repository.setSetting("crdt.format", to: "json")
    try d.run()
    #expect(d.text?.hasPrefix("[") == true)
    try settle([a, b, c, d])
    // From then on, missing and empty are refused, and mean nothing.
    for text in [nil, "", "\n"] {
      b.text = text
      let error = #expect(throws: ReplicationError.self) { try b.run() }
      #expect(error?.exitCode == (text == nil ? 66 : 65))
    }
    #expect(try a.run().commit == server.refs["refs/heads/main"])
    #expect(try a.memory == ["x": "1", "y": "1"])
  }

  @Test func aFileOfLinesMayBecomeEmptyAndFillAgain() throws {
    let server = SimulatedServer()
    let (a, b) = (try TwoWayHost("a", server, seed: 1), try TwoWayHost("b", server, seed: 2))
    a.text = #"{"id":"x","content":"1"}"# + "\n"
    b.text = "[]\n"
    try a.run()
    try b.run()
    #expect(try b.memory == ["x": "1"])
    b.text = "[]\n"
    try b.run()
    try a.run()
    #expect(a.text == "")
    try a.run()
    #expect(a.text == "")
    try b.edit { $0["y"] = "2" }
    try b.run()
    try a.run()
    #expect(a.text == #"{"id":"y","content":"2"}"# + "\n")
  }

  @Test func theLocalViewIsWrittenBackWithoutTheRemote() throws {
    let (a, b) = try pair()
    try b.edit { $0["x"] = "2" }
    try b.run()
    try a.run()
    _ = try a.store.open().forget("y", options: BackupOptions(defaultHost: a.store.open().settings.host!))
    #expect(try a.run(offline: true).exitCode == 75)
    #expect(try a.memory == ["x": "2", "z": "1"])
    a.store.server.order(
      .fail(GitError(.authentication, operation: "list", message: "no", isRetryable: false)), for: .list)
    a.store.server.order(
      .fail(GitError(.authentication, operation: "fetch", message: "no", isRetryable: false)), for: .fetch)
    _ = try a.store.open().forget("z", options: BackupOptions(defaultHost: a.store.open().settings.host!))
    #expect(try a.run().exitCode == 77)
    #expect(try a.memory == ["x": "2"])
  }

  @Test func whatAnotherProgramWritesMeanwhileIsTakenInFirst() throws {
    let (a, b) = try pair()
    try b.edit { $0["x"] = "2" }
    try b.run()
    let (files, path) = (a.store.files, a.path)
    let theirs = #"[{"id":"x","content":"1"},{"id":"y","content":"theirs"},{"id":"z","content":"1"}]"#
    files.beforeEachWrite { written in
      guard written.hasSuffix(".crdt-backup") else { return }
      files.beforeEachWrite(nil)
      files.put(path, Array(theirs.utf8))
    }
    let report = try a.run()
    let commit = try #require(report.commit)
    #expect(report.exitCode == 0 && report.outcome == .verified(commit))
    #expect(report.ingest?.changed == 1)
    #expect(try a.memory == ["x": "2", "y": "theirs", "z": "1"])
    try settle([a, b])
    #expect(try b.memory == ["x": "2", "y": "theirs", "z": "1"])
  }

  @Test func aFileThatIsRewrittenAllTheTimeIsNotOverwritten() throws {
    let (a, b) = try pair()
    try b.edit { $0["x"] = "2" }
    try b.run()
    let (files, path) = (a.store.files, a.path)
    let text = try #require(a.text)
    let rounds = Mutex(0)
    files.beforeEachWrite { written in
      guard written.hasSuffix(".crdt-backup") else { return }
      let round = rounds.withLock {
        $0 += 1
        return $0
      }
      files.put(path, Array((text + String(repeating: "\n", count: round)).utf8))
    }
    let report = try a.run()
    files.beforeEachWrite(nil)
    #expect(report.exitCode == 75 && report.outcome.isVerified)
    #expect(report.unnamed?.writeBackFailure?.message.contains("keeps changing") == true)
    #expect(a.text?.hasPrefix(text) == true)
    #expect(try a.memory == ["x": "1", "y": "1", "z": "1"])
    #expect(try files.list("/a").filter { $0.hasPrefix(".memory") } == [])
    #expect(try a.store.open().status().lastExitCode == 75)
    try settle([a, b])
    #expect(try a.memory["x"] == "2")
  }

  /// A memory of lines that its program writes again from its start, a line each time the store waits.
  @Test(arguments: [true, false])
  func aFileThatIsBeingWrittenLineByLineDeletesNothing(isFinished: Bool) throws {
    let lines = (0..<9).map { "{\"id\":\"n\($0)\",\"v\":\($0)}\n" }
    let server = SimulatedServer()
    let (a, b) = (try TwoWayHost("a", server, seed: 1), try TwoWayHost("b", server, seed: 2))
    a.text = lines.joined()
    try a.run()
    try b.run()
    let (files, path) = (a.store.files, a.path)
    let written = Mutex(4)
    files.setTime(a.store.now.advanced(bySeconds: 9))
    a.text = lines[..<4].joined()
    a.store.onSleep = {
      let count = written.withLock { count in
        if isFinished || count < 8 { count = min(9, count + 1) }
        return count
      }
      // One that never comes to its end is written again and again all the same.
      files.put(path, Array(lines[..<count].joined().utf8))
    }
    if isFinished {
      let report = try a.run()
      #expect(report.exitCode == 0 && report.ingest?.deleted == 0, "\(report)")
    } else {
      let error = #expect(throws: ReplicationError.self) { try a.run() }
      #expect(error?.code == .notOnRemote && error?.message.contains("keeps changing") == true)
    }
    a.store.onSleep = nil
    try b.run()
    #expect(try MemoryDocument.parse(Array(try #require(b.text).utf8), source: "m").items.count == 9)
  }

  @Test func aMassDeletionIsRefusedAndLeavesEverythingAsItWas() throws {
    let many = Dictionary(uniqueKeysWithValues: (10..<32).map { ("n\($0)", "v") })
    let (a, b) = try pair(many)
    a.text = "[]"
    let tip = a.store.server.refs["refs/heads/main"]
    let error = try #require(throws: ReplicationError.self) { try a.run() }
    #expect(error.exitCode == 65)
    #expect(error.message.contains("22 of 22") && error.message.contains("n10, n11"))
    #expect(error.remedy.contains("--allow-mass-deletion"))
    #expect(a.text == "[]" && a.store.server.refs["refs/heads/main"] == tip)
    #expect(try b.run().exitCode == 0)
    #expect(try b.memory == many)
    #expect(try a.run(allowsMassDeletion: true).ingest?.deleted == 22)
    try settle([a, b])
    #expect(try b.memory == [:])
  }

  @Test func oneWayOnlyGrowsAndTurningTwoWayOnDeletesNothing() throws {
    let server = SimulatedServer()
    let a = try TwoWayHost("a", server, seed: 1, isTwoWay: false)
    a.remember(["x": "1", "y": "1"])
    try a.run()
    a.remember(["x": "1"])
    #expect(try a.run().ingest?.vanished == 1)
    try a.turn(true)
    let report = try a.run()
    #expect(report.ingest?.deleted == 0)
    #expect(report.unnamed?.writeBack?.returned == 1)
    #expect(try a.memory == ["x": "1", "y": "1"])
    let again = try a.run()
    #expect(again.unnamed?.writeBack == WriteBackReport())
    try a.edit { $0["y"] = nil }
    #expect(try a.run().ingest?.deleted == 1)
    #expect(try a.memory == ["x": "1"])
  }

  @Test func whatIsHeldBackAndWhatIsDamagedStaysInTheFile() throws {
    let secret = "password=" + "hunter" + "2x"
    let server = SimulatedServer()
    let (a, b) = (try TwoWayHost("a", server, seed: 1), try TwoWayHost("b", server, seed: 2))
    a.text = #"{"id":"x","content":"1"}"# + "\n" + #"{"id":"y","content":"1"}"# + "\n"
    try a.run()
    try b.run()
    a.text =
      #"{"id":"x","content":"\#(secret)"}"# + "\n{torn\n" + #"{"id":"s","content":"\#(secret)"}"# + "\n"
      + #"{"id":"y","content":"1"}"# + "\n"
    #expect(try a.run().heldBack.count == 2)
    b.text = #"{"id":"x","content":"1"}"# + "\n" + #"{"id":"y","content":"2"}"# + "\n"
    try b.run()
    let report = try a.run()
    #expect(report.unnamed?.writeBack?.isWritten == true)
    let text = try #require(a.text)
    #expect(
      text.contains(#"{"id":"x","content":"\#(secret)"}"#) && text.contains(#"{"id":"s","content":"\#(secret)"}"#))
    #expect(text.contains("{torn\n") && text.contains(#"{"id":"y","content":"2"}"#))
    #expect(text.split(separator: "\n").count == 4)
    for _ in 0..<2 {
      #expect(try a.run().unnamed?.writeBack?.isWritten == false)
      #expect(a.text == text)
    }
    #expect(b.text?.contains("hunter") == false && b.text?.contains("torn") == false)
    // Mended, what was held back is an edit of what it was, and the other is new.
    a.text = text.replacing(secret, with: "in the vault").replacing("{torn\n", with: "")
    let mended = try a.run()
    #expect(mended.ingest?.changed == 1 && mended.ingest?.added == 1, "\(mended)")
    try settle([a, b])
    #expect(try b.memory == ["x": "in the vault", "s": "in the vault", "y": "2"])
    #expect(try a.store.open().conflicts().isEmpty)
  }
}
