import CRDT
import Memory
import Replication
import TestKit
import Testing

/// Death at every write of a run that writes back.
@Suite struct WriteBackCrashTests {
  /// What the user does between the death and the next run.
  enum Meanwhile: CaseIterable {
    case nothing, deletes, edits, adds
  }

  @Test(arguments: Meanwhile.allCases)
  func deathLosesNothingBringsNothingBackAndStampsNothing(_ meanwhile: Meanwhile) throws {
    var writes = 0
    var sawTheNewFile = false
    var isAlive = false
    while !isAlive {
      let server = SimulatedServer()
      let (a, b) = (try TwoWayHost("a", server, seed: 1), try TwoWayHost("b", server, seed: 2))
      let old = Dictionary(uniqueKeysWithValues: (10..<20).map { ("n\($0)", "v") })
      a.remember(["x": "1", "z": "1"].merging(old) { first, _ in first })
      try a.run()
      try b.run()
      try a.run()
      // An edit, an addition, and more deletions than the guard would let a user do.
      b.remember(["x": "2", "z": "1", "w": "new"])
      try b.run(allowsMassDeletion: true)
      let unified = b.unified

      a.store.files.failWrites(after: writes)
      let report = try? a.run()
      a.store.files.failWrites(after: nil)
      isAlive = report?.exitCode == 0
      let shown = try a.memory
      let isNew = shown["w"] != nil
      if isNew, !isAlive { sawTheNewFile = true }
      #expect(shown == (isNew ? ["x": "2", "z": "1", "w": "new"] : old.merging(["x": "1", "z": "1"]) { $1 }))

      var expected = ["x": "2", "z": "1", "w": "new"]
      switch meanwhile {
      case .nothing: break
      case .deletes:
        try a.edit {
          $0["z"] = nil
          $0["w"] = nil
        }
        expected["z"] = nil
        if isNew { expected["w"] = nil }
      case .edits:
        try a.edit { $0["x"] = "mine" }
        expected["x"] = "mine"
      case .adds:
        try a.edit { $0["v"] = "added" }
        expected["v"] = "added"
      }
      let next = try a.run()
      #expect(next.exitCode == 0)
      #expect(next.ingest?.deleted == (meanwhile == .deletes ? (isNew ? 2 : 1) : 0), "after \(writes) writes")
      #expect(next.ingest?.changed == (meanwhile == .edits ? 1 : 0), "after \(writes) writes")
      #expect(next.ingest?.added == (meanwhile == .adds ? 1 : 0), "after \(writes) writes")
      try settle([a, b])
      #expect(try a.memory == expected, "after \(writes) writes")
      if meanwhile == .nothing { #expect(a.unified == unified, "after \(writes) writes: something was stamped") }
      if meanwhile == .edits {
        // An edit of what the file showed replaces it; one of the old value is concurrent to the new.
        #expect(try a.store.open().conflicts().count == (isNew ? 0 : 1), "after \(writes) writes")
      }
      let names = try a.store.files.list("/a").filter { $0.hasPrefix(".memory") }
      #expect(names == [], "after \(writes) writes")
      writes += 1
    }
    #expect(sawTheNewFile && writes > 5)
  }

  @Test func aDeletionBehindADeathIsOneThoughTheCommitWasRebuilt() throws {
    var writes = 0
    var isAlive = false
    while !isAlive {
      let server = SimulatedServer()
      let (a, b) = (try TwoWayHost("a", server, seed: 1), try TwoWayHost("b", server, seed: 2))
      a.remember(["x": "1", "y": "1"])
      try a.run(offline: true)
      b.remember(["z": "1"])
      try b.run()
      a.store.files.failWrites(after: writes)
      isAlive = (try? a.run())?.exitCode == 0
      a.store.files.failWrites(after: nil)
      try a.edit { $0["y"] = nil }
      #expect(try a.run().ingest?.deleted == 1, "after \(writes) writes")
      try settle([a, b])
      #expect(try b.memory == ["x": "1", "z": "1"], "after \(writes) writes")
      writes += 1
    }
  }

  @Test func anotherMemoryFileAfterADeathIsNotTakenForTheOldOneWithoutItsLines() throws {
    var writes = 0
    var isAlive = false
    while !isAlive {
      let a = try TwoWayHost("a", SimulatedServer(), seed: 1)
      let old = Dictionary(uniqueKeysWithValues: (0..<6).map { ("n\($0)", "v") })
      a.remember(old)
      try a.run()
      try a.edit { $0["late"] = "v" }
      a.store.files.failWrites(after: writes)
      isAlive = (try? a.run())?.exitCode == 0
      a.store.files.failWrites(after: nil)

      // Another file, in which all but four of the lines are missing: fewer than the guard of mass deletions asks about.
      let path = "/a/other.json"
      a.store.files.put(
        path, Array(#"[{"id":"n0","content":"v"},{"id":"n1","content":"v"},{"id":"own","content":"v"}]"#.utf8))
      var request = StoreRequest(folder: "/a")
      request.memory = path
      try a.store.open().take(request)
      let report = try a.run()
      #expect(report.exitCode == 0, "after \(writes) writes")
      #expect(report.ingest?.deleted == 0, "after \(writes) writes")
      let live = try MemoryDocument.parse(try #require(a.store.files.get(path)), source: path).items.map(\.id)
      #expect(Set(live).isSuperset(of: (0..<6).map { ByteString("n\($0)") } + ["own"]), "after \(writes) writes")
      writes += 1
    }
    #expect(writes > 5)
  }

  @Test func afterADeathAmongNotesWhatItsUserDeletesAndEditsIsTaken() throws {
    var writes = 0
    var tried = 0
    var isAlive = false
    let names = (0..<5).map { "folder \($0 % 2)/n\($0).md" }
    while !isAlive {
      let server = SimulatedServer()
      let a = try TwoWayHost("a", server, seed: 1, format: .markdown)
      let b = try TwoWayHost("b", server, seed: 2, format: .markdown)
      b.store.files.put(b.path + "/own.md", Array("own".utf8))
      try b.run()
      for name in names { a.store.files.put(a.path + "/" + name, Array("text of \(name)".utf8)) }
      try a.run()

      b.store.files.failWrites(after: writes)
      isAlive = (try? b.run())?.exitCode == 0
      b.store.files.failWrites(after: nil)
      let there = names.filter { b.store.files.get(b.path + "/" + $0) != nil }
      if there.count >= 2, !isAlive {
        tried += 1
        try b.store.files.remove(b.path + "/" + there[0])
        b.store.files.put(b.path + "/" + there[1], Array("edited".utf8))
      }
      #expect(try b.run().exitCode == 0, "after \(writes) writes")
      try a.run()
      try b.run()
      for host in [a, b] {
        let notes = host.store.files.all(below: host.path).mapValues { String(decoding: $0, as: UTF8.self) }
        var expected = Dictionary(uniqueKeysWithValues: names.map { ($0, "text of \($0)") })
        expected["own.md"] = "own"
        if there.count >= 2, !isAlive {
          expected[there[0]] = nil
          expected[there[1]] = "edited"
        }
        #expect(notes == expected, "\(host.store.name) after \(writes) writes")
      }
      #expect(try b.store.open().conflicts().isEmpty, "after \(writes) writes")
      writes += 1
    }
    #expect(tried >= 3)
  }
}
