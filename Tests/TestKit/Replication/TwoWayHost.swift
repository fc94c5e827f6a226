import CRDT
import Git
import Memory
import Replication

/// A simulated host whose memory is written back.
public final class TwoWayHost {
  public let store: SimulatedStore
  /// As set by its user; `nil`: detected.
  public let format: MemoryFormat?
  public var path: String { store.memoryPath }

  public init(
    _ name: String, _ server: SimulatedServer, seed: UInt64, isTwoWay: Bool = true, format: MemoryFormat? = nil
  ) throws {
    self.format = format
    let memory = format?.isFolder == true ? "notes" : "memory.json"
    store = try SimulatedStore(name, server: server, seed: seed, memory: memory)
    try turn(isTwoWay)
    if let format { try store.repository.setSetting("crdt.format", to: format.rawValue) }
  }

  public func turn(_ isTwoWay: Bool) throws {
    try store.repository.setSetting("crdt.writeBack", to: isTwoWay ? "true" : "false")
  }

  /// The memory file's text; `nil` when there is none.
  public var text: String? {
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
  public var memory: [String: String] {
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
  public func remember(_ entries: [String: String]) {
    let lines = entries.sorted { $0.key < $1.key }.map { #"{"id":"\#($0.key)","content":"\#($0.value)"}"# }
    text = "[\n" + lines.joined(separator: ",\n") + "\n]\n"
  }

  /// Changes what the file says.
  public func edit(_ change: (inout [String: String]) -> Void) throws {
    var entries = try memory
    change(&entries)
    remember(entries)
  }

  @discardableResult
  public func run(offline: Bool = false, allowsMassDeletion: Bool = false) throws -> BackupReport {
    store.now = store.now.advanced(bySeconds: 10)
    var options = BackupOptions(defaultHost: EntryIdentity.hostName(folding: store.name))
    options.isOffline = offline
    options.allowsMassDeletion = allowsMassDeletion
    return try store.open().backup(
      options, connect: { url throws(GitError) in try store.repository.remote(url: url) })
  }

  public var unified: String { String(decoding: store.unified ?? [], as: UTF8.self) }
}
