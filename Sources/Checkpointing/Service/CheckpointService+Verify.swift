import CRDT

extension CheckpointService {
  /// The verdict on one checkpoint.
  public func validate(_ id: CheckpointID) throws(CheckpointError) -> CheckpointValidation {
    try gated { () throws(CheckpointError) in
      guard let stored = try catalog().checkpoint(id) else {
        throw CheckpointError(.notFound, "no checkpoint \(id)")
      }
      return try validation(of: stored)
    }
  }

  /// The verdict on every checkpoint, in the total order; entries that cannot be read at all come last.
  /// - Complexity: reads every state, one at a time.
  public func validateAll() throws(CheckpointError) -> [CheckpointValidation] {
    try gated { () throws(CheckpointError) in
      let catalog = try catalog()
      var validations: [CheckpointValidation] = []
      for stored in catalog.checkpoints { validations.append(try validation(of: stored)) }
      for (id, reason) in catalog.unreadable {
        validations.append(CheckpointValidation(header: nil, id: id, verdict: .invalid, reason: reason))
      }
      return validations
    }
  }

  /// What their checksums say of checkpoints; nothing of one whose state lies in a blob beyond the bound.
  /// - Parameter limitBytes: so many bytes of blobs are read at most, those of the last checkpoints first.
  public func verdicts(on checkpoints: [StoredCheckpoint], limitBytes: Int = 16 << 20) throws(CheckpointError)
    -> [CheckpointID: StoredCheckpoint.Verdict]
  {
    try gated { () throws(CheckpointError) in
      var verdicts: [CheckpointID: StoredCheckpoint.Verdict] = [:]
      var left = limitBytes
      for stored in checkpoints.reversed() {
        if case .blob(_, let count) = stored.payload {
          guard count <= left else { continue }
          left -= count
        }
        verdicts[stored.header.id] = try validation(of: stored).verdict
      }
      return verdicts
    }
  }

  func validation(of stored: StoredCheckpoint) throws(CheckpointError) -> CheckpointValidation {
    let (verdict, reason) = stored.verdict(state: try stateBytes(of: stored))
    return CheckpointValidation(
      header: stored.header, id: stored.header.id.bytes, verdict: verdict, reason: reason)
  }

  /// Reads back the five newest checkpoints.
  public func health() throws(CheckpointError) -> CheckpointHealth {
    try gated { () throws(CheckpointError) in
      let catalog = try catalog()
      var readBack: [CheckpointValidation] = []
      for stored in catalog.checkpoints.suffix(5).reversed() { readBack.append(try validation(of: stored)) }
      let verdicts = Set(readBack.map(\.verdict))
      let status: CheckpointHealth.Status =
        verdicts.contains(.invalid)
        ? .unhealthy : verdicts.contains(.legacy) || !catalog.unreadable.isEmpty ? .degraded : .healthy
      return CheckpointHealth(status: status, readBack: readBack, unreadableCount: catalog.unreadable.count)
    }
  }

  public func metrics() throws(CheckpointError) -> CheckpointMetrics {
    try gated { () throws(CheckpointError) in
      let catalog = try catalog()
      var metrics = CheckpointMetrics()
      metrics.checkpointCount = catalog.checkpoints.count
      metrics.sessionCount = catalog.sessions.count
      metrics.openSessionCount = catalog.sessions.count { $0.ended == nil }
      metrics.annotationCount = catalog.annotations.count
      metrics.unreadableCount = catalog.unreadable.count
      metrics.greatestSequence = catalog.greatestSequence
      for stored in catalog.checkpoints {
        switch stored.payload {
        case .inline(let bytes): metrics.inlineStateBytes += bytes.count
        case .blob(_, let count): metrics.blobStateBytes += count
        }
        metrics.countByTrigger[stored.header.trigger.description, default: 0] += 1
        metrics.countByHost[stored.header.stamp.host, default: 0] += 1
      }
      metrics.subscriberCount = hub.subscriberCount
      metrics.operations = operations
      return metrics
    }
  }
}
