import CRDT
import Durability
import Git
import Memory
import Replication
import TestKit
import Testing

/// Clocks that are wrong, with the wall clock in the test's hand: what is stamped, to the nanosecond.
@Suite struct ClockSceneTests {
  private static let day: Int64 = 86_400
  private let start = Instant(unixSeconds: 1_767_322_800)

  /// The `count`-th stamp that a clock hands out at that wall time.
  private func stamp(_ seconds: Int64 = 0, _ count: Int64) -> Instant {
    Instant(unixSeconds: start.advanced(bySeconds: seconds).seconds, nanoseconds: count)
  }

  /// Every stamp an id ever had in a store's history, oldest first.
  private func stamps(_ id: String, in store: SimulatedStore) throws -> [Stamp] {
    try store.open().log(ByteString(id)).map(\.entry.metadata.stamp).reversed()
  }

  private func of(_ host: String, _ instants: Instant...) -> [Stamp] {
    instants.map { Stamp(instant: $0, host: ByteString(host)) }
  }

  /// The view: id to content.
  private func view(_ store: SimulatedStore) throws -> [String: String] {
    let bytes = try store.open().restored(.now, id: nil, format: .jsonArray)
    var found: [String: String] = [:]
    for item in try MemoryDocument.parse(bytes, source: "view", format: .jsonArray).items {
      let text = String(decoding: item.content, as: UTF8.self)
      found[item.id.description] = text.split(separator: "\"").last { $0 != "}" }.map(String.init)
    }
    return found
  }

  /// Syncs until nothing moves; all stores then show the same bytes.
  private func converge(_ stores: SimulatedStore...) throws {
    for _ in 0..<2 { for store in stores { #expect(try store.backUp().outcome.isVerified) } }
    for store in stores { #expect(store.unified == stores[0].unified, "\(store.name) shows another merge") }
  }

  @Test func aClockSetBackBetweenBackupsRepeatsNoStampAndLosesNothing() throws {
    let server = SimulatedServer()
    let (a, b) = (try SimulatedStore("a", server: server, seed: 1), try SimulatedStore("b", server: server, seed: 2))
    a.memory = [("x", "one"), ("y", "same")]
    try a.backUp()
    #expect(try stamps("x", in: a) == of("a", stamp(0, 1)))
    #expect(try stamps("y", in: a) == of("a", stamp(0, 2)))

    a.now = start.advanced(bySeconds: -400 * Self.day)
    a.memory[0].value = "two"
    try a.backUp()
    a.memory[0].value = "three"
    try a.backUp()
    #expect(try stamps("x", in: a) == of("a", stamp(0, 1), stamp(0, 3), stamp(0, 4)))
    // A restart that has lost the clock's mark goes on from the commits.
    a.deletePrivateState()
    a.memory[0].value = "four"
    try a.backUp()
    #expect(try stamps("x", in: a).last == Stamp(instant: stamp(0, 5), host: "a"))

    // Another host edits at the right time; the one in the past edits after it, having seen it.
    b.now = start.advanced(bySeconds: 60)
    b.memory = [("x", "four")]
    try b.backUp()
    b.memory = [("x", "of b")]
    try b.backUp()
    try a.backUp()
    #expect(try view(a) == ["x": "of b", "y": "same"])
    a.memory[0].value = "of b"
    try a.backUp()
    a.memory[0].value = "last of a"
    a.memory.append(("z", "new"))
    try a.backUp()
    #expect(
      try stamps("x", in: a) == of("a", stamp(0, 1), stamp(0, 3), stamp(0, 4), stamp(0, 5)) + of("b", stamp(60, 1))
        + of("a", stamp(60, 2)))
    // Only that entry went above: the rest keeps to the mark.
    #expect(try stamps("z", in: a) == of("a", stamp(0, 6)))
    try converge(a, b)
    for store in [a, b] {
      #expect(try view(store) == ["x": "last of a", "y": "same", "z": "new"])
      let values = try store.open().log("x").map { String(decoding: $0.entry.content, as: UTF8.self) }
      for value in ["one", "two", "three", "four", "of b", "last of a"] {
        #expect(values.contains { $0.contains(#""\#(value)""#) }, "\(value) is lost")
      }
    }
    #expect(try a.open().conflicts().isEmpty)
    // The clock is right again: so are the stamps.
    a.now = start.advanced(bySeconds: 120)
    a.memory[1].value = "later"
    try a.backUp()
    #expect(try stamps("y", in: a).last == Stamp(instant: stamp(120, 1), host: "a"))
  }

  @Test func aPeerFarAheadIsKeptAndNamedAndOurClockDoesNotFollow() throws {
    let ahead = 3_000 * Self.day
    let server = SimulatedServer()
    let (a, b, far) = (
      try SimulatedStore("a", server: server, seed: 1), try SimulatedStore("b", server: server, seed: 2),
      try SimulatedStore("far", server: server, seed: 3)
    )
    a.memory = [("own", "one")]
    try a.backUp()
    far.now = start.advanced(bySeconds: ahead)
    far.memory = [("x", "from the future"), ("y", "too")]
    try far.backUp()
    try a.backUp()
    #expect(try view(a) == ["own": "one", "x": "from the future", "y": "too"])
    #expect(try stamps("x", in: a) == of("far", stamp(ahead, 1)))

    a.now = start.advanced(bySeconds: 60)
    a.memory = [("own", "two"), ("x", "from the future")]
    try a.backUp()
    #expect(try stamps("own", in: a) == of("a", stamp(0, 1), stamp(60, 1)))
    a.memory = [("own", "three"), ("x", "edited here")]
    a.now = start.advanced(bySeconds: 120)
    try a.backUp()
    #expect(try stamps("x", in: a) == of("far", stamp(ahead, 1)) + of("a", stamp(ahead, 2)))
    #expect(try stamps("own", in: a).last == Stamp(instant: stamp(120, 1), host: "a"))
    a.memory.append(("later", "ordinary"))
    try a.backUp()
    #expect(try stamps("later", in: a) == of("a", stamp(120, 2)))
    try converge(a, b, far)
    for store in [a, b, far] {
      #expect(try view(store) == ["own": "three", "x": "edited here", "y": "too", "later": "ordinary"])
      #expect(try store.open().conflicts().isEmpty)
    }
    let drift = try a.open().status().drift
    #expect(Set(drift.filter { $0.host == "far" }.map(\.id)) == ["x", "y"])
    #expect(drift.first { $0.id == "y" }?.secondsAhead == ahead - 120)
    let findings = try a.open().examine(fixing: false)
    #expect(findings.contains { $0.message.contains("far stamped y \(ahead - 120) s ahead") }, "\(findings)")
    // The record that others end tombstones by says what a has really written in time.
    b.now = start.advanced(bySeconds: 180)
    b.memory = [("b", "ordinary")]
    try b.backUp()
    #expect(try stamps("b", in: b) == of("b", stamp(180, 1)))
  }

  @Test func aClockThatJumpsForwardForOneRunAndComesBackStaysInOrder() throws {
    let ahead = 3_653 * Self.day
    let server = SimulatedServer()
    let (a, b) = (try SimulatedStore("a", server: server, seed: 1), try SimulatedStore("b", server: server, seed: 2))
    a.memory = [("x", "one"), ("y", "one")]
    try a.backUp()
    a.now = start.advanced(bySeconds: ahead)
    a.memory[0].value = "of the jump"
    try a.backUp()
    a.now = start.advanced(bySeconds: 60)
    a.memory[0].value = "after it"
    try a.backUp()
    a.memory[1].value = "two"
    try a.backUp()
    #expect(try stamps("x", in: a) == of("a", stamp(0, 1), stamp(ahead, 1), stamp(ahead, 2)))
    #expect(try stamps("y", in: a) == of("a", stamp(0, 2), stamp(ahead, 3)))
    let findings = try a.open().examine(fixing: false)
    #expect(findings.contains { $0.message.contains("is behind what it has written already") }, "\(findings)")

    b.now = start.advanced(bySeconds: 120)
    b.memory = [("x", "after it"), ("z", "of b")]
    try b.backUp()
    #expect(try stamps("z", in: b) == of("b", stamp(120, 1)))
    b.memory[0].value = "edited by b"
    try b.backUp()
    #expect(try stamps("x", in: b).last == Stamp(instant: stamp(ahead, 3), host: "b"))
    b.memory[1].value = "of b again"
    try b.backUp()
    #expect(try stamps("z", in: b).last == Stamp(instant: stamp(120, 2), host: "b"))
    try converge(a, b)
    for store in [a, b] { #expect(try view(store) == ["x": "edited by b", "y": "two", "z": "of b again"]) }
    // Without its private state the clock goes on from the mark in its record: still in order.
    a.deletePrivateState()
    a.memory[1].value = "three"
    try a.backUp()
    let all = try stamps("y", in: a)
    #expect(
      all.last == Stamp(instant: stamp(ahead, 5), host: "a") || all.last == Stamp(instant: stamp(ahead, 4), host: "a"))
    #expect(Set(all).count == all.count && all == all.sorted())
  }

  /// A mark at the end of time, where every stamp would be the same.
  @Test(arguments: ["record", "private state"])
  func aMarkAtTheEndOfTimeIsDamageAndNothingIsLostToIt(place: String) throws {
    let store = try SimulatedStore("a", server: SimulatedServer(), seed: 1)
    try store.repository.setSetting("crdt.writeBack", to: "true")
    func run(_ memory: [(id: String, value: String)]) throws {
      store.memory = memory
      store.now = store.now.advanced(bySeconds: 10)
      #expect(try store.backUp().outcome.isVerified)
    }
    try run([("x", "1")])
    if place == "record" {
      let repository = store.repository
      let tip = try #require(try repository.reference("refs/heads/main"))
      var root = try repository.readTree(try repository.readCommit(tip).tree)
      let hosts = try #require(root.firstIndex { $0.name == "hosts" })
      var record = try repository.readTree(root[hosts].id)
      let text = String(decoding: try repository.readBlob(record[0].id), as: UTF8.self)
      let marked = text.replacing(/"seen":\{"a":"[^"]*"/, with: #""seen":{"a":"\#(Instant.latest)""#)
      #expect(marked != text)
      record[0] = TreeEntry(name: record[0].name, mode: .file, id: try repository.writeBlob(Array(marked.utf8)))
      root[hosts] = TreeEntry(name: "hosts", mode: .folder, id: try repository.writeTree(record))
      let commit = try repository.writeCommit(
        tree: try repository.writeTree(root), parents: [tip],
        signature: Signature(name: "n", email: "e", timeSeconds: 0), message: "x")
      try repository.updateReference("refs/heads/main", to: commit, expecting: tip, message: "m")
      store.deletePrivateState()
    } else {
      let state = SealedRecord(
        kind: "clock", version: 1, payload: Array(#"{"highWater":"\#(Instant.latest)"}"#.utf8))
      store.files.put("/a/.git/crdt/clock", state.sealed)
    }
    try run([("x", "1"), ("n", "first")])
    try run([("x", "1")])
    try run([("x", "1"), ("n", "PRECIOUS")])
    #expect(try view(store) == ["x": "1", "n": "PRECIOUS"])
    #expect(try stamps("n", in: store).allSatisfy { $0.instant < Instant(unixSeconds: 1_800_000_000) })
  }

  @Test func anEditOfWhatAPeerStampedAtTheEndOfTimeIsKeptAsAConflict() throws {
    let server = SimulatedServer()
    let (a, b) = (try SimulatedStore("a", server: server, seed: 1), try SimulatedStore("b", server: server, seed: 2))
    a.memory = [("x", "1")]
    b.memory = [("x", "1")]
    try a.backUp()
    try b.backUp()
    let entry = try #require(try a.open().log("x").first?.entry)
    let late = #"""
      [
      {"id":"x","content":"late","_crdt_metadata":{"host":"zzz","timestamp":"\#(Instant.latest)","version":2,"unique_id":"\#(entry.metadata.uniqueID)","seen":{"a":"\#(entry.metadata.stamp.instant.written)"}}}
      ]

      """#
    let repository = b.repository
    let tip = try #require(try repository.reference("refs/heads/main"))
    var root = try repository.readTree(try repository.readCommit(tip).tree)
    root.append(TreeEntry(name: "memory-zzz.json", mode: .file, id: try repository.writeBlob(Array(late.utf8))))
    let commit = try repository.writeCommit(
      tree: try repository.writeTree(root), parents: [tip],
      signature: Signature(name: "n", email: "e", timeSeconds: 0), message: "x")
    #expect(
      try repository.remote(url: "simulated").push(commit, branch: "main", deadline: .after(seconds: 60)) == .accepted)
    try a.backUp()
    a.memory = [("x", "mine")]
    #expect(try a.backUp().outcome.isVerified)
    let contents = try a.open().log("x").map { String(decoding: $0.entry.content, as: UTF8.self) }
    #expect(contents.contains { $0.contains("mine") } && contents.contains { $0.contains("late") })
    #expect(try a.open().conflicts().map(\.id) == ["x"])
    let before = try a.open().tip()
    try a.backUp()
    #expect(try a.open().tip() == before)
  }
}
