import CRDT

/// Takes a memory file into the state: finds out what its user did since the last time, and stamps only that.
///
/// The rules, and why:
/// - **Equal to the base: nothing is stamped**, whatever happened elsewhere. A stamp says "somebody meant this now";
///   putting one on data that merely lies there lets stale values win.
/// - **Different from the base: an edit** of the same unique_id, above every value of it that is known. It has `seen`
///   what the file had shown, not what this host has fetched since, so a concurrent value elsewhere stays a conflict.
///   Other unique_ids of the id that the file had stood for are settled with it, by tombstones.
/// - **Equal to a newer known value: recognised**, not stamped: another program carried it here. Equal to an *older*
///   one than the file showed is an edit: the user went back on purpose.
/// - **Not in the base**: recognised when its value is known or was (see ``IngestMatching``); an edit when this host
///   has written that id before (the base was lost); else a new unique_id.
/// - **Gone**: kept and counted, or a tombstone for each unique_id that the file had stood for, unless that has a value
///   which the file never showed: deletion removes what was seen.
///   Never in the run that finds a line newly damaged: what vanished may be in that line.
/// - **A damaged line**: an item in quarantine. Once it is gone from the file it is resolved, a tombstone, under either
///   policy: it was no memory, and what it said is in the file mended, or somebody took it out.
/// - **Several items of one id**: equal values are matched first, the rest in order; each has a unique_id of its own.
public enum Ingest {
  /// Compares a memory file with its base and with what is known, and makes the entries to write.
  ///
  /// A pure function of its arguments. Running it again with the returned base and the entries known gives no
  /// entries. When it throws, the clock is as it was.
  /// - Parameters:
  ///   - source: the name of the memory that the document is; see ``Metadata/source``. `known` has to be of the same.
  ///   - fileDigest: of the file's bytes; kept in the base for the caller.
  ///   - base: `nil` when there is none, or it was damaged.
  ///   - known: every host file, this host's own included.
  ///   - olderVersions: all values that some ids ever had, from history. Called at most once, and only when something
  ///     is known of an id, but not what the file says. Values of other ids in the answer do no harm.
  ///   - heldBack: asked of every item that would be written, in the order of the file; where it answers, nothing is
  ///     stamped, the base stays what it was, and the next run asks again.
  ///   - isCollected: tombstones have ended in this state, so that a file without a base may hold what was deleted
  ///     although nothing known says so: history is asked for it.
  ///   - clock: stamps are handed out in the order of the file. The caller makes its high-water mark durable before
  ///     the entries get out.
  /// - Complexity: O(n) over the file and the base; where something changed also over all entries known.
  public static func run<HistoryError: Error>(
    document: MemoryDocument, source: ByteString? = nil, fileDigest: String, base: IngestBase?, known: KnownState,
    olderVersions: (Set<ByteString>) throws(HistoryError) -> [KnownValue], host: HostName, wall: Instant,
    clock: inout HybridLogicalClock, vanished policy: VanishedPolicy,
    heldBack: (MemoryDocument.Item) -> HeldBackEntry? = { _ in nil }, isCollected: Bool = false
  ) throws(IngestError<HistoryError>) -> IngestResult {
    var matching = IngestMatching(
      document: document, base: base, known: known, host: host, looksUpGone: policy != .keep,
      isCollected: isCollected)
    let policy = matching.isNewlyDamaged ? VanishedPolicy.keep : policy
    let gone = matching.gone.filter { !matching.isQuarantine($0) }
    if let refusal = massDeletion(gone, base: base, policy: policy, isLive: matching.isLive) {
      throw .massDeletion(refusal)
    }
    let ids = matching.idsToAskFor
    if !ids.isEmpty {
      do throws(HistoryError) {
        matching.decide(past: try olderVersions(ids).filter { $0.metadata.source == source })
      } catch {
        throw .history(error)
      }
    }

    var writer = IngestWriter(
      host: host, source: source, wall: wall, clock: clock,
      result: IngestResult(base: IngestBase(fileDigest: fileDigest, format: document.format, items: [])))
    for (index, item) in document.items.enumerated() {
      guard let outcome = matching.outcomes[index] else { preconditionFailure("every item was decided") }
      if outcome.isWritten, let entry = heldBack(item) {
        writer.holdBack(entry, outcome)
      } else {
        writer.take(item, matching.digests[index], outcome)
      }
    }
    let present = Set(document.items.map(\.id))
    for item in matching.gone where matching.isQuarantine(item) {
      writer.resolve(item, values: matching.values[item.id], isWholeIDGone: !present.contains(item.id))
    }
    for item in gone {
      if item.isVanished || policy == .keep {
        writer.keep(item)
      } else {
        writer.delete(item, values: matching.values[item.id], isWholeIDGone: !present.contains(item.id))
      }
    }
    writer.settleEdited(values: matching.values)
    clock = writer.clock
    return writer.result
  }

  /// What another host has deleted already does not count: a write-back took it out of the file.
  private static func massDeletion(
    _ gone: [IngestBase.Item], base: IngestBase?, policy: VanishedPolicy, isLive: (IngestBase.Item) -> Bool
  ) -> MassDeletion? {
    guard policy == .tombstone(allowMass: false), let base else { return nil }
    let present = gone.filter { !$0.isVanished }
    let goneNow = present.filter(isLive)
    let baseCount = base.items.count - base.vanishedCount - (present.count - goneNow.count)
    guard goneNow.count >= 10, goneNow.count * 2 > baseCount else { return nil }
    return MassDeletion(count: goneNow.count, baseCount: baseCount, firstIDs: goneNow.prefix(10).map(\.id))
  }
}
