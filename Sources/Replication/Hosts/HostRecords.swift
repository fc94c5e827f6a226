import CRDT
import Git
import Memory

/// All records of one tree, and what follows from them together.
struct HostRecords {
  private(set) var byHost: [ByteString: HostRecord] = [:]

  init() {}

  init(of tree: StoreTree, in repository: any Repository) throws(ReplicationError) {
    for (path, id) in tree.hostRecords {
      let bytes = try replicating { () throws(GitError) in try repository.readBlob(id) }
      guard let record = HostRecord(bytes), StoreTree.hostRecordName(of: record.host.text) == path else { continue }
      byHost[record.host.bytes] = record
    }
  }

  /// The same with one record in its newest form.
  func replacing(_ record: HostRecord) -> HostRecords {
    var records = self
    records.byHost[record.host.bytes] = record
    return records
  }

  /// Of each host the mark that it committed with all it had written: the epoch before its clock has handed out any.
  var marks: [ByteString: Instant] {
    var marks: [ByteString: Instant] = [:]
    for (host, record) in byHost { marks[host] = record.seen[host] ?? .epoch }
    return marks
  }

  /// How far the tree was collected.
  var frontier: CollectedFrontier {
    var frontier = CollectedFrontier()
    for record in byHost.values { frontier.formUnion(record.collected) }
    return frontier
  }

  /// The newest word on whether a host is gone.
  func retirement(of host: ByteString) -> HostRecord.Retirement? {
    byHost.compactMap { writer, record in record.retirements[host].map { (writer, $0) } }
      .max { ($0.1.at, $0.0) < ($1.1.at, $1.0) }?.1
  }

  /// Whether a host is gone, and has written nothing since somebody said so.
  /// - Parameter newest: the newest stamp in its file, which counts where it has no record.
  func isRetired(_ host: ByteString, newest: Instant?) -> Bool {
    guard let mark = retirement(of: host)?.mark else { return false }
    return self.mark(of: host, newest: newest).map { $0 <= mark } ?? true
  }

  /// A host's mark; without a record the newest stamp in its file.
  func mark(of host: ByteString, newest: Instant?) -> Instant? {
    byHost[host] == nil ? newest?.roundedUpToNanoseconds : marks[host]
  }
}
