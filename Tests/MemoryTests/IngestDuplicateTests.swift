import CRDT
import Memory
import TestKit
import Testing

/// Several items of one id in one file, and knowledge graphs, where an item is part of a record.
struct IngestDuplicateTests {
  @Test func everyItemOfAnIDIsKept() throws {
    var a = SimulatedHost("a")
    let first = try a.ingest(#"[{"id":"x","v":1},{"id":"x","v":1},{"id":"x","v":2}]"#)
    #expect(first.added == ["x", "x", "x"])
    #expect(Set(first.entries.map(\.metadata.uniqueID)).count == 3)
    #expect(try a.ingest(#"[{"id":"x","v":1},{"id":"x","v":1},{"id":"x","v":2}]"#).entries.isEmpty)
  }

  @Test func equalValuesArePairedFirstThenTheRestInOrder() throws {
    var a = SimulatedHost("a")
    let first = try a.ingest(#"[{"id":"x","v":1},{"id":"x","v":2},{"id":"x","v":3}]"#).entries
    let result = try a.ingest(
      #"[{"id":"x","v":3},{"id":"x","v":"new 1"},{"id":"x","v":"new 2"},{"id":"x","v":"more"}]"#)
    #expect(result.unchangedCount == 1)
    #expect(result.changed.count == 2)
    #expect(result.added.count == 1)
    #expect(result.entries.prefix(2).map(\.metadata.uniqueID) == first.prefix(2).map(\.metadata.uniqueID))
    let all = Set(result.entries.map(\.metadata.uniqueID) + first.map(\.metadata.uniqueID))
    #expect(all.count == 4)
  }

  @Test func anotherHostWithTheSameFileRecognisesAll() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    let text = #"[{"id":"x","v":1},{"id":"x","v":1},{"id":"x","v":2}]"#
    try a.ingest(text)
    let result = try b.ingest(text, knowing: [a])
    #expect(result.entries.isEmpty)
    #expect(Set(result.base.items.map(\.uniqueID)).count == 3)
  }

  @Test func noUniqueIDStandsForTwoItems() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1},{"id":"x","v":2}]"#)
    try b.ingest(#"[{"id":"x","v":1},{"id":"x","v":2}]"#, knowing: [a])
    try a.ingest(#"[{"id":"x","v":3},{"id":"x","v":4}]"#, knowing: [b], at: 2_000)
    // Both values of a, the other way round, and one that nobody has.
    let result = try b.ingest(#"[{"id":"x","v":4},{"id":"x","v":3},{"id":"x","v":4}]"#, knowing: [a], at: 3_000)
    #expect(result.recognised == ["x", "x"])
    #expect(result.added == ["x"])
    #expect(Set(result.base.items.map(\.uniqueID)).count == 3)
  }

  // MARK: Graphs

  private func entity(_ name: String, _ observations: String...) -> String {
    let list = observations.map { "\"\($0)\"" }.joined(separator: ",")
    return #"{"type":"entity","name":"\#(name)","entityType":"t","observations":[\#(list)]}"# + "\n"
  }

  @Test func observationsOfTwoHostsAreBothKept() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(entity("A", "one"))
    try b.ingest(entity("A", "one"), knowing: [a])
    let fromA = try a.ingest(entity("A", "one", "from a"), knowing: [b], at: 2_000)
    let fromB = try b.ingest(entity("A", "from b", "one"), knowing: [a], at: 3_000)
    #expect(fromA.entries.count == 1)
    #expect(fromB.entries.count == 1)
    let view = MemoryFormat.graph.render(try SimulatedHost.view([a, b]))
    #expect(String(decoding: view, as: UTF8.self) == entity("A", "one", "from a", "from b"))
    #expect(try SimulatedHost.table([a, b]).conflicts().isEmpty)
  }

  @Test func removingAnObservationDoesNotUndoAnother() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(entity("A", "one", "two"))
    try b.ingest(entity("A", "one", "two"), knowing: [a])
    let removal = try a.ingest(entity("A", "two"), knowing: [b], at: 2_000, vanished: .tombstone(allowMass: false))
    #expect(removal.deleted.count == 1)
    #expect(removal.entries.map(\.metadata.kind) == ["observation"])
    try b.ingest(entity("A", "one", "two", "three"), knowing: [a], at: 2_001)
    let view = MemoryFormat.graph.render(try SimulatedHost.view([a, b]))
    #expect(String(decoding: view, as: UTF8.self) == entity("A", "two", "three"))
  }

  @Test func entitiesOfOneNameInOneFileAreBothKept() throws {
    var a = SimulatedHost("a")
    let other = entity("A", "two").replacing("\"t\"", with: "\"u\"")
    let result = try a.ingest(entity("A", "one", "one") + other)
    #expect(result.entries.count == 5)
    let view = MemoryFormat.graph.render(try SimulatedHost.view([a]))
    #expect(String(decoding: view, as: UTF8.self).contains(#""observations":["one","two"]"#))
    #expect(try SimulatedHost.table([a]).conflicts().map(\.id) == ["entity:A"])
    #expect(try a.ingest(entity("A", "one", "one") + other, at: 2_000).entries.isEmpty)
  }
}
