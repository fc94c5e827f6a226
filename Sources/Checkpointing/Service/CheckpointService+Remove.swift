import CRDT
import Replication

extension CheckpointService {
  /// Deletes checkpoints and their annotations, for every host. History keeps them; sequence numbers do not come back.
  ///
  /// All or nothing: throws `.notFound` where one is not there.
  /// - Returns: what was deleted, in the total order.
  @discardableResult
  public func delete(_ ids: Set<CheckpointID>) throws(CheckpointError) -> [CheckpointHeader] {
    try gated { () throws(CheckpointError) in
      guard !ids.isEmpty else { return [] }
      let gone = try update { (catalog, _, change) throws(CheckpointError) -> [CheckpointHeader] in
        for id in ids.sorted() where catalog.checkpoint(id) == nil {
          throw CheckpointError(.notFound, "no checkpoint \(id)", remedy: "Nothing was deleted")
        }
        CheckpointService.remove(ids, from: catalog, by: &change)
        change.message = "\(ids.count) checkpoint\(ids.count == 1 ? "" : "s") deleted"
        let gone = catalog.checkpoints.map(\.header).filter { ids.contains($0.id) }
        change.notices = notices(of: CheckpointService.deletions(gone))
        return gone
      }
      count { $0.deleted += gone.count }
      tell(CheckpointService.deletions(gone))
      return gone
    }
  }

  /// What a compaction would do. Writes nothing.
  public func compactionPlan(_ strategy: CompactionStrategy, session: CheckpointID? = nil) throws(CheckpointError)
    -> CompactionPlan
  {
    try gated { () throws(CheckpointError) in
      try CheckpointService.check(strategy)
      return CheckpointService.plan(strategy, session: session, in: try catalog())
    }
  }

  /// Deletes what the strategy does not keep, of one session or of each.
  public func compact(_ strategy: CompactionStrategy, session: CheckpointID? = nil) throws(CheckpointError)
    -> CompactionPlan
  {
    try gated { () throws(CheckpointError) in
      try CheckpointService.check(strategy)
      let plan = try update { (catalog, _, change) throws(CheckpointError) -> CompactionPlan in
        let plan = CheckpointService.plan(strategy, session: session, in: catalog)
        guard !plan.removed.isEmpty else { return plan }
        CheckpointService.remove(Set(plan.removed.map(\.id)), from: catalog, by: &change)
        change.notices = notices(of: CheckpointService.compactions(plan))
        change.message = "\(plan.removed.count) checkpoint\(plan.removed.count == 1 ? "" : "s") compacted away"
        return plan
      }
      count { $0.compacted += plan.removed.count }
      tell(CheckpointService.compactions(plan))
      return plan
    }
  }

  /// One event for each session, with all that are gone of it.
  private static func deletions(_ gone: [CheckpointHeader]) -> [CheckpointEvent] {
    deletions(gone.map { (id: $0.id, session: $0.session) })
  }

  /// One event for each session of which something is gone.
  private static func compactions(_ plan: CompactionPlan) -> [CheckpointEvent] {
    let kept = Dictionary(grouping: plan.kept, by: \.session)
    return Dictionary(grouping: plan.removed, by: \.session).sorted { $0.key < $1.key }.map { session, removed in
      .compacted(session: session, removed: removed.map(\.id), keptCount: kept[session]?.count ?? 0)
    }
  }

  private static func check(_ strategy: CompactionStrategy) throws(CheckpointError) {
    switch strategy {
    case .keepRecent(let count), .hybrid(let count):
      guard count >= 1 else { throw CheckpointError(.usage, "at least one checkpoint of a session is kept") }
    case .preserveTagged: break
    }
  }

  private static func plan(_ strategy: CompactionStrategy, session: CheckpointID?, in catalog: CheckpointCatalog)
    -> CompactionPlan
  {
    CompactionPlan(strategy, of: catalog.checkpoints.map(\.header).filter { session == nil || $0.session == session })
  }

  /// Tombstones for checkpoints and their annotations, and the number and times that must not come back.
  private static func remove(
    _ ids: Set<CheckpointID>, from catalog: CheckpointCatalog, by change: inout CheckpointChange
  ) {
    for id in ids { change.deleting.formUnion(catalog.entries[id] ?? []) }
    for annotation in catalog.annotations where ids.contains(annotation.checkpoint) {
      change.deleting.formUnion(catalog.entries[annotation.id] ?? [])
    }
    var counter = CanonicalObject()
    counter.set("id", "checkpoint-sequence")
    counter.set("sequence", catalog.greatestSequence)
    var newest = CanonicalObject()
    for (host, instant) in catalog.newestOf { newest.set(host, instant) }
    counter.set("newest", newest)
    change.records.append(
      NewRecord(id: "checkpoint-sequence", kind: CheckpointKind.counter, content: counter.bytes))
  }
}
