import CRDT
import Git
import Memory

/// Which value a conflict is resolved with.
public enum ConflictChoice: Sendable, Hashable {
  /// One of the values in conflict, as ``Conflict/values`` counts them, from 1.
  case number(Int)
  /// The value that a host wrote.
  case host(ByteString)
  /// The value that a host wrote at that moment, where it wrote several.
  case stamp(Stamp)
  /// Another value: a compact JSON object without metadata.
  case value([UInt8])
}

/// What `conflicts resolve` did.
public struct ResolveReport: Sendable {
  public var id: ByteString
  /// The value that is the only one now.
  public var value: [UInt8]
  /// Who wrote it and when; `nil` for a new one.
  public var takenFrom: Stamp?
  /// How many values were given up for it.
  public var settled: Int
  public var commit: ObjectID?
}

extension Store {
  /// Ids with more than one value nobody has decided between.
  public func conflicts() throws(ReplicationError) -> [Conflict] {
    let tip = try tip()
    let reader = StateReader(repository: repository)
    return try reader.table(of: try tree(of: tip), tips: [tip].compactMap(\.self)).conflicts()
  }

  /// The conflict of one id; for an entity of a knowledge graph its name will do.
  ///
  /// Throws `.noInput` when that id has none, `.usage` where it has one in several memories and none was chosen.
  public func conflict(_ id: ByteString, in source: SourceChoice = .any) throws(ReplicationError) -> Conflict {
    try Store.conflict(id, in: source, among: try conflicts())
  }

  /// Decides a conflict: writes the chosen value under a new stamp that has seen every value of the id, and tombstones
  /// for its other unique_ids, and commits that here. On every host that merges it the conflict is gone; a value that
  /// somebody writes meanwhile without having seen it is a conflict again. History keeps what was given up.
  /// - Throws: `.noInput` for an id without a conflict or a choice that is none of its values, `.usage` for a choice that
  ///   could be several, `.badData` for a value of another id or one that looks like a secret.
  public func resolveConflict(
    _ id: ByteString, in source: SourceChoice = .any, taking choice: ConflictChoice, options: BackupOptions
  ) throws(ReplicationError) -> ResolveReport {
    try locked(unless: options.isDryRun) { () throws(ReplicationError) in
      try resolveLocked(id, in: source, taking: choice, options: options)
    }
  }

  private func resolveLocked(
    _ id: ByteString, in source: SourceChoice, taking choice: ConflictChoice, options: BackupOptions
  ) throws(ReplicationError) -> ResolveReport {
    let old = try tip()
    let tips = [old].compactMap(\.self)
    let oldTree = try tree(of: old)
    let reader = StateReader(repository: repository)
    let table = try reader.table(of: oldTree, tips: tips)
    let conflict = try Store.conflict(id, in: source, among: table.conflicts())
    let taken = try chosen(choice, of: conflict)
    var report = ResolveReport(
      id: conflict.id, value: taken.content, takenFrom: taken.entry?.metadata.stamp,
      settled: conflict.values.count { $0.content != taken.content }, commit: old)
    if options.isDryRun { return report }

    let identity = try identify(options, tree: oldTree)
    var clock = try loadClock()
    witnessAll(table, with: &clock)
    let uniqueIDs = table.undecidedUniqueIDs(of: EntryKey(source: conflict.source, id: conflict.id))
    let known = knownStamps(in: table, of: uniqueIDs)
    var winnerOf: [ByteString: Entry] = [:]
    for index in table.join() where uniqueIDs.contains(table.uniqueID(index)) {
      winnerOf[table.uniqueID(index)] = table.entry(index)
    }
    // The value goes where readers look, above everything; what it decides about goes first.
    let shown = conflict.shown.metadata.uniqueID
    let entries = (uniqueIDs.subtracting([shown]).sorted() + [shown]).map { uniqueID in
      let winner = winnerOf[uniqueID] ?? conflict.shown
      var metadata = uniqueID == shown ? (taken.entry ?? conflict.shown).metadata : winner.metadata
      metadata.uniqueID = uniqueID
      metadata.isDeleted = false
      metadata.version = Metadata.nextVersion(after: winner.metadata.version, metadata.version)
      metadata.seen = (known[uniqueID] ?? KnownStamps(of: winner.metadata)).seen(by: identity.host.bytes)
      let above = max(winner.metadata.stamp.instant, known[uniqueID]?.greatest ?? .earliest)
      metadata.stamp = Stamp(instant: clock.tick(wall: wall, replacing: above), host: identity.host.bytes)
      return uniqueID == shown ? Entry(content: taken.content, metadata: metadata) : Entry.tombstone(of: metadata)
    }
    try refuseUnbeatable(entries, among: winnerOf)
    report.commit = try commit(
      entries, onto: old, as: identity, clock: &clock, reader: reader, message: "\(identity.host): resolved a conflict")
    return report
  }

  private static func conflict(_ id: ByteString, in source: SourceChoice, among conflicts: [Conflict])
    throws(ReplicationError) -> Conflict
  {
    for wanted in [id, GraphIdentity.entity(id)] {
      let found = conflicts.filter { $0.id == wanted && source.contains($0.source) }
      try source.settle(wanted, among: found.map(\.source))
      if let conflict = found.first { return conflict }
    }
    throw ReplicationError(
      .noInput, "\(id) is not in conflict", remedy: "`crdt-backup conflicts` lists the ids that are")
  }

  private func chosen(_ choice: ConflictChoice, of conflict: Conflict) throws(ReplicationError)
    -> (content: [UInt8], entry: Entry?)
  {
    let values = conflict.values
    let fits: [Entry]
    switch choice {
    case .number(let number): fits = values.indices.contains(number - 1) ? [values[number - 1]] : []
    case .host(let host): fits = values.filter { $0.metadata.stamp.host == host }
    case .stamp(let stamp): fits = values.filter { $0.metadata.stamp == stamp }
    case .value(let content):
      try refuseOtherID(content, in: conflict)
      return (content, nil)
    }
    if fits.count == 1 { return (fits[0].content, fits[0]) }
    let choices = (fits.isEmpty ? values : fits).map { "\($0.metadata.stamp.host)@\($0.metadata.stamp.instant)" }
    throw ReplicationError(
      fits.isEmpty ? .noInput : .usage,
      fits.isEmpty ? "none of the values of \(conflict.id) is that" : "\(fits.count) values of \(conflict.id) are that",
      remedy: "Nothing was changed. Take one of: \(choices.joined(separator: ", ")); "
        + "or its number in `crdt-backup conflicts show ID`")
  }

  /// A new value has to be one of this id, and fit to leave this host.
  private func refuseOtherID(_ content: [UInt8], in conflict: Conflict) throws(ReplicationError) {
    if EntryIdentity.statedID(of: conflict.shown.content) != nil {
      let stated = EntryIdentity.statedID(of: content)
      guard stated == conflict.id else {
        throw ReplicationError(
          .badData,
          stated.map { "the value given is of the id \($0), not \(conflict.id)" } ?? "the value given has no id",
          remedy: "Nothing was changed. `crdt-backup conflicts show ID --json` shows the form")
      }
    }
    let item = MemoryDocument.Item(id: conflict.id, content: content, kind: conflict.shown.metadata.kind)
    guard let held = try secretScanner().heldBack(item) else { return }
    throw ReplicationError(
      .badData, "the value given looks like a secret: \(held.rule)",
      remedy: "Nothing was changed. Take the secret out, or let it through with: crdt-backup allow \(held.rule)")
  }
}
