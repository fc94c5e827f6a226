import CRDT
import Memory
import TestKit
import Testing

/// An edit by somebody whose file had stood for several values of an id.
struct IngestSettlingTests {
  /// Two hosts that each added the id, and a's file written back from the view of both.
  private func shown() throws -> (a: SimulatedHost, b: SimulatedHost) {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try a.ingest(#"[{"id":"x","v":1}]"#)
    try b.ingest(#"[{"id":"x","v":2}]"#, at: 2_000)
    _ = try a.writeBack(.jsonArray, knowing: [b])
    return (a, b)
  }

  @Test func anEditThatHadSeenTheOtherValuesSettlesThem() throws {
    var (a, b) = try shown()
    #expect(try SimulatedHost.table([a, b]).conflicts().count == 1)
    let result = try a.ingest(#"[{"id":"x","v":3}]"#, knowing: [b], at: 3_000)
    #expect(result.changed == ["x"] && result.deleted.isEmpty)
    #expect(result.entries.map(\.isLive) == [true, false])
    let table = try SimulatedHost.table([a, b])
    #expect(table.conflicts().isEmpty)
    #expect(table.entries(table.view(of: table.join())).map(\.content) == [Array(#"{"id":"x","v":3}"#.utf8)])
    // Nothing more comes of it.
    #expect(try a.ingest(#"[{"id":"x","v":3}]"#, knowing: [b], at: 4_000).entries.isEmpty)
    #expect(try a.ingest(#"[{"id":"x","v":4}]"#, knowing: [b], at: 5_000).entries.map(\.isLive) == [true])
  }

  @Test func aValueTheFileNeverShowedStaysAConflict() throws {
    var (a, b) = try shown()
    // b edits its value, and somebody adds another, after a's file was written.
    var c = SimulatedHost("c")
    try c.ingest(#"[{"id":"x","v":"c"}]"#, at: 2_500)
    try b.ingest(#"[{"id":"x","v":"2b"}]"#, at: 2_600)
    try a.ingest(#"[{"id":"x","v":3}]"#, knowing: [b, c], at: 3_000)
    let conflict = try #require(try SimulatedHost.table([a, b, c]).conflicts().first)
    let others = conflict.others.map { String(decoding: $0.content, as: UTF8.self) }.sorted()
    #expect(others.contains(#"{"id":"x","v":"c"}"#), "\(others)")
    #expect((others + [String(decoding: conflict.shown.content, as: UTF8.self)]).contains(#"{"id":"x","v":"2b"}"#))
  }

  @Test func aValueThatAnotherItemStandsForIsNotSettled() throws {
    var a = SimulatedHost("a")
    try a.ingest(#"[{"id":"x","v":1},{"id":"x","v":2}]"#)
    var b = SimulatedHost("b")
    try b.ingest(#"[{"id":"x","v":9}]"#, at: 2_000)
    // Another program writes b's value over the first, then the user edits it: the second item is untouched.
    try a.ingest(#"[{"id":"x","v":9},{"id":"x","v":2}]"#, knowing: [b], at: 3_000)
    let result = try a.ingest(#"[{"id":"x","v":10},{"id":"x","v":2}]"#, knowing: [b], at: 4_000)
    let live = try SimulatedHost.table([a, b])
    let values = live.entries(live.join().filter { !live.isDeleted($0) }).map(\.content)
    #expect(values.contains(Array(#"{"id":"x","v":2}"#.utf8)))
    #expect(values.contains(Array(#"{"id":"x","v":10}"#.utf8)), "\(result)")
    #expect(!values.contains(Array(#"{"id":"x","v":1}"#.utf8)))
  }
}
