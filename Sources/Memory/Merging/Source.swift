import CRDT

/// One file of entries on its way into a merge.
public struct Source: Sendable {
  /// What errors call it.
  public var name: String
  public var bytes: [UInt8]
  /// The host that entries without metadata belong to.
  public var host: HostName

  public init(name: String, bytes: [UInt8], host: HostName) {
    self.name = name
    self.bytes = bytes
    self.host = host
  }

  /// A source whose host is taken from its name; see ``hostName(fromFileName:)``.
  public init(name: String, bytes: [UInt8]) {
    self.init(name: name, bytes: bytes, host: Source.hostName(fromFileName: name))
  }

  /// `memory-<host>.json`, with or without a path, or a shard `memory-<host>/<xx>.json`, names its host; the stem of
  /// any other file name is folded into one.
  public static func hostName(fromFileName name: String) -> HostName {
    let parts = name.split(separator: "/")
    var stem = parts.last.map(String.init) ?? name
    if stem.hasSuffix(".json") { stem.removeLast(5) }
    if stem.utf8.count == 2, parts.count > 1, parts[parts.count - 2].hasPrefix("memory-") {
      stem = String(parts[parts.count - 2])
    }
    if stem.hasPrefix("memory-") { stem.removeFirst(7) }
    return EntryIdentity.hostName(folding: stem)
  }
}
