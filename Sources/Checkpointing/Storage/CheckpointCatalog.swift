import CRDT
import Memory

/// A snapshot read: checkpoints in their total order, sessions, annotations.
///
/// One checkpoint may lie in several entries, as after an import on two hosts; it counts once.
struct CheckpointCatalog: Sendable {
  /// In the total order.
  private(set) var checkpoints: [StoredCheckpoint] = []
  /// Sorted by start.
  private(set) var sessions: [CheckpointSession] = []
  /// Sorted by stamp.
  private(set) var annotations: [CheckpointAnnotation] = []
  /// Entries that say they are checkpoints, sessions or counters and cannot be read, and checkpoints and annotations
  /// that are of another kind now: the entry's id, and why.
  private(set) var unreadable: [(id: ByteString, reason: String)] = []
  /// The greatest sequence number to stay above.
  private(set) var greatestSequence = 0
  /// The unique_ids under which each checkpoint and annotation lies.
  private(set) var entries: [CheckpointID: [ByteString]] = [:]
  /// The newest time that each host's checkpoints and notes carry.
  private(set) var newestOf: [ByteString: Instant] = [:]
  private var places: [CheckpointID: Int] = [:]

  /// - Parameter host: the name under which this host's own numbers were written.
  init(_ snapshot: CheckpointSnapshot, host: ByteString? = nil) {
    var byID: [CheckpointID: StoredCheckpoint] = [:]
    var sessionsByID: [CheckpointID: CheckpointSession] = [:]
    var annotationsByID: [CheckpointID: CheckpointAnnotation] = [:]
    for record in snapshot.records {
      let id = UniqueID(record.uniqueID)?.id ?? record.uniqueID
      if let meant = CheckpointKind.meant(by: record.content, of: record.kind) {
        unreadable.append((id, "it is a \(meant), and of kind \"\(record.kind)\" now: its kind was changed"))
        continue
      }
      do throws(CheckpointError) {
        switch record.kind {
        case CheckpointKind.checkpoint:
          let stored = try StoredCheckpoint(json: record.content)
          entries[stored.header.id, default: []].append(record.uniqueID)
          see(stored.header.sequence, by: stored.header.stamp.host, own: host)
          witness(stored.header.stamp)
          // Of unlike entries of one id the first written is it: a later one cannot take its place, unless the first
          // is damaged and the later is sound.
          if let standing = byID[stored.header.id] {
            if standing != stored, standing.isDamaged, stored.isSound { byID[stored.header.id] = stored }
          } else {
            byID[stored.header.id] = stored
          }
        case CheckpointKind.session:
          let session = try CheckpointSession(json: record.content)
          // The last one written says how it stands.
          sessionsByID[session.id] = session
        case CheckpointKind.annotation:
          let annotation = try CheckpointAnnotation(json: record.content)
          entries[annotation.id, default: []].append(record.uniqueID)
          witness(annotation.stamp)
          annotationsByID[annotation.id] = annotation
        case CheckpointKind.counter:
          var reader = try MemberReader(record.content, what: "counter")
          if let sequence = try reader.integer("sequence") { see(sequence, by: record.stamp.host, own: host) }
          for (name, value) in try reader.object("newest")?.members ?? [:] {
            guard let text = JSONReader.Value(bytes: value).text, let instant = Instant(rfc3339: text) else { continue }
            witness(Stamp(instant: instant, host: name))
          }
        default: break
        }
      } catch {
        // Annotations of other programs have this kind too; they are none of ours.
        guard record.kind != CheckpointKind.annotation else { continue }
        unreadable.append((id, error.message))
      }
    }
    checkpoints = byID.values.sorted { CheckpointHeader.isBefore($0.header, $1.header) }
    sessions = sessionsByID.values.sorted { ($0.started, $0.id) < ($1.started, $1.id) }
    annotations = annotationsByID.values.sorted { ($0.stamp, $0.id) < ($1.stamp, $1.id) }
    for (index, checkpoint) in checkpoints.enumerated() { places[checkpoint.header.id] = index }
  }

  private mutating func see(_ sequence: Int, by writer: ByteString, own: ByteString?) {
    // A broken or hostile counter elsewhere must not use ours up.
    guard sequence <= (writer == own ? CheckpointLimits.greatestSequence : CheckpointLimits.greatestForeignSequence)
    else { return }
    greatestSequence = max(greatestSequence, sequence)
  }

  private mutating func witness(_ stamp: Stamp) {
    newestOf[stamp.host] = max(newestOf[stamp.host] ?? stamp.instant, stamp.instant)
  }

  /// The number of the next checkpoint of this host.
  func nextSequence() throws(CheckpointError) -> Int {
    guard greatestSequence < CheckpointLimits.greatestSequence else {
      throw CheckpointError(.tooLarge, "no sequence number is left")
    }
    return greatestSequence + 1
  }

  /// A time for something new: the wall clock's, but after everything this host has made before.
  func nextInstant(wall: Instant, host: ByteString) -> Instant {
    let wall = min(max(wall, .epoch), .latest)
    guard let newest = newestOf[host], newest >= wall else { return wall }
    return newest.nextTick
  }

  func session(_ id: CheckpointID) -> CheckpointSession? { sessions.first { $0.id == id } }

  func checkpoint(_ id: CheckpointID) -> StoredCheckpoint? { places[id].map { checkpoints[$0] } }

  /// The one checkpoint that `reference` names: an id or the beginning of one (four digits at least), `NUMBER` or
  /// `NUMBER@HOST`, `latest`.
  func find(_ reference: String, session: CheckpointID? = nil) throws(CheckpointError) -> StoredCheckpoint {
    let found: [StoredCheckpoint]
    if let id = CheckpointID(reference) {
      found = checkpoint(id).map { [$0] } ?? []
    } else if reference == "latest" {
      found = checkpoints.last { session == nil || $0.header.session == session }.map { [$0] } ?? []
    } else {
      let parts = reference.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let host = parts.count == 2 ? ByteString(parts[1]) : nil
      let numbered =
        Int(parts[0]).map { number in
          checkpoints.filter { $0.header.sequence == number && (host == nil || $0.header.stamp.host == host) }
        } ?? []
      let prefix = reference.lowercased()
      let named =
        prefix.utf8.count >= 4 && host == nil
        ? checkpoints.filter { $0.header.id.bytes.bytes.starts(with: prefix.utf8) } : []
      // A number is a number first; an id that only begins like it has more digits to be named by.
      found = numbered.isEmpty ? named : numbered
    }
    guard let first = found.first else {
      throw CheckpointError(
        .notFound, "no checkpoint is called \"\(reference)\"",
        remedy: "`crdt-agent checkpoint list` names those that are there")
    }
    guard found.count == 1 else {
      let names = found.prefix(4).map { "\($0.header.sequence)@\($0.header.stamp.host) (\($0.header.id.short))" }
      throw CheckpointError(
        .usage, "\"\(reference)\" is \(found.count) checkpoints: \(names.joined(separator: ", "))",
        remedy: "Give more of the id, or NUMBER@HOST")
    }
    return first
  }

  /// The one session that `reference` names: an id or the beginning of one, or a name.
  func findSession(_ reference: ByteString) throws(CheckpointError) -> CheckpointSession {
    if let id = CheckpointID(reference), let session = session(id) { return session }
    let named = sessions.filter { $0.name == reference && !$0.name.isEmpty }
    let prefix = Array(reference.description.lowercased().utf8)
    let begun = prefix.count >= 4 ? sessions.filter { $0.id.bytes.bytes.starts(with: prefix) } : []
    let found = named.isEmpty ? begun : named
    guard let last = found.last else {
      throw CheckpointError(
        .notFound, "no session is called \"\(reference)\"",
        remedy: "`crdt-agent checkpoint session list` names those that are there")
    }
    guard found.count == 1 else {
      throw CheckpointError(
        .usage, "\"\(reference)\" is \(found.count) sessions",
        remedy: "Give more of the id: \(found.prefix(4).map(\.id.short).joined(separator: ", "))")
    }
    return last
  }
}
