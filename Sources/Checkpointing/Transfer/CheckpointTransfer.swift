import CRDT
import Memory
import Replication

/// Checkpoints as a file to carry by hand: JSON Lines, so that a person can read it and a program need not hold it all.
///
/// A first line that says what it is; then `{"session":…}`, `{"checkpoint":…}` with state and checksum, `{"annotation":…}`
/// in any order; and a last line with the count, by which a file that was cut off is known.
enum CheckpointTransfer {
  static let name = "crdt-checkpoints"
  static let version = 1

  /// What a file holds.
  struct Content {
    var sessions: [CheckpointSession] = []
    /// Each as it stands, read as far as it can be.
    var checkpoints: [StoredCheckpoint] = []
    /// Lines that are no checkpoint, and why.
    var unreadable: [(line: Int, reason: String)] = []
    var annotations: [CheckpointAnnotation] = []
  }

  static func written(
    sessions: [CheckpointSession], checkpoints: [[UInt8]], annotations: [CheckpointAnnotation]
  ) -> [UInt8] {
    var output: [UInt8] = []
    func line(_ name: ByteString, _ json: [UInt8]) {
      var object = CanonicalObject()
      object.members[name] = json
      output += object.bytes + [0x0A]
    }
    var header = CanonicalObject()
    header.set("format", name)
    header.set("version", version)
    output += header.bytes + [0x0A]
    for session in sessions { line("session", session.json) }
    for checkpoint in checkpoints { line("checkpoint", checkpoint) }
    for annotation in annotations { line("annotation", annotation.json) }
    line("end", Array(String(sessions.count + checkpoints.count + annotations.count).utf8))
    return output
  }

  /// Reads a file. Throws `.badData` for one that is something else, or was cut off; nothing of it is used then.
  static func read(_ bytes: [UInt8], source: String) throws(CheckpointError) -> Content {
    var content = Content()
    var count = 0
    var end: Int?
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let number = index + 1
      if line.allSatisfy({ $0 <= 0x20 }) { continue }
      guard end == nil else { throw refused(source, number, "text after the end") }
      if index == 0 {
        var reader = try MemberReader(Array(line), what: "\(source):1")
        guard try reader.text("format") == ByteString(name) else {
          throw refused(source, 1, "this is no export of checkpoints")
        }
        guard try reader.integer("version") == version else {
          throw refused(source, 1, "a form that only a newer crdt-agent reads")
        }
        continue
      }
      // What is in the line is read again, as deep as it may be.
      var reader = try MemberReader(Array(line), what: "\(source):\(number)", levelsAround: 0)
      if let json = reader.take("end") {
        guard let value = Int(String(decoding: json, as: UTF8.self)) else {
          throw refused(source, number, "the end says no count")
        }
        end = value
        continue
      }
      count += 1
      if let json = reader.take("session") {
        content.sessions.append(try CheckpointSession(json: json))
      } else if let json = reader.take("annotation") {
        content.annotations.append(try CheckpointAnnotation(json: json))
      } else if let json = reader.take("checkpoint") {
        do throws(CheckpointError) { content.checkpoints.append(try StoredCheckpoint(json: json)) } catch {
          content.unreadable.append((number, error.message))
        }
      } else {
        throw refused(source, number, "neither session nor checkpoint nor annotation")
      }
    }
    guard let end else { throw refused(source, lines.count, "the file was cut off: its end is missing") }
    guard end == count else { throw refused(source, lines.count, "the file holds \(count) items and says \(end)") }
    return content
  }

  private static func refused(_ source: String, _ line: Int, _ reason: String) -> CheckpointError {
    CheckpointError(.badData, "\(source):\(line): \(reason)", remedy: "Nothing was imported")
  }
}

extension CheckpointService {
  /// Checkpoints with their states, sessions and annotations as one file. Every checksum is verified: throws
  /// `.checksumMismatch` for a damaged one rather than to pass it on. A legacy one is passed on as what it is.
  public func export(_ query: CheckpointQuery = CheckpointQuery()) throws(CheckpointError) -> [UInt8] {
    try exporting(query).bytes
  }

  /// The same, with a report.
  /// - Parameter skipsInvalid: leave out what is damaged, and name it, rather than to write nothing.
  public func exporting(_ query: CheckpointQuery = CheckpointQuery(), skipsInvalid: Bool = false)
    throws(CheckpointError) -> CheckpointExport
  {
    try gated { () throws(CheckpointError) in
      let catalog = try catalog()
      let found = try matching(query, in: catalog)
      var lines: [[UInt8]] = []
      var (ids, sessions): (Set<CheckpointID>, Set<CheckpointID>) = ([], [])
      var leftOut: [CheckpointValidation] = []
      for stored in found {
        do throws(CheckpointError) {
          let state = try stateBytes(of: stored)
          _ = try stored.checkpoint(state: state, acceptsLegacy: true)
          lines.append(stored.json(state: state ?? []))
          ids.insert(stored.header.id)
          sessions.insert(stored.header.session)
        } catch {
          guard skipsInvalid else {
            throw CheckpointError(
              error.code, error.message, remedy: "Nothing was exported. Leave out what is damaged with --skip-invalid",
              underlyingExitCode: error.underlyingExitCode)
          }
          leftOut.append(
            CheckpointValidation(
              header: stored.header, id: stored.header.id.bytes, verdict: .invalid, reason: error.message))
        }
      }
      // What an entry that cannot be read would be, nothing tells: of all, it is one.
      if query == CheckpointQuery() {
        for (id, reason) in catalog.unreadable {
          leftOut.append(CheckpointValidation(header: nil, id: id, verdict: .invalid, reason: reason))
        }
      }
      let exported = lines.count
      count { $0.exported += exported }
      let bytes = CheckpointTransfer.written(
        sessions: catalog.sessions.filter { sessions.contains($0.id) }, checkpoints: lines,
        annotations: catalog.annotations.filter { ids.contains($0.checkpoint) })
      return CheckpointExport(bytes: bytes, checkpointCount: exported, leftOut: leftOut)
    }
  }

  /// Takes in a file of ``export(_:)``. What is here already is skipped, and what was deleted; every checksum is verified.
  ///
  /// Without `skipsInvalid` one bad checkpoint means that nothing is imported.
  /// - Parameters:
  ///   - source: the file's name, for errors.
  ///   - skipsInvalid: import what is good, and report the rest.
  ///   - acceptsLegacy: import those of a time before checksums as they are.
  ///   - revivesDeleted: import deleted ones again, for every host.
  public func importing(
    _ bytes: [UInt8], source: String, skipsInvalid: Bool = false, acceptsLegacy: Bool = false,
    revivesDeleted: Bool = false, allowedSecretRules: Set<ByteString> = []
  ) throws(CheckpointError) -> CheckpointImportReport {
    try gated { () throws(CheckpointError) in
      guard bytes.count <= CheckpointLimits.transferBytes else {
        throw CheckpointError(
          .tooLarge, "\(source) has \(bytes.count) bytes; \(CheckpointLimits.transferBytes) at most")
      }
      let content = try CheckpointTransfer.read(bytes, source: source)
      var rules = ImportRules(
        acceptsLegacy: acceptsLegacy, scanner: try secretScanner(allowing: allowedSecretRules))
      if !revivesDeleted {
        let ids = Set(content.checkpoints.map(\.header.id))
        // What lives now and no longer when the lock is held, was deleted in between.
        rules.gone = Set(try catalog().checkpoints.map(\.header.id)).intersection(ids)
        rules.gone.formUnion(try store.deleted(among: ids))
      }
      let report = try update { [rules] (catalog, _, change) throws(CheckpointError) -> CheckpointImportReport in
        var report = CheckpointImportReport()
        for (line, reason) in content.unreadable {
          report.invalid.append(
            CheckpointValidation(header: nil, id: ByteString("line \(line)"), verdict: .invalid, reason: reason))
        }
        var taken: Set<CheckpointID> = []
        for stored in content.checkpoints where taken.insert(stored.header.id).inserted {
          try CheckpointService.take(stored, catalog, &report, &change, rules)
        }
        guard report.invalid.isEmpty || skipsInvalid else {
          change = CheckpointChange()
          var refused = CheckpointImportReport()
          refused.invalid = report.invalid
          return refused
        }
        for session in content.sessions where catalog.session(session.id) == nil {
          try CheckpointService.refuseSecrets(in: session.json, rules.scanner)
          change.records.append(CheckpointService.record(session))
          report.sessionCount += 1
        }
        let there = Set(catalog.annotations.map(\.id))
        let known = Set(report.imported.map(\.id) + report.existing)
        for annotation in content.annotations
        where !there.contains(annotation.id) && known.contains(annotation.checkpoint) {
          try CheckpointService.refuseSecrets(in: annotation.json, rules.scanner)
          change.records.append(
            NewRecord(id: annotation.id.bytes, kind: CheckpointKind.annotation, content: annotation.json))
          report.annotationCount += 1
        }
        change.notices = notices(of: report.imported.map { .created($0) })
        change.message = "\(report.imported.count) checkpoint\(report.imported.count == 1 ? "" : "s") imported"
        return report
      }
      count { $0.imported += report.imported.count }
      tell(report.imported.map { .created($0) })
      return report
    }
  }

  private struct ImportRules {
    var acceptsLegacy: Bool
    var scanner: SecretScanner
    /// Those that are deleted where they are not there.
    var gone: Set<CheckpointID> = []
  }

  private static func take(
    _ stored: StoredCheckpoint, _ catalog: CheckpointCatalog, _ report: inout CheckpointImportReport,
    _ change: inout CheckpointChange, _ rules: ImportRules
  ) throws(CheckpointError) {
    let id = stored.header.id
    guard case .inline(let state) = stored.payload else {
      report.invalid.append(
        CheckpointValidation(header: stored.header, id: id.bytes, verdict: .invalid, reason: "its state is not here"))
      return
    }
    let (verdict, reason) = stored.verdict(state: state)
    func refuse() {
      report.invalid.append(
        CheckpointValidation(header: stored.header, id: id.bytes, verdict: verdict, reason: reason))
    }
    guard verdict != .invalid else { return refuse() }
    if let here = catalog.checkpoint(id) {
      // Two without a checksum are not the same for that.
      let isSame = here.checksum == stored.checksum && (stored.checksum != nil || here.header == stored.header)
      if isSame { report.existing.append(id) } else { report.conflicting.append(id) }
      return
    }
    guard !rules.gone.contains(id) else {
      report.deleted.append(stored.header)
      return
    }
    guard verdict == .valid || rules.acceptsLegacy else { return refuse() }
    try refuseSecrets(in: stored.json(state: state), rules.scanner)
    let (content, blob) = stored.entry(state: state)
    change.records.append(NewRecord(id: id.bytes, kind: CheckpointKind.checkpoint, content: content))
    if let blob { change.blobs.append(blob) }
    if verdict == .legacy { report.legacyCount += 1 }
    report.imported.append(stored.header)
  }
}
