import CRDT
import Memory
import Replication

extension CheckpointService {
  // MARK: Sessions

  /// Begins a session. From now on it is what checkpoints of this host belong to where none is named.
  public func startSession(name: ByteString = "") throws(CheckpointError) -> CheckpointSession {
    try gated { () throws(CheckpointError) in
      try CheckpointService.check(name)
      var named = CanonicalObject()
      named.set("name", name)
      try CheckpointService.refuseSecrets(in: named.bytes, try secretScanner(), canBeAllowed: false)
      return try update { (_, now, change) throws(CheckpointError) in
        let session = CheckpointSession(id: newID(), name: name, started: now)
        change.records = [CheckpointService.record(session)]
        change.message = "checkpoint session started"
        return session
      }
    }
  }

  /// Ends a session; it takes no more checkpoints. Ending one again changes nothing.
  public func endSession(_ id: CheckpointID) throws(CheckpointError) -> CheckpointSession {
    try gated { () throws(CheckpointError) in
      try update { (catalog, now, change) throws(CheckpointError) in
        guard var session = catalog.session(id) else { throw CheckpointService.noSession(id) }
        guard session.ended == nil else { return session }
        session.ended = max(now.instant, session.started.instant)
        change.records = [CheckpointService.record(session)]
        change.message = "checkpoint session ended"
        return session
      }
    }
  }

  /// All sessions of all hosts, by their start.
  public func sessions() throws(CheckpointError) -> [CheckpointSession] {
    try gated { () throws(CheckpointError) in try catalog().sessions }
  }

  /// The session an id, the beginning of one, or a name means.
  public func session(_ reference: ByteString) throws(CheckpointError) -> CheckpointSession {
    try gated { () throws(CheckpointError) in try catalog().findSession(reference) }
  }

  private static func check(_ name: ByteString) throws(CheckpointError) {
    guard name.count <= CheckpointLimits.sessionNameBytes else {
      throw CheckpointError(
        .tooLarge, "the session's name has \(name.count) bytes; \(CheckpointLimits.sessionNameBytes) at most")
    }
  }

  static func noSession(_ id: CheckpointID) -> CheckpointError {
    CheckpointError(
      .notFound, "no session \(id)", remedy: "`crdt-agent checkpoint session list` names those that are there")
  }

  static func record(_ session: CheckpointSession) -> NewRecord {
    NewRecord(id: session.id.bytes, kind: CheckpointKind.session, content: session.json)
  }

  // MARK: Create

  /// Freezes a state. Throws `.notFound` for a session nobody knows, `.usage` for one that has ended, `.secretFound`
  /// where something in it looks like a secret, `.tooLarge` beyond ``CheckpointLimits``.
  public func create(_ draft: CheckpointDraft) throws(CheckpointError) -> CheckpointHeader {
    let header = try createIfDue(draft)
    guard let header else {
      throw CheckpointError(.usage, "the newest checkpoint of the session is younger than the gap that was asked for")
    }
    return header
  }

  /// The same; `nil` where the draft's gap since the session's newest checkpoint has not gone by.
  public func createIfDue(_ draft: CheckpointDraft) throws(CheckpointError) -> CheckpointHeader? {
    try gated { () throws(CheckpointError) in try created(draft) }
  }

  func created(_ draft: CheckpointDraft) throws(CheckpointError) -> CheckpointHeader? {
    try refuseSecrets(in: draft)
    let header = try update { (catalog, now, change) throws(CheckpointError) -> CheckpointHeader? in
      var records: [NewRecord] = []
      let session = try sessionID(for: draft, in: catalog, now: now, records: &records)
      if let gap = draft.minimumGapSeconds,
        let newest = catalog.checkpoints.last(where: { $0.header.session == session })?.header.stamp.instant,
        newest <= now.instant, now.instant.seconds(since: newest) < gap
      {
        return nil
      }
      let header = CheckpointHeader(
        id: newID(), sequence: try catalog.nextSequence(), stamp: now, session: session, message: draft.message,
        tags: draft.tags, trigger: draft.trigger)
      let (content, blob) = try StoredCheckpoint.written(Checkpoint(header: header, state: draft.state))
      records.append(NewRecord(id: header.id.bytes, kind: CheckpointKind.checkpoint, content: content))
      change.records = records
      change.blobs = [blob].compactMap(\.self)
      change.notices = notices(of: [.created(header)])
      change.message = "checkpoint \(header.sequence)"
      return header
    }
    guard let header else {
      count { $0.throttled += 1 }
      return nil
    }
    count { $0.created += 1 }
    noteMade(at: header.stamp.instant)
    tell([.created(header)])
    return header
  }

  private func sessionID(
    for draft: CheckpointDraft, in catalog: CheckpointCatalog, now: Stamp, records: inout [NewRecord]
  ) throws(CheckpointError) -> CheckpointID {
    if let id = draft.session {
      guard let session = catalog.session(id) else { throw CheckpointService.noSession(id) }
      guard session.ended == nil else {
        throw CheckpointError(
          .usage, "session \(id) has ended", remedy: "Start another with `crdt-agent checkpoint session start`")
      }
      return id
    }
    if let open = catalog.sessions.last(where: { $0.started.host == now.host && $0.ended == nil }) { return open.id }
    let session = CheckpointSession(id: newID(), name: "", started: now)
    records.append(CheckpointService.record(session))
    return session.id
  }

  /// What goes into a checkpoint goes to every host: a secret does not.
  private func refuseSecrets(in draft: CheckpointDraft) throws(CheckpointError) {
    var object = draft.state.canonical
    object.set("message", draft.message)
    object.set("tags", draft.tags.sorted())
    try CheckpointService.refuseSecrets(in: object.bytes, try secretScanner(allowing: draft.allowedSecretRules))
  }

  /// - Parameter canBeAllowed: whether the caller can let a rule through.
  static func refuseSecrets(in json: [UInt8], _ scanner: SecretScanner, canBeAllowed: Bool = true)
    throws(CheckpointError)
  {
    guard let finding = scanner.findings(in: json).first else { return }
    throw CheckpointError(
      .secretFound, "\(finding.member) looks like a secret (\(finding.rule))",
      remedy: "Nothing was written. Take it out"
        + (canBeAllowed ? ", or let the rule through with --allow \(finding.rule)" : ""))
  }

  /// The store's rules, without those that are let through there or named: for what is chosen before a checkpoint is
  /// made.
  public func secretScanner(allowing rules: Set<ByteString> = []) throws(CheckpointError) -> SecretScanner {
    try store.secretScanner(allowing: rules)
  }

  // MARK: Annotate

  /// Puts a note on a checkpoint. The checkpoint stays as it is.
  /// - Parameter allowedSecretRules: rules for secrets that are let through, by name.
  public func annotate(
    _ checkpoint: CheckpointID, _ level: CheckpointAnnotation.Level, _ text: ByteString,
    allowedSecretRules: Set<ByteString> = []
  ) throws(CheckpointError) -> CheckpointAnnotation {
    try gated { () throws(CheckpointError) in
      guard text.count <= CheckpointLimits.annotationBytes else {
        throw CheckpointError(
          .tooLarge, "the annotation has \(text.count) bytes; \(CheckpointLimits.annotationBytes) at most")
      }
      guard !text.isEmpty else { throw CheckpointError(.usage, "the annotation is empty") }
      let scanner = try secretScanner(allowing: allowedSecretRules)
      let annotation = try update { (catalog, now, change) throws(CheckpointError) in
        guard catalog.checkpoint(checkpoint) != nil else {
          throw CheckpointError(.notFound, "no checkpoint \(checkpoint)")
        }
        let annotation = CheckpointAnnotation(
          id: newID(), checkpoint: checkpoint, level: level, text: text, stamp: now)
        try CheckpointService.refuseSecrets(in: annotation.json, scanner)
        change.records = [
          NewRecord(id: annotation.id.bytes, kind: CheckpointKind.annotation, content: annotation.json)
        ]
        change.message = "checkpoint annotated"
        return annotation
      }
      count { $0.annotated += 1 }
      return annotation
    }
  }
}
