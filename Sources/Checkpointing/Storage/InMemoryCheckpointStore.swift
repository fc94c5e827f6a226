import CRDT
import Memory
import Replication
import Synchronization

/// Checkpoints in this process's memory: for tests, and for agents that have no disk.
///
/// Two of them meet with ``merge(_:)`` as two stores do through a remote.
public final class InMemoryCheckpointStore: CheckpointStore {
  struct Content {
    /// The greatest value of each unique_id, tombstones included.
    var values: [ByteString: Entry] = [:]
    var blobs: [String: [UInt8]] = [:]
    var clock: HybridLogicalClock
    var revision = 0
    var notices: NoticeRecord
  }

  public let host: HostName
  let content: Mutex<Content>
  private let wallClock: @Sendable () -> Instant

  public init(host: HostName, wallClock: @escaping @Sendable () -> Instant) {
    self.host = host
    self.wallClock = wallClock
    let record = NoticeRecord(id: CheckpointID(random: [UInt8](repeating: 0, count: 16)))
    content = Mutex(Content(clock: HybridLogicalClock(), notices: record))
  }

  public func snapshot() -> CheckpointSnapshot { content.withLock { snapshot(of: $0) } }

  public func blob(_ digest: String) -> [UInt8]? { content.withLock { $0.blobs[digest] } }

  public func news(since place: CheckpointNoticePlace?) -> CheckpointNews {
    content.withLock { content in
      CheckpointNews(
        snapshot: snapshot(of: content), notices: place.map { content.notices.notices(since: $0) } ?? [],
        place: content.notices.end)
    }
  }

  public func tell(_ notices: [CheckpointNotice]) { content.withLock { $0.notices.append(notices) } }

  public func deleted(among ids: Set<CheckpointID>) -> Set<CheckpointID> {
    content.withLock { content in
      let values = content.values.values.filter { $0.metadata.kind == CheckpointKind.checkpoint }
      let live = Set(values.filter(\.isLive).map(\.id))
      let deleted = Set(values.filter { !$0.isLive }.map(\.id)).subtracting(live)
      return ids.filter { deleted.contains($0.bytes) }
    }
  }

  public func update<Result>(
    _ body: (_ snapshot: CheckpointSnapshot, _ host: HostName) throws(CheckpointError) -> (CheckpointChange, Result)
  ) throws(CheckpointError) -> Result {
    try content.withLock { content throws(CheckpointError) in
      let (change, result) = try body(snapshot(of: content), host)
      guard !change.isEmpty else { return result }
      apply(change, to: &content)
      content.notices.append(change.notices)
      return result
    }
  }

  /// Takes in everything another store holds: per unique_id the greater value stays.
  public func merge(_ other: InMemoryCheckpointStore) {
    let (values, blobs) = other.content.withLock { ($0.values, $0.blobs) }
    content.withLock { content in
      for (key, value) in values {
        if let own = content.values[key], !Entry.isBelow(own, value) { continue }
        content.values[key] = value
        content.clock.witness(value.metadata.stamp.instant, wall: wallClock())
      }
      content.blobs.merge(blobs) { own, _ in own }
      content.revision += 1
    }
  }

  private func snapshot(of content: Content) -> CheckpointSnapshot {
    let live = content.values.values.filter(\.isLive).sorted { Entry.isBelow($0, $1) }
    return CheckpointSnapshot(
      revision: "\(content.revision)",
      records: live.map { entry in
        CheckpointRecord(
          uniqueID: entry.metadata.uniqueID, kind: entry.metadata.kind ?? "", stamp: entry.metadata.stamp,
          content: entry.content)
      })
  }

  private func apply(_ change: CheckpointChange, to content: inout Content) {
    let wall = wallClock()
    func next(replacing metadata: Metadata?) -> Stamp {
      Stamp(instant: content.clock.tick(wall: wall, replacing: metadata?.stamp.instant), host: host.bytes)
    }
    for record in change.records {
      let standing = content.values.values.first {
        $0.isLive && $0.id == record.id && $0.metadata.kind == record.kind && $0.metadata.stamp.host == host.bytes
      }
      if standing?.content == record.content { continue }
      let stamp = next(replacing: standing?.metadata)
      var metadata =
        standing?.metadata
        ?? Metadata(
          stamp: stamp, version: 0, uniqueID: UniqueID(host: host, id: record.id, created: stamp.instant).text,
          kind: record.kind)
      metadata.stamp = stamp
      metadata.version = Metadata.nextVersion(after: metadata.version)
      content.values[metadata.uniqueID] = Entry(content: record.content, metadata: metadata)
    }
    for key in change.deleting.sorted() {
      guard let standing = content.values[key], standing.isLive else { continue }
      var metadata = standing.metadata
      metadata.stamp = next(replacing: standing.metadata)
      metadata.version = Metadata.nextVersion(after: metadata.version)
      content.values[key] = Entry.tombstone(of: metadata)
    }
    for bytes in change.blobs { content.blobs[EntryIdentity.hexDigest(of: bytes)] = bytes }
    content.revision += 1
  }
}
