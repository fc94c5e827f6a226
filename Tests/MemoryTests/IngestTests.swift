import CRDT
import Memory
import TestKit
import Testing

/// One-way ingest: what is stamped, what is not, and with which metadata.
struct IngestTests {
  private func shown(_ hosts: SimulatedHost...) throws -> [String] {
    try SimulatedHost.view(hosts).map { String(decoding: $0.content, as: UTF8.self) }
  }

  @Test func newItemsGetUniqueIDsInTheOrderOfTheFile() throws {
    var host = SimulatedHost("a")
    let result = try host.ingest(#"[{"id":"z","v":1},{"id":"m"},{"v":1}]"#)
    #expect(result.added.count == 3)
    #expect(result.added[..<2] == ["z", "m"])
    for entry in result.entries {
      #expect(entry.metadata.version == 1)
      #expect(entry.metadata.seen.isEmpty)
      let parts = UniqueID(entry.metadata.uniqueID)
      #expect(parts?.host.text == "a")
      #expect(parts?.created == entry.metadata.stamp.instant)
    }
    let instants = result.entries.map(\.metadata.stamp.instant)
    #expect(zip(instants, instants.dropFirst()).allSatisfy { $0 < $1 })
    #expect(instants[0] > Instant(unixSeconds: 1_000))
    #expect(result.entries.map(\.id)[..<2] == ["z", "m"])
    #expect(host.asked.isEmpty)
  }

  @Test func unchangedItemsAreNeverStamped() throws {
    var host = SimulatedHost("a")
    try host.ingest(#"[{"id":"x","v":1},{"id":"y"}]"#)
    let before = host.base
    let again = try host.ingest("{\"id\":\"y\"}\n{ \"id\":\"x\", \"v\":1 }\n", at: 2_000)
    #expect(again.entries.isEmpty)
    #expect(again.unchangedCount == 2)
    #expect(again.base.format == .jsonLines)
    #expect(Set(again.base.items) == Set(before?.items ?? []))
  }

  @Test func anEditKeepsItsUniqueIDAndCountsOn() throws {
    var host = SimulatedHost("a")
    let first = try host.ingest(#"[{"id":"x","v":1},{"id":"y"}]"#).entries[0]
    let result = try host.ingest(#"[{"id":"x","v":2},{"id":"y"}]"#)
    let entry = try #require(result.entries.first)
    #expect(result.entries.count == 1)
    #expect(result.changed == ["x"])
    #expect(entry.metadata.uniqueID == first.metadata.uniqueID)
    #expect(entry.metadata.version == 2)
    #expect(entry.metadata.stamp > first.metadata.stamp)
    #expect(entry.metadata.seen.isEmpty)
    #expect(try shown(host) == [#"{"id":"y"}"#, #"{"id":"x","v":2}"#])
  }

  @Test func staleDataIsNotStampedWhateverHappenedElsewhere() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#, at: 1_000)
    try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a], at: 1_001)
    try b.ingest(#"[{"id":"x","v":2}]"#, knowing: [a], at: 1_002)
    let again = try a.ingest(#"[{"id":"x","v":1}]"#, knowing: [b], at: 2_000)
    #expect(again.entries.isEmpty)
    #expect(again.unchangedCount == 1)
    #expect(try shown(a, b) == [#"{"id":"x","v":2}"#])
    // A tombstone elsewhere, too.
    b.commit([Entry.tombstone(of: try successor(of: "x", in: [a, b], by: b, at: 3_000))])
    #expect(try a.ingest(#"[{"id":"x","v":1},{"id":"y"}]"#, knowing: [b], at: 4_000).added == ["y"])
    #expect(try shown(a, b) == [#"{"id":"y"}"#])
  }

  /// Metadata of a later value of an id, as another command would write it, having seen all.
  private func successor(of id: ByteString, in hosts: [SimulatedHost], by host: SimulatedHost, at seconds: Int64)
    throws -> Metadata
  {
    let table = try SimulatedHost.table(hosts)
    let current = try #require(table.entries(table.join()).first { $0.id == id })
    var metadata = current.metadata
    metadata.seen = [current.metadata.stamp.host: current.metadata.stamp.instant]
    metadata.stamp = Stamp(instant: Instant(unixSeconds: seconds), host: host.name.bytes)
    metadata.version += 1
    return metadata
  }

  @Test func aValueKnownFromAnotherHostIsRecognised() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    let theirs = try a.ingest(#"[{"id":"x","v":1}]"#).entries[0]
    let result = try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a], at: 2_000)
    #expect(result.entries.isEmpty)
    #expect(result.recognised == ["x"])
    #expect(result.base.items.map(\.uniqueID) == [theirs.metadata.uniqueID])
    #expect(b.asked.isEmpty)
    // Its edit is an edit of that very unique_id, and has seen it.
    let edit = try b.ingest(#"[{"id":"x","v":2}]"#, knowing: [a], at: 3_000).entries[0]
    #expect(edit.metadata.uniqueID == theirs.metadata.uniqueID)
    #expect(edit.metadata.version == 2)
    #expect(edit.metadata.hasSeen(theirs.metadata.stamp))
    #expect(try SimulatedHost.table([a, b]).conflicts().isEmpty)
  }

  @Test func aNewerValueThatArrivedByAnotherWayIsRecognised() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#)
    try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a])
    let second = try a.ingest(#"[{"id":"x","v":2}]"#, knowing: [b]).entries[0]
    let third = try a.ingest(#"[{"id":"x","v":3}]"#, knowing: [b]).entries[0]
    // Version 2 is in history only, and newer than what b's file showed.
    let result = try b.ingest(#"[{"id":"x","v":2}]"#, knowing: [a], at: 5_000)
    #expect(result.recognised == ["x"])
    #expect(result.entries.isEmpty)
    #expect(b.asked == [["x"]])
    #expect(result.base.items[0].stamp == second.metadata.stamp)
    // An edit of it has seen version 2, not 3: that stays a conflict.
    let edit = try b.ingest(#"[{"id":"x","v":"b"}]"#, knowing: [a], at: 6_000).entries[0]
    #expect(edit.metadata.version == 4)
    #expect(edit.metadata.stamp > third.metadata.stamp)
    #expect(edit.metadata.hasSeen(second.metadata.stamp))
    #expect(!edit.metadata.hasSeen(third.metadata.stamp))
    #expect(try SimulatedHost.table([a, b]).conflicts().map(\.others.count) == [1])
  }

  @Test func goingBackToAnOlderValueIsAnEdit() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#)
    try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a])
    try b.ingest(#"[{"id":"x","v":2}]"#, knowing: [a], at: 2_000)
    // The old value still stands in a's host file.
    let result = try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a], at: 3_000)
    #expect(result.changed == ["x"])
    #expect(try shown(a, b) == [#"{"id":"x","v":1}"#])
    #expect(b.asked.isEmpty)
  }

  @Test func aStaleCopyOnANewMachineStampsNothing() throws {
    var a = SimulatedHost("a")
    try a.ingest(#"[{"id":"x","v":1},{"id":"gone"}]"#)
    try a.ingest(#"[{"id":"x","v":2},{"id":"gone"}]"#)
    try a.ingest(#"[{"id":"x","v":2}]"#, vanished: .tombstone(allowMass: false))
    var new = SimulatedHost("new")
    let result = try new.ingest(#"[{"id":"x","v":1},{"id":"gone"},{"id":"own"}]"#, knowing: [a], at: 5_000)
    #expect(result.recognised == ["x", "gone"])
    #expect(result.added == ["own"])
    #expect(new.asked == [["x", "gone"]])
    #expect(try shown(a, new) == [#"{"id":"x","v":2}"#, #"{"id":"own"}"#])
    // What it recognised is its base: an edit of it is an edit of the old value.
    let edit = try new.ingest(#"[{"id":"x","v":9},{"id":"gone"},{"id":"own"}]"#, knowing: [a], at: 6_000)
    #expect(edit.changed == ["x"])
    #expect(edit.entries.count == 1)
    #expect(edit.entries[0].metadata.version == 3)
  }

  @Test func aLostBaseCostsNothing() throws {
    var a = SimulatedHost("a")
    let first = try a.ingest(#"[{"id":"x","v":1},{"id":"y","v":1}]"#)
    a.base = nil
    let same = try a.ingest(#"[{"id":"x","v":1},{"id":"y","v":1}]"#, at: 2_000)
    #expect(same.entries.isEmpty)
    #expect(same.base.items == first.base.items)
    a.base = nil
    let edited = try a.ingest(#"[{"id":"x","v":2},{"id":"y","v":1}]"#, at: 3_000)
    #expect(edited.changed == ["x"])
    #expect(edited.recognised == ["y"])
    #expect(edited.entries.map(\.metadata.uniqueID) == [first.entries[0].metadata.uniqueID])
    #expect(edited.entries[0].metadata.version == 2)
  }

  @Test func theSameIDWithAnotherValueIsAnAdditionOfItsOwn() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":"a"}]"#)
    let result = try b.ingest(#"[{"id":"x","v":"b"}]"#, knowing: [a], at: 2_000)
    #expect(result.added == ["x"])
    let conflicts = try SimulatedHost.table([a, b]).conflicts()
    #expect(conflicts.map(\.others.count) == [1])
    #expect(try shown(a, b) == [#"{"id":"x","v":"b"}"#])
  }

  @Test func vanishedItemsAreKeptCountedAndComeBackQuietly() throws {
    var a = SimulatedHost("a")
    try a.ingest(#"[{"id":"x"},{"id":"y"}]"#)
    let gone = try a.ingest(#"[{"id":"y"}]"#)
    #expect(gone.entries.isEmpty)
    #expect(gone.vanished == ["x"])
    #expect(gone.vanishedCount == 1)
    let still = try a.ingest("[]")
    #expect(still.vanished == ["y"])
    #expect(still.vanishedCount == 2)
    #expect(try shown(a).count == 2)
    let back = try a.ingest(#"[{"id":"x"},{"id":"y","v":1}]"#)
    #expect(back.unchangedCount == 1)
    #expect(back.changed == ["y"])
    #expect(back.vanishedCount == 0)
  }

  @Test func anEditCarriesUnknownMetadataAndTheKindAlong() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    let uniqueID = UniqueID(host: a.name, id: "x", created: .epoch).text
    a.commit([
      Entry(
        content: Array(#"{"id":"x","v":1}"#.utf8),
        metadata: Metadata(
          stamp: Stamp(instant: .epoch, host: "a"), version: .max, uniqueID: uniqueID, kind: "observation",
          unknownMembers: Array(#""later":[1]"#.utf8)))
    ])
    try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a])
    let edit = try b.ingest(#"[{"id":"x","v":2}]"#, knowing: [a]).entries[0]
    #expect(edit.metadata.unknownMembers == Array(#""later":[1]"#.utf8))
    #expect(edit.metadata.kind == "observation")
    #expect(edit.metadata.version == .max)
  }

  // MARK: Time

  @Test func aClockSetBackRepeatsNoStamp() throws {
    var a = SimulatedHost("a")
    try a.ingest(#"[{"id":"x","v":1}]"#, at: 100_000_000)
    let later = try a.ingest(#"[{"id":"x","v":2},{"id":"y"}]"#, at: 1)
    let stamps = a.history.map(\.metadata.stamp.instant)
    #expect(later.entries.count == 2)
    #expect(zip(stamps, stamps.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test func aStampFarAheadLiftsOnlyEditsOfThatEntry() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#, at: 3_000 * 86_400)
    try b.ingest(#"[{"id":"x","v":1},{"id":"y","v":1}]"#, knowing: [a], at: 1_000)
    let result = try b.ingest(#"[{"id":"x","v":2},{"id":"y","v":2},{"id":"z"}]"#, knowing: [a], at: 1_001)
    #expect(result.entries.count == 3)
    let ahead = Instant(unixSeconds: 3_000 * 86_400)
    #expect(result.entries.map { $0.metadata.stamp.instant > ahead } == [true, false, false])
    #expect(b.clock.highWater < Instant(unixSeconds: 1_002))
    #expect(try shown(a, b).last == #"{"id":"x","v":2}"#)
  }
}
