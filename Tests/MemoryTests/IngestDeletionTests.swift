import CRDT
import Memory
import TestKit
import Testing

/// Two-way ingest: what a deletion removes, and what it must not.
struct IngestDeletionTests {
  private let delete = VanishedPolicy.tombstone(allowMass: false)

  private func ids(_ hosts: SimulatedHost...) throws -> [ByteString] {
    try SimulatedHost.view(hosts).map(\.id).sorted()
  }

  @Test func aVanishedItemBecomesATombstone() throws {
    var a = SimulatedHost("a")
    let first = try a.ingest(#"[{"id":"x"},{"id":"y"}]"#).entries[0]
    let result = try a.ingest(#"[{"id":"y"}]"#, vanished: delete)
    #expect(result.deleted == ["x"])
    let tombstone = try #require(result.entries.first)
    #expect(!tombstone.isLive)
    #expect(tombstone.metadata.uniqueID == first.metadata.uniqueID)
    #expect(tombstone.metadata.version == 2)
    #expect(tombstone.content == Array("{}".utf8))
    #expect(result.base.items.map(\.id) == ["y"])
    #expect(try ids(a) == ["y"])
    #expect(try a.ingest(#"[{"id":"y"}]"#, vanished: delete).entries.isEmpty)
  }

  @Test func anEditElsewhereThatThisFileNeverShowedOutlivesTheDeletion() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#)
    try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a])
    try b.ingest(#"[{"id":"x","v":2}]"#, knowing: [a], at: 2_000)
    let result = try a.ingest("[]", knowing: [b], at: 3_000, vanished: delete)
    #expect(result.entries.isEmpty)
    #expect(result.outlived == ["x"])
    #expect(try ids(a, b) == ["x"])
  }

  @Test func anAdditionElsewhereThatThisFileNeverShowedOutlivesTheDeletion() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#)
    try b.ingest(#"[{"id":"x","v":2}]"#, at: 900)
    let result = try a.ingest("[]", knowing: [b], at: 3_000, vanished: delete)
    #expect(result.outlived == ["x"])
    #expect(result.entries.count == 1)
    #expect(try SimulatedHost.view([a, b]).map(\.content) == [Array(#"{"id":"x","v":2}"#.utf8)])
  }

  @Test func afterWriteBackADeletionRemovesAllThatWasShownFor() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#)
    try b.ingest(#"[{"id":"x","v":2}]"#, at: 2_000)
    let document = try a.writeBack(.jsonArray, knowing: [b])
    #expect(document.items.map(\.content) == [Array(#"{"id":"x","v":2}"#.utf8)])
    #expect(try a.ingest(document, knowing: [b], at: Instant(unixSeconds: 3_000), vanished: delete).entries.isEmpty)
    let result = try a.ingest("[]", knowing: [b], at: 4_000, vanished: delete)
    #expect(result.deleted == ["x"])
    #expect(result.entries.count == 2)
    #expect(try ids(a, b).isEmpty)
  }

  @Test func whatWasDeletedAndIsAddedAgainLives() throws {
    var a = SimulatedHost("a")
    let text = #"[{"id":"x","v":1},{"id":"y"}]"#
    try a.ingest(text)
    try a.ingest(#"[{"id":"y"}]"#, at: 2_000, vanished: delete)
    let result = try a.ingest(text, at: 3_000, vanished: delete)
    #expect(result.added == ["x"])
    #expect(try ids(a) == ["x", "y"])
  }

  @Test func aHostThatWasAwayBringsNothingBack() throws {
    var a = SimulatedHost("a")
    var away = SimulatedHost("away")
    let text = #"[{"id":"x","v":1},{"id":"y"}]"#
    try a.ingest(text)
    try away.ingest(text, knowing: [a])
    try a.ingest(#"[{"id":"y"}]"#, knowing: [away], at: 2_000, vanished: delete)
    #expect(try away.ingest(text, knowing: [a], at: 9_000_000, vanished: delete).entries.isEmpty)
    #expect(try ids(a, away) == ["y"])
    #expect(try away.writeBack(.jsonArray, knowing: [a]).items.map(\.id) == ["y"])
  }

  @Test func anEditOfWhatWasDeletedElsewhereLives() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#)
    try b.ingest(#"[{"id":"x","v":1}]"#, knowing: [a])
    try a.ingest("[]", knowing: [b], at: 2_000, vanished: delete)
    let result = try b.ingest(#"[{"id":"x","v":2}]"#, knowing: [a], at: 3_000, vanished: delete)
    #expect(result.changed == ["x"])
    #expect(result.entries[0].metadata.version == 3)
    #expect(try ids(a, b) == ["x"])
  }

  @Test func whatVanishedUnderOneWayIsNotDeletedByTurningTwoWayOn() throws {
    var a = SimulatedHost("a")
    try a.ingest(#"[{"id":"x"},{"id":"y"}]"#)
    try a.ingest(#"[{"id":"y"}]"#)
    let result = try a.ingest(#"[{"id":"y"}]"#, vanished: delete)
    #expect(result.entries.isEmpty)
    #expect(result.vanishedCount == 1)
  }

  @Test func aMassDeletionIsRefusedUnlessToldSo() throws {
    func file(_ range: Range<Int>) -> String {
      "[" + range.map { #"{"id":"n\#($0)"}"# }.joined(separator: ",") + "]"
    }
    var a = SimulatedHost("a")
    try a.ingest(file(0..<20))
    let before = a.clock
    do {
      try a.ingest(file(11..<20), vanished: delete)
      Issue.record("not refused")
    } catch let error as IngestError<Never> {
      guard case .massDeletion(let refusal) = error else { return }
      #expect(refusal.count == 11)
      #expect(refusal.baseCount == 20)
      #expect(refusal.firstIDs == (0..<10).map { ByteString("n\($0)") })
      #expect(refusal.description.contains("11 of 20"))
    }
    #expect(a.clock == before)
    #expect(try ids(a).count == 20)
    // Half is not more than half, and one-way never asks.
    var half = a
    #expect(try half.ingest(file(10..<20), vanished: delete).deleted.count == 10)
    var oneWay = a
    #expect(try oneWay.ingest("[]").vanished.count == 20)
    #expect(try a.ingest("[]", vanished: .tombstone(allowMass: true)).deleted.count == 20)
    // Fewer than ten never are.
    var few = SimulatedHost("few")
    try few.ingest(file(0..<9))
    #expect(try few.ingest("[]", vanished: delete).deleted.count == 9)
  }

  @Test func oneOfSeveralItemsOfAnIDCanBeDeleted() throws {
    var a = SimulatedHost("a")
    let first = try a.ingest(#"[{"id":"x","v":1},{"id":"x","v":2}]"#).entries
    let result = try a.ingest(#"[{"id":"x","v":2}]"#, vanished: delete)
    #expect(result.deleted == ["x"])
    #expect(result.entries.map(\.metadata.uniqueID) == [first[0].metadata.uniqueID])
    #expect(try SimulatedHost.table([a]).conflicts().isEmpty)
  }
}
