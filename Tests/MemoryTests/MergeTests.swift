import CRDT
import Testing

@testable import Memory

/// The join, the view and the conflicts on small states.
struct MergeTests {
  @Test func `the later stamp wins, whatever the order of the files`() throws {
    let a = file([entry("x", "old", "a", 1)])
    let b = file([entry("x", "new", "b", 2, uid: "a_x")])
    for sources in [[a, b], [b, a], [a, b, a], [b, a, b]] {
      #expect(try merged(sources) == text([entry("x", "new", "b", 2, uid: "a_x")]))
    }
  }

  @Test func `ties are decided by host, then version, then bytes`() throws {
    let byHost = [entry("x", "1", "b", 1, uid: "k"), entry("x", "2", "a", 1, uid: "k")]
    #expect(try merged(byHost.map { file([$0]) }) == text([byHost[0]]))
    let byVersion = [entry("x", "1", "a", 1, uid: "k", version: 10), entry("x", "2", "a", 1, uid: "k", version: 9)]
    #expect(try merged(byVersion.map { file([$0]) }) == text([byVersion[0]]))
    let byBytes = [entry("x", "1", "a", 1, uid: "k"), entry("x", "2", "a", 1, uid: "k")]
    #expect(try merged(byBytes.map { file([$0]) }) == text([byBytes[1]]))
  }

  @Test func `instants are compared, not spellings, and never rewritten`() throws {
    let late = stamped("2026-01-02T05:00:00+01:00", "late")
    let early = stamped("2026-01-02T03:59:59.999999999Z", "early")
    #expect(try merged([file([late]), file([early])]) == text([late]))
  }

  @Test func `the output is sorted by instant, then by the bytes of the unique_id`() throws {
    let entries = [
      entry("c", "", "a", 2), entry("b", "", "a", 1, uid: "é"), entry("d", "", "a", 1, uid: "e\u{301}"),
      entry("e", "", "a", 1, uid: "Z"), entry("f", "", "a", 0),
    ]
    #expect(
      try merged([file(entries)]) == text([entries[4], entries[3], entries[2], entries[1], entries[0]]))
  }

  @Test func `keys are bytes: canonically equal spellings are two`() throws {
    let entries = [entry("x", "", "a", 1, uid: "é"), entry("x", "", "a", 1, uid: "e\u{301}")]
    let table = try EntryTable([file(entries)])
    #expect(table.join().count == 2)
  }

  @Test func `an escaped unique_id is the same key`() throws {
    let plain = entry("x", "1", "a", 1, uid: "a_x_1")
    let escaped = entry("x", "2", "a", 2, uid: #"a\u005fx\u005f1"#)
    #expect(try merged([file([plain]), file([escaped])]) == text([escaped]))
  }

  @Test func `white space makes no difference to a value`() throws {
    let compact = entry("x", "a b", "a", 1)
    let spaced = compact.replacing(",\"", with: " ,\n\t\"").replacing("\":", with: "\" : ")
    #expect(try merged([file([compact]), file([spaced])]) == text([compact]))
    #expect(try merged([file([spaced])]) == text([compact]))
  }

  @Test func `tombstones win like any value and are kept`() throws {
    let live = entry("x", "1", "a", 1)
    let gone = entry("x", "", "b", 2, uid: "a_x", more: #","deleted":true"#)
    let table = try EntryTable([file([live]), file([gone])])
    #expect(table.write(table.join()) == text([gone]))
    #expect(table.view(of: table.join()).isEmpty)
    let again = entry("x", "2", "a", 3)
    #expect(try merged([file([live]), file([gone]), file([again])]) == text([again]))
  }

  @Test func `entries without metadata get one that every host makes alike`() throws {
    let source = Source(
      name: "/store/memory-hosta.json",
      bytes: Array(
        #"[{"id":"x", "created_at":"2020-01-01T00:00:00Z"}, {"content":1}, {"id":7,"timestamp":1577836800}]"#.utf8))
    let table = try EntryTable([source])
    let expected = [
      #"{"content":1,"_crdt_metadata":{"host":"hosta","timestamp":"1970-01-01T00:00:00.000000000Z","version":0,"#
        + #""unique_id":"hosta_sha256-\#(EntryIdentity.hexDigest(of: Array(#"{"content":1}"#.utf8)).prefix(32))"#
        + #"_1970-01-01T00:00:00.000000000Z"}}"#,
      #"{"id":7,"timestamp":1577836800,"_crdt_metadata":{"host":"hosta","timestamp":"2020-01-01T00:00:00.000000000Z","#
        + #""version":0,"unique_id":"hosta_7_2020-01-01T00:00:00.000000000Z"}}"#,
      #"{"id":"x","created_at":"2020-01-01T00:00:00Z","_crdt_metadata":{"host":"hosta","#
        + #""timestamp":"2020-01-01T00:00:00.000000000Z","version":0,"#
        + #""unique_id":"hosta_x_2020-01-01T00:00:00.000000000Z"}}"#,
    ]
    let output = table.write(table.join())
    #expect(String(decoding: output, as: UTF8.self) == "[\n" + expected.joined(separator: ",\n") + "\n]\n")
    #expect(try merged([source, Source(name: "unified-memory.json", bytes: output)]) == output)
  }

  @Test func `the view shows of each id the greatest live value`() throws {
    let table = try EntryTable([
      file([
        entry("x", "1", "a", 1, uid: key("a", "x", 1)), entry("x", "2", "b", 2, uid: key("b", "x", 2)),
        entry("y", "", "a", 5, uid: key("a", "y", 5), more: #","deleted":true"#),
        entry("y", "kept", "b", 4, uid: key("b", "y", 4)),
        entry("z", "", "a", 6, uid: key("a", "z", 6), more: #","kind":"checkpoint""#),
        entry("o", "seen", "a", 7, uid: key("a", "o", 7), more: #","kind":"observation""#),
      ])
    ])
    let shown = table.entries(table.view(of: table.join())).map { String(decoding: $0.content, as: UTF8.self) }
    #expect(
      shown == [
        #"{"id":"x","content":"2"}"#, #"{"id":"y","content":"kept"}"#, #"{"id":"o","content":"seen"}"#,
      ])
  }

  @Test func `a conflict is what nobody has decided`() throws {
    let other = entry("x", "2", "b", 2, uid: key("b", "x", 2))
    let first = entry("x", "1", "a", 1, uid: key("a", "x", 1))
    let unseen = try EntryTable([file([first]), file([other])]).conflicts()
    #expect(unseen.map(\.id) == ["x"])
    #expect(unseen.first?.others.map { String(decoding: $0.bytes, as: UTF8.self) } == [first])

    // One unique_id edited on two hosts: concurrent unless the winner had seen the loser.
    let loser = entry("x", "mine", "b", 2, uid: key("a", "x", 1))
    let blind = entry("x", "theirs", "c", 3, uid: key("a", "x", 1))
    let knowing = entry(
      "x", "theirs", "c", 3, uid: key("a", "x", 1), more: #","seen":{"b":"2026-01-01T00:00:02Z"}"#)
    #expect(try EntryTable([file([loser]), file([blind])]).conflicts().count == 1)
    #expect(try EntryTable([file([loser]), file([knowing])]).conflicts().isEmpty)
    // The same value twice is no conflict.
    let same = entry("x", "theirs", "b", 2, uid: key("a", "x", 1))
    #expect(try EntryTable([file([same]), file([blind])]).conflicts().isEmpty)
  }

  @Test func `pieces and counts agree with the whole output`() throws {
    let big = String(repeating: "b", count: 300_000)
    let entries = (0..<2_000).map { entry("\($0)", $0 % 700 == 3 ? big : "v\($0)", "a", $0) }
    let table = try EntryTable([file(entries)])
    let winners = table.join()
    var pieces: [UInt8] = []
    table.write(winners) { (piece: RawSpan) in
      for offset in 0..<piece.byteCount { pieces.append(piece.unsafeLoad(fromByteOffset: offset, as: UInt8.self)) }
    }
    #expect(pieces == text(entries))
    #expect(table.write(winners) == pieces)
    #expect(table.writtenCount(winners) == pieces.count)
    #expect(table.writtenCount([]) == 3)
  }

  @Test func `runs of any length are merged into the canonical order`() throws {
    for runs in [1, 2, 3, 7, 64] {
      let sources = (0..<runs).map { run in
        file((0..<20).map { entry("\(run)-\($0)", "", "a", $0 * runs + (run * 7) % runs) })
      }
      let table = try EntryTable(sources)
      let stamps = table.join().map { table.stamp($0).instant }
      #expect(stamps.count == runs * 20)
      #expect(stamps == stamps.sorted())
    }
    let reversed = file((0..<300).reversed().map { entry("\($0)", "", "a", $0) })
    #expect(try merged([reversed]) == text((0..<300).map { entry("\($0)", "", "a", $0) }))
  }

  // MARK: States

  private func instant(_ second: Int) -> Instant { Instant(unixSeconds: 1_767_225_600 + Int64(second)) }

  private func key(_ host: String, _ id: String, _ second: Int) -> String {
    "\(host)_\(id)_\(instant(second))"
  }

  private func entry(
    _ id: String, _ content: String, _ host: String, _ second: Int, uid: String? = nil, version: Int = 1,
    more: String = ""
  ) -> String {
    #"{"id":"\#(id)","content":"\#(content)","_crdt_metadata":{"host":"\#(host)","timestamp":"\#(instant(second))","#
      + #""version":\#(version),"unique_id":"\#(uid ?? "\(host)_\(id)")"\#(more)}}"#
  }

  private func stamped(_ timestamp: String, _ content: String) -> String {
    #"{"content":"\#(content)","_crdt_metadata":{"host":"a","timestamp":"\#(timestamp)","version":1,"unique_id":"k"}}"#
  }

  private func text(_ entries: [String]) -> [UInt8] {
    Array((entries.isEmpty ? "[]\n" : "[\n" + entries.joined(separator: ",\n") + "\n]\n").utf8)
  }

  private func file(_ entries: [String]) -> Source { Source(name: "memory-a.json", bytes: text(entries)) }

  private func merged(_ sources: [Source]) throws -> [UInt8] {
    let table = try EntryTable(sources)
    return table.write(table.join())
  }
}
