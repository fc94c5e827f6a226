import CRDT
import Git
import Memory
import Replication
import TestKit
import Testing

/// A simulated host whose memory file is written back.
final class TwoWayHost {
  let store: SimulatedStore
  var path: String { "/\(store.name)/memory.json" }

  init(_ name: String, _ server: SimulatedServer, seed: UInt64, isTwoWay: Bool = true) throws {
    store = try SimulatedStore(name, server: server, seed: seed)
    try turn(isTwoWay)
  }

  func turn(_ isTwoWay: Bool) throws {
    try store.repository.setSetting("crdt.writeBack", to: isTwoWay ? "true" : "false")
  }

  /// The memory file's text; `nil` when there is none.
  var text: String? {
    get { store.files.get(path).map { String(decoding: $0, as: UTF8.self) } }
    set {
      if let newValue {
        store.files.put(path, Array(newValue.utf8))
      } else {
        _ = try? store.files.remove(path)
      }
    }
  }

  /// Contents by id, as the file says.
  var memory: [String: String] {
    get throws {
      var found: [String: String] = [:]
      for item in try MemoryDocument.parse(Array((text ?? "").utf8), source: path).items {
        let content = try JSONReader.object(item.content)["content"]?.text ?? []
        found[item.id.description] = String(decoding: content, as: UTF8.self)
      }
      return found
    }
  }

  /// Writes entries as a person would: in the order of their ids.
  func remember(_ entries: [String: String]) {
    let lines = entries.sorted { $0.key < $1.key }.map { #"{"id":"\#($0.key)","content":"\#($0.value)"}"# }
    text = "[\n" + lines.joined(separator: ",\n") + "\n]\n"
  }

  /// Changes what the file says.
  func edit(_ change: (inout [String: String]) -> Void) throws {
    var entries = try memory
    change(&entries)
    remember(entries)
  }

  @discardableResult
  func run(offline: Bool = false, allowsMassDeletion: Bool = false) throws -> BackupReport {
    store.now = store.now.advanced(bySeconds: 10)
    var options = BackupOptions(defaultHost: EntryIdentity.hostName(folding: store.name))
    options.isOffline = offline
    options.allowsMassDeletion = allowsMassDeletion
    return try store.open().backup(
      options, connect: { url throws(GitError) in try store.repository.remote(url: url) })
  }

  var unified: String { String(decoding: store.unified ?? [], as: UTF8.self) }
}

/// Runs all hosts until nothing moves any more, and says that every file agrees.
func settle(_ hosts: [TwoWayHost], sourceLocation: SourceLocation = #_sourceLocation) throws {
  for _ in 0..<2 { for host in hosts { #expect(try host.run().exitCode == 0, sourceLocation: sourceLocation) } }
  let tip = hosts[0].store.server.refs["refs/heads/main"]
  let texts = hosts.map(\.text)
  for host in hosts {
    let report = try host.run()
    #expect(report.unnamed?.writeBack?.isWritten == false, sourceLocation: sourceLocation)
    #expect(try host.memory == hosts[0].memory, sourceLocation: sourceLocation)
  }
  #expect(
    hosts[0].store.server.refs["refs/heads/main"] == tip, "a quiet round committed", sourceLocation: sourceLocation)
  #expect(hosts.map(\.text) == texts, "a quiet round wrote", sourceLocation: sourceLocation)
}
