import CRDT
import Memory
import TestKit
import Testing

/// The base of an ingest as it is kept between runs.
struct IngestBaseTests {
  private var base: IngestBase {
    get throws {
      var a = SimulatedHost("a")
      var b = SimulatedHost("b")
      try a.ingest("[{\"id\":\"x\\n\\u0000\\ud800\",\"v\":1},{\"id\":\"é\"},{\"id\":\"gone\"}]")
      try b.ingest(#"[{"id":"é","v":"other"}]"#, at: 2_000)
      _ = try a.writeBack(.graph, knowing: [b])
      try a.ingest(#"[{"id":"é","v":"own"}]"#, knowing: [b], at: 3_000)
      return try #require(a.base)
    }
  }

  @Test func itComesBackAsItWas() throws {
    let base = try base
    #expect(base.items.contains { !$0.others.isEmpty })
    #expect(base.items.contains { $0.isVanished })
    #expect(base.items.contains { $0.known.newest.count > 1 })
    #expect(IngestBase.parse(base.serialized()) == base)
    let empty = IngestBase(fileDigest: "q\"", format: .jsonLines, items: [])
    #expect(IngestBase.parse(empty.serialized()) == empty)
  }

  @Test func anyDamageIsNoticed() throws {
    let bytes = try base.serialized()
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x02
      let parsed = IngestBase.parse(damaged)
      // Only the file's digest is free text; there, a change means that the file is read again.
      if let parsed { #expect(parsed.items == (try base.items)) }
      if index % 7 == 0 { #expect(IngestBase.parse(Array(bytes[..<index])) == nil) }
    }
    #expect(IngestBase.parse([]) == nil)
    #expect(IngestBase.parse(Array("{}\n".utf8)) == nil)
  }

  @Test func itFollowsAHostThatTookAnotherName() throws {
    var a = SimulatedHost("a")
    var b = SimulatedHost("b")
    try b.ingest(#"[{"id":"theirs"}]"#)
    let own = try a.ingest(#"[{"id":"own"},{"id":"theirs"}]"#, knowing: [b]).entries[0].metadata.uniqueID
    var base = try #require(a.base)
    let theirs = base.items[1]
    let new = try #require(HostName("a-2"))
    base.rename(a.name, to: new, uniqueIDs: [own: "a-2_own"])
    #expect(base.items[0].uniqueID == "a-2_own")
    #expect(base.items[0].stamp.host == "a-2")
    #expect(Array(base.items[0].known.newest.keys) == ["a-2"])
    #expect(base.items[1] == theirs)
  }
}
