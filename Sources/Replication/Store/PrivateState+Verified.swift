import CRDT
import Memory

extension PrivateState {
  private static let watchedPrefix = Array("file ".utf8)
  private static let folderPrefix = Array("ref ".utf8)
  private static let configurationPrefix = Array("config ".utf8)

  /// What the last verified run had seen.
  func readVerified() throws(ReplicationError) -> VerifiedState? {
    guard let fields = try fields(paths.verified, kind: Kind.verified) else { return nil }
    func text(_ name: ByteString) -> String? { fields[name]?.text.map { String(decoding: $0, as: UTF8.self) } }
    guard let host = text("host").flatMap({ HostName($0) }), let remote = text("remote"), let branch = text("branch"),
      let commit = text("commit"), let witness = text("witness"),
      let userID = fields["user"]?.integer.flatMap({ UInt32(exactly: $0) })
    else { return nil }
    var sources: [VerifiedState.Source] = []
    for value in fields["sources"]?.elements ?? [] {
      guard let source = Self.source(value) else { return nil }
      sources.append(source)
    }
    func rest(_ key: ByteString, after prefix: [UInt8]) -> String? {
      key.bytes.starts(with: prefix) ? String(decoding: key.bytes.dropFirst(prefix.count), as: UTF8.self) : nil
    }
    var watched: [String: String] = [:]
    var folders: [String] = []
    var configuration: [String] = []
    for (key, value) in fields {
      if let path = rest(key, after: Self.watchedPrefix), let status = value.text {
        watched[path] = String(decoding: status, as: UTF8.self)
      } else if let path = rest(key, after: Self.folderPrefix) {
        folders.append(path)
      } else if let path = rest(key, after: Self.configurationPrefix) {
        configuration.append(path)
      }
    }
    return VerifiedState(
      context: RunContext(configurationFiles: configuration.sorted(), userID: userID), machine: text("machine"),
      host: host, remote: remote, branch: branch, sources: sources, commit: commit, watched: watched,
      gitFolders: folders, witness: witness)
  }

  private static func source(_ value: JSONReader.Value) -> VerifiedState.Source? {
    func text(_ name: ByteString) -> String? { value[name]?.text.map { String(decoding: $0, as: UTF8.self) } }
    guard let memory = text("memory"), let format = text("format").flatMap({ MemoryFormat(rawValue: $0) }) else {
      return nil
    }
    var counts = IngestCounts(format: format)
    counts.unchanged = value["present"]?.integer ?? 0
    counts.vanished = value["vanished"]?.integer ?? 0
    counts.quarantined = value["quarantined"]?.integer ?? 0
    let source = MemorySource(
      name: text("name"), memory: memory, format: text("chosen").flatMap { MemoryFormat(rawValue: $0) },
      isWrittenBack: value["writeBack"]?.bool ?? false)
    return VerifiedState.Source(source: source, counts: counts)
  }

  func write(_ verified: VerifiedState) throws(ReplicationError) {
    try write(paths.verified, kind: Kind.verified) { object in
      object.member("host", verified.host.text)
      object.member("remote", verified.remote)
      object.member("branch", verified.branch)
      object.member("commit", verified.commit)
      object.member("witness", verified.witness)
      object.member("user", Int(verified.context.userID))
      if let machine = verified.machine { object.member("machine", machine) }
      object.array("sources") { array in
        for source in verified.sources {
          array.object { object in
            if let name = source.source.name { object.member("name", name) }
            object.member("memory", source.source.memory)
            object.member("format", source.counts.format.rawValue)
            if let chosen = source.source.format { object.member("chosen", chosen.rawValue) }
            object.member("writeBack", source.source.isWrittenBack)
            object.member("present", source.counts.unchanged)
            object.member("vanished", source.counts.vanished)
            object.member("quarantined", source.counts.quarantined)
          }
        }
      }
      for path in verified.context.configurationFiles { object.member("config " + path, "") }
      for path in verified.gitFolders { object.member("ref " + path, "") }
      for (path, status) in verified.watched.sorted(by: { $0.key < $1.key }) { object.member("file " + path, status) }
    }
  }
}
