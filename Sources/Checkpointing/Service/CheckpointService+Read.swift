import CRDT

extension CheckpointService {
  /// Checkpoints of all hosts in the total order.
  public func list(_ query: CheckpointQuery = CheckpointQuery()) throws(CheckpointError) -> [StoredCheckpoint] {
    try gated { () throws(CheckpointError) in try matching(query, in: try catalog()) }
  }

  func matching(_ query: CheckpointQuery, in catalog: CheckpointCatalog) throws(CheckpointError) -> [StoredCheckpoint] {
    let found = catalog.checkpoints.filter { query.matches($0.header) }
    return query.limit.map { Array(found.suffix(max(0, $0))) } ?? found
  }

  /// The one checkpoint an id, the beginning of one, `NUMBER[@HOST]` or `latest` means.
  public func find(_ reference: String, session: CheckpointID? = nil) throws(CheckpointError) -> StoredCheckpoint {
    try gated { () throws(CheckpointError) in try catalog().find(reference, session: session) }
  }

  /// A checkpoint with its state, verified. Throws `.notFound`, `.payloadMissing`, `.checksumMismatch` or `.unverified`.
  /// - Parameter acceptsLegacy: take one of a time before checksums as it is.
  public func get(_ id: CheckpointID, acceptsLegacy: Bool = false) throws(CheckpointError) -> Checkpoint {
    try gated { () throws(CheckpointError) in try verified(id, acceptsLegacy: acceptsLegacy) }
  }

  /// The same, to go back to: subscribers of its session are told. Where going back takes more than to have it, as to
  /// write it somewhere, see ``get(_:acceptsLegacy:)`` and ``noteRestore(of:)``.
  public func restore(_ id: CheckpointID, acceptsLegacy: Bool = false) throws(CheckpointError) -> Checkpoint {
    let checkpoint = try get(id, acceptsLegacy: acceptsLegacy)
    try noteRestore(of: checkpoint.header)
    return checkpoint
  }

  /// Tells the subscribers of its session that a checkpoint was gone back to, once it was.
  public func noteRestore(of header: CheckpointHeader) throws(CheckpointError) {
    try gated { () throws(CheckpointError) in
      count { $0.restored += 1 }
      tell([.restored(header)])
      store.tell(notices(of: [.restored(header)]))
    }
  }

  private func verified(_ id: CheckpointID, acceptsLegacy: Bool) throws(CheckpointError) -> Checkpoint {
    guard let stored = try catalog().checkpoint(id) else {
      throw CheckpointError(.notFound, "no checkpoint \(id)")
    }
    return try stored.checkpoint(state: try stateBytes(of: stored), acceptsLegacy: acceptsLegacy)
  }

  /// What changed from one to the other. Both are verified.
  public func diff(from before: CheckpointID, to after: CheckpointID, acceptsLegacy: Bool = false)
    throws(CheckpointError) -> CheckpointDiff
  {
    try gated { () throws(CheckpointError) in
      CheckpointDiff(
        from: try verified(before, acceptsLegacy: acceptsLegacy).state,
        to: try verified(after, acceptsLegacy: acceptsLegacy).state)
    }
  }

  /// The checkpoint that was the newest at a time; verified. Throws `.notFound` where there was none yet.
  public func checkpoint(at instant: Instant, session: CheckpointID? = nil, acceptsLegacy: Bool = false)
    throws(CheckpointError) -> Checkpoint
  {
    try gated { () throws(CheckpointError) in
      let candidates = try catalog().checkpoints.map(\.header).filter {
        $0.stamp.instant <= instant && (session == nil || $0.session == session)
      }
      let newest = candidates.max { left, right in
        left.stamp.instant != right.stamp.instant
          ? left.stamp.instant < right.stamp.instant : CheckpointHeader.isBefore(left, right)
      }
      guard let newest else {
        throw CheckpointError(.notFound, "there was no checkpoint yet at \(instant)")
      }
      return try verified(newest.id, acceptsLegacy: acceptsLegacy)
    }
  }

  /// Annotations of a checkpoint, oldest first.
  public func annotations(of checkpoint: CheckpointID) throws(CheckpointError) -> [CheckpointAnnotation] {
    try gated { () throws(CheckpointError) in try catalog().annotations.filter { $0.checkpoint == checkpoint } }
  }

  /// Everything that happened, in the order of time.
  public func timeline(session: CheckpointID? = nil) throws(CheckpointError) -> [TimelineItem] {
    try gated { () throws(CheckpointError) in
      let catalog = try catalog()
      var items: [TimelineItem] = []
      for one in catalog.sessions {
        items.append(
          TimelineItem(
            instant: one.started.instant, host: one.started.host, session: one.id, event: .sessionStarted(one)))
        if let ended = one.ended {
          items.append(
            TimelineItem(instant: ended, host: one.started.host, session: one.id, event: .sessionEnded(one)))
        }
      }
      for stored in catalog.checkpoints {
        let header = stored.header
        items.append(
          TimelineItem(
            instant: header.stamp.instant, host: header.stamp.host, session: header.session, event: .checkpoint(header))
        )
      }
      for annotation in catalog.annotations {
        items.append(
          TimelineItem(
            instant: annotation.stamp.instant, host: annotation.stamp.host,
            session: catalog.checkpoint(annotation.checkpoint)?.header.session, event: .annotation(annotation)))
      }
      // Stable among equals: a session's start stands before its first checkpoint, checkpoints stand in their order.
      return items.enumerated()
        .filter { session == nil || $0.element.session == session }
        .sorted { ($0.element.instant, $0.element.host, $0.offset) < ($1.element.instant, $1.element.host, $1.offset) }
        .map(\.element)
    }
  }
}
