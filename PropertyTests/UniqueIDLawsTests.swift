import CRDT
import Memory
import TestKit
import Testing

/// No two (host, id, timestamp) share a unique_id, and it is taken apart again.
struct UniqueIDLawsTests {
  private static let host: Gen<HostName> = Gen<String>.element(of: ["a", "b", "a-b", "a.b", "0", "host-1"])
    .map { HostName($0)! }

  private static let id: Gen<ByteString> = Gen { choices in
    // Ids that look like parts of a unique_id are the dangerous ones.
    let piece = Gen<String>.frequency(
      (2, .element(of: ["_", "a", "b", "2026-01-02T03:04:05.000000000Z", "é", "e\u{301}"])), (1, .text(count: 0...4)))
    return ByteString(try choices.draw(piece.array(count: 0...3)).joined())
  }

  private static let unique: Gen<UniqueID> = Gen { choices in
    let seconds = try choices.draw(Gen<Int64>.int(in: -62_167_219_200...253_402_300_799))
    let nanoseconds = try choices.draw(Gen<Int64>.int(in: 0...999_999_999))
    return UniqueID(
      host: try choices.draw(host), id: try choices.draw(id),
      created: Instant(unixSeconds: try choices.flip() ? seconds : 1_767_323_045, nanoseconds: nanoseconds))
  }

  @Test func `a unique_id is taken apart into what it was made of`() {
    checkProperty("unique_id is taken apart", UniqueIDLawsTests.unique) { unique in
      try demandEqual(UniqueID(unique.text), unique, "other parts")
    }
  }

  @Test func `two are equal only when all their parts are`() {
    checkProperty("unique_id is injective", zip(UniqueIDLawsTests.unique, UniqueIDLawsTests.unique)) { left, right in
      try demandEqual(left.text == right.text, left == right, "\(left.text) and \(right.text)")
    }
  }

  @Test func `it comes back through JSON`() {
    checkProperty("unique_id in an entry", UniqueIDLawsTests.unique) { unique in
      let stamp = Stamp(instant: unique.created, host: unique.host.bytes)
      let entry = Entry(
        content: Array("{}".utf8), metadata: Metadata(stamp: stamp, version: 1, uniqueID: unique.text))
      let table = try EntryTable([Source(name: "m.json", bytes: [0x5B] + entry.bytes + [0x5D])])
      try demandEqual(table.uniqueID(0), unique.text, "another key")
      try demandEqual(table.entryID(0), unique.id, "another id")
      try demandEqual(table.stamp(0), stamp, "another stamp")
    }
  }
}
