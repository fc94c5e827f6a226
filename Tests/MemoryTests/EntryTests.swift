import CRDT
import Testing

@testable import Memory

/// Single entries, their names and where their host comes from.
struct EntryTests {
  private let metadata = Metadata(
    stamp: Stamp(instant: Instant(unixSeconds: 1_767_323_045, nanoseconds: 678_000_001), host: "hosta"), version: 2,
    uniqueID: "hosta_pref-1_2026-01-02T03:04:00.000000000Z")

  @Test func `is written in the agreed form`() {
    let entry = Entry(content: Array(#"{"id":"pref-1","content":"tabs, not spaces"}"#.utf8), metadata: metadata)
    #expect(
      String(decoding: entry.bytes, as: UTF8.self)
        == #"{"id":"pref-1","content":"tabs, not spaces","_crdt_metadata":{"host":"hosta","#
        + #""timestamp":"2026-01-02T03:04:05.678000001Z","version":2,"#
        + #""unique_id":"hosta_pref-1_2026-01-02T03:04:00.000000000Z"}}"#)
    #expect(entry.id == "pref-1")
  }

  @Test func `content comes back without metadata, wherever that stood`() throws {
    let own = String(decoding: metadata.written, as: UTF8.self)
    for (text, content) in [
      (#"{"a":1,"_crdt_metadata":\#(own)}"#, #"{"a":1}"#), (#"{"_crdt_metadata":\#(own),"a":1}"#, #"{"a":1}"#),
      (#"{"a":1,"_crdt_metadata":\#(own),"b":2}"#, #"{"a":1,"b":2}"#), (#"{"_crdt_metadata":\#(own)}"#, "{}"),
      (#"{"a":1,"\u005fcrdt_metadata":\#(own),"b":2}"#, #"{"a":1,"b":2}"#),
    ] {
      let table = try EntryTable([Source(name: "m.json", bytes: Array("[\(text)]".utf8))])
      #expect(String(decoding: table.entry(0).content, as: UTF8.self) == content)
      #expect(String(decoding: table.entry(0).bytes, as: UTF8.self) == text)
    }
  }

  @Test func `every part of metadata comes back`() throws {
    var metadata = metadata
    metadata.isDeleted = true
    metadata.kind = "quarantine"
    metadata.seen = ["hostb": Instant(unixSeconds: 1), "a\"b": Instant(unixSeconds: 2, nanoseconds: 3)]
    metadata.unknownMembers = Array(#""x":[1,{"y":" "}],"z":null"#.utf8)
    metadata.uniqueID = ByteString(bytes: Array("h_\n\"".utf8) + [0xED, 0xA0, 0x80])
    let entry = Entry(content: Array("{}".utf8), metadata: metadata)
    let table = try EntryTable([Source(name: "m.json", bytes: [0x5B] + entry.bytes + [0x5D])])
    #expect(table.entry(0).metadata == metadata)
    #expect(table.entry(0).bytes == entry.bytes)
  }

  @Test func `seen is rounded up, never down`() {
    var metadata = metadata
    metadata.seen = ["b": Instant(seconds: 5, attoseconds: 1)]
    #expect(String(decoding: metadata.written, as: UTF8.self).contains(#""b":"1970-01-01T00:00:05.000000001Z""#))
  }

  @Test func `a tombstone has no content`() {
    let entry = Entry.tombstone(of: metadata)
    #expect(entry.content == Array("{}".utf8))
    #expect(!entry.isLive && entry.metadata.uniqueID == metadata.uniqueID)
  }

  @Test(arguments: [
    ("memory-hosta.json", "hosta"), ("/a/b/memory-hosta.json", "hosta"), ("store/memory-hosta/0f.json", "hosta"),
    ("memory-a.b-c.json", "a.b-c"), ("notes.json", "notes"), ("memory-hosta", "hosta"), ("0f.json", "0f"),
  ])
  func `a file's name names the host`(name: String, host: String) {
    #expect(Source.hostName(fromFileName: name).text == host)
  }

  @Test func `odd file names are folded, each to its own`() {
    let names = ["memory-Ada's Mac.json", "memory-Ada_s Mac.json", "memory-.json", "-", "memory-é.json", ""]
    let hosts = names.map { Source.hostName(fromFileName: $0).text }
    #expect(Set(hosts).count == names.count || hosts.count - Set(hosts).count <= 1)
    for host in hosts { #expect(HostName(host) != nil) }
  }
}

/// The key of the CRDT.
struct UniqueIDTests {
  @Test(arguments: ["x", "", "a_b", "_", "2026-01-02T03:04:05.678000001Z", "é", "e\u{301}", "a\nb", "hostb_x_2026"])
  func `is taken apart again`(id: String) throws {
    let unique = UniqueID(
      host: HostName("host-a.b")!, id: ByteString(id), created: Instant(unixSeconds: 1_767_323_045, nanoseconds: 1))
    #expect(unique.text.description.hasPrefix("host-a.b_"))
    #expect(UniqueID(unique.text) == unique)
  }

  @Test(arguments: [
    "", "_", "host", "host_x", "host_x_2026-01-02T03:04:05Z", "Host_x_2026-01-02T03:04:05.678000001Z",
    "_x_2026-01-02T03:04:05.678000001Z", "host_x-2026-01-02T03:04:05.678000001Z",
    "host_2026-01-02T03:04:05.678000001Z", "host_x_2026-01-02T03:04:05.678000001z",
    "host_x_2026-01-02t03:04:05.678000001Z", "host_x_2026-13-02T03:04:05.678000001Z",
  ])
  func `another tool's key is not`(text: String) {
    #expect(UniqueID(ByteString(text)) == nil)
  }
}
