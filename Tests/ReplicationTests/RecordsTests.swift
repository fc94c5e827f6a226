import CRDT
import Git
import Memory
import Replication
import TestKit
import Testing

/// Agent state as entries of the same CRDT.
@Suite struct RecordsTests {
  private let name = EntryIdentity.hostName(folding: "a")

  private func record(_ id: ByteString, _ value: Int) -> NewRecord {
    NewRecord(id: id, kind: "checkpoint", content: Array(#"{"id":"\#(id)","n":\#(value)}"#.utf8))
  }

  @discardableResult
  private func write(
    _ host: SimulatedStore, _ records: [NewRecord], deleting: Set<ByteString> = [], blobs: [[UInt8]] = []
  ) throws -> RecordsWritten {
    try host.open().write(records, deleting: deleting, blobs: blobs, message: "checkpoint", defaultHost: name)
  }

  @Test func recordsAndBlobsReachTheOtherHostAndNoMemoryFile() throws {
    let server = SimulatedServer()
    let (a, b) = (try SimulatedStore("a", server: server, seed: 1), try SimulatedStore("b", server: server, seed: 2))
    a.memory = [("x", "1")]
    b.memory = [("y", "2")]
    try a.backUp()
    let payload = Array("a payload".utf8)
    let written = try write(a, [record("c1", 1), record("c2", 2)], blobs: [payload])
    #expect(written.entries.map(\.id) == ["c1", "c2"])
    #expect(Set(written.entries.map(\.metadata.stamp)).count == 2)
    try a.backUp()
    try b.backUp()
    let there = try b.open().records(ofKind: "checkpoint")
    #expect(Set(there.map(\.entry)) == Set(written.entries))
    #expect(try b.open().records(ofKind: "annotation").isEmpty)
    #expect(try b.open().blob(EntryIdentity.hexDigest(of: payload)) == payload)
    #expect(try b.open().blob(String(repeating: "0", count: 64)) == nil)
    #expect(try b.open().blob("../../etc/passwd") == nil)
    // Saying the same again is no change.
    #expect(try write(a, [record("c1", 1)], blobs: [payload]).commit == (try a.open().tip()))
  }

  @Test func writingAnIDAgainIsAnEditAndDeletingItATombstone() throws {
    let server = SimulatedServer()
    let (a, b) = (try SimulatedStore("a", server: server, seed: 1), try SimulatedStore("b", server: server, seed: 2))
    a.memory = [("x", "1")]
    b.memory = [("x", "1")]
    try a.backUp()
    let first = try #require(try write(a, [record("c", 1)]).entries.first)
    let second = try #require(try write(a, [record("c", 2)]).entries.first)
    #expect(second.metadata.uniqueID == first.metadata.uniqueID)
    #expect(second.metadata.version == 2)
    #expect(second.metadata.stamp > first.metadata.stamp)
    try a.backUp()
    try b.backUp()
    // No other addition has a greater stamp than either: none of them is memory.
    #expect(
      try a.open().log("c").map(\.fate) == [.record(kind: "checkpoint"), .replaced(by: second.metadata.stamp)])
    // The same id on another host is another addition.
    let other = try #require(try write(b, [record("c", 3)]).entries.first)
    #expect(other.metadata.uniqueID != first.metadata.uniqueID)
    try b.backUp()
    try a.backUp()
    #expect(try a.open().records(ofKind: "checkpoint").map(\.entry) == [other, second])
    #expect(
      try Set(a.open().recordVersions(of: ["c"], kind: "checkpoint").map(\.entry)) == [first, second, other])

    // Deleted on one host, it is deleted on both, and an addition of the same id lives.
    try write(b, [], deleting: [first.metadata.uniqueID, "nothing_of_this_name"])
    #expect(try b.open().records(ofKind: "checkpoint").map(\.entry) == [other])
    try b.backUp()
    try a.backUp()
    #expect(try a.open().records(ofKind: "checkpoint").map(\.entry) == [other])
    let again = try #require(try write(a, [record("c", 4)]).entries.first)
    #expect(again.metadata.uniqueID != first.metadata.uniqueID)
  }

  @Test func aFullDiskLeavesNothingHalfWritten() throws {
    let store = try SimulatedStore("a", server: SimulatedServer(), seed: 1)
    store.memory = [("x", "1")]
    try store.backUp()
    let before = try store.open().tip()
    store.repository.failNextWrite = GitError(
      .storage, operation: "write", message: "disk full (injected)", isRetryable: false)
    #expect(throws: ReplicationError.self) { try write(store, [record("c", 1)], blobs: [[1, 2, 3]]) }
    #expect(try store.open().tip() == before)
    #expect(try write(store, [record("c", 1)]).entries.count == 1)
  }

  /// Puts another commit on the remote: with this payload under a name that is not its own, or a file for its folder.
  private func tamper(_ host: SimulatedStore, name: String, with bytes: [UInt8], hidesFolder: Bool = false) throws {
    let repository = host.repository
    let tip = try #require(try repository.reference("refs/heads/main"))
    var root = try repository.readTree(try repository.readCommit(tip).tree)
    let file = TreeEntry(name: name, mode: .file, id: try repository.writeBlob(bytes))
    let shard = String(name.prefix(2))
    let folder =
      hidesFolder
      ? TreeEntry(name: shard, mode: .file, id: file.id)
      : TreeEntry(name: shard, mode: .folder, id: try repository.writeTree([file]))
    root.removeAll { $0.name == "blobs" }
    root.append(TreeEntry(name: "blobs", mode: .folder, id: try repository.writeTree([folder])))
    let commit = try repository.writeCommit(
      tree: try repository.writeTree(root), parents: [tip],
      signature: Signature(name: "n", email: "e", timeSeconds: 0), message: "x")
    let outcome = try repository.remote(url: "simulated").push(commit, branch: "main", deadline: .after(seconds: 60))
    #expect(outcome == .accepted)
  }

  @Test(arguments: [false, true])
  func aPayloadThatIsNotWhatItsNameSaysIsNamedAndReplacedByTheGoodOne(hidesFolder: Bool) throws {
    let server = SimulatedServer()
    let (a, b) = (try SimulatedStore("a", server: server, seed: 1), try SimulatedStore("b", server: server, seed: 2))
    let new = try SimulatedStore("new", server: server, seed: 3)
    for host in [a, b, new] { host.memory = [("x", "1")] }
    let payload = Array("a payload".utf8)
    let digest = EntryIdentity.hexDigest(of: payload)
    try a.backUp()
    try write(a, [record("c", 1)], blobs: [payload])
    try a.backUp()
    try b.backUp()
    try tamper(b, name: digest, with: Array("damaged".utf8), hidesFolder: hidesFolder)

    // A host without it hears of it, and so does its doctor.
    let heard = try new.backUp()
    #expect(heard.warnings.contains { $0.hasPrefix("blobs/") && $0.contains("not what its name says") })
    #expect(try new.open().blob(digest) == nil)
    let finding = try #require(try new.open().examine(fixing: false).first { $0.check == "payloads" })
    #expect(finding.level == .problem && finding.message.contains("blobs/\(digest.prefix(2))"))

    // A host that has it keeps it, and puts it back for all.
    try a.backUp()
    #expect(try a.open().blob(digest) == payload)
    try new.backUp()
    #expect(try new.open().blob(digest) == payload)
    #expect(try new.open().examine(fixing: false).first { $0.check == "payloads" }?.level == .ok)
    let tip = try a.open().tip()
    for host in [a, b, new] { try host.backUp() }
    #expect(try new.open().tip() == tip)
  }
}
