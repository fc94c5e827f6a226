import CRDT
import Durability
import Git
import Memory

extension Store {
  /// How one attempt at a write-back ended.
  enum WriteBackEnding {
    case done(WriteBackReport)
    /// The memory file is no longer what was ingested.
    case changed
  }

  /// Brings the view into a memory file of this host, if the file is still what `pass` ingested.
  ///
  /// Order: the new bytes beside the file; the base that will hold, put aside and naming both; the rename; the base. A base
  /// that is ahead of its file would turn what the file does not show yet into deletions. One that is behind would miss
  /// what the user deletes before the next run, so a run that died is settled by what is there: see ``PreparedWrite``.
  func writeBack(_ source: MemorySource, after pass: IngestPass, reader: StateReader, progress: (String) -> Void)
    throws(ReplicationError) -> WriteBackEnding
  {
    let path = source.memory
    let state = privateState.of(source)
    let tip = try tip()
    let tips = [tip].compactMap(\.self)
    let tree = try tree(of: tip)
    let written = Store.stateDigest(tree)
    let last = try state.readIngested()
    if let last, last.memory == path, last.writtenState == written {
      let isResting = if let status = last.fileStatus { try fileStatus(path) == status } else { false }
      if isResting || pass.reading?.digest == last.fileDigest {
        var report = WriteBackReport()
        report.unwritable = last.unwritable
        warn(ofUnwritable: report.unwritable.map { ($0, nil) }, source, last.counts.format, reader)
        return .done(report)
      }
    }
    let found: MemoryReading
    if let read = pass.reading {
      found = read
    } else {
      found = try Store.readMemory(path, effects: effects)
      guard found.digest == last?.fileDigest else { return .changed }
    }

    if pass.counts.quarantined > 0, case .file(let bytes) = found.content,
      let document = try? MemoryDocument.parse(bytes, source: path, format: pass.counts.format),
      document.items.contains(where: Quarantine.isConflictMarker)
    {
      // Both sides of a merge are in it, and which of them is meant is not ours to say.
      reader.warn("\(path): git left conflict markers in it; it is not written back until they are resolved")
      return .done(WriteBackReport())
    }

    let table = try reader.table(of: tree, tips: tips)
    let winners = table.join()
    let kept = Set(try state.readHeld().map(\.contentDigest))
    func isKept(_ item: MemoryDocument.Item) -> Bool { !kept.isEmpty && kept.contains(ContentDigest(of: item.content)) }
    let previous = try state.readBase()
    let (reading, format) = try formToCreate(source, found, pass.counts.format, base: previous)
    var ingested = pass.counts
    ingested.format = format
    let (made, report) = try planned(
      source, reading, ingested, showing: table, winners, previous: previous, reader, isKept: isKept)
    // No file stands for no memory: there is nothing to make one for.
    if reading.information == nil, made.new.items.isEmpty { return .done(report) }

    let base = IngestBase.ofWrittenView(
      made.new, fileDigest: made.digest, known: KnownState(table: table, winners: winners, source: source.key),
      previous: previous, keeping: isKept)
    if report.isWritten {
      guard try write(made, over: reading, at: path, base: base, state: state) else { return .changed }
      progress("wrote \(made.new.items.count) entries into \(path)")
    } else {
      try state.write(base)
    }
    var counts = IngestCounts(format: made.new.format)
    counts.unchanged = made.new.items.count
    counts.quarantined = pass.counts.quarantined
    try state.write(
      PrivateState.Ingested(
        memory: path, fileDigest: kept.isEmpty ? base.fileDigest : "", counts: counts, commit: tip,
        fileStatus: nil, writtenState: written, unwritable: report.unwritable))
    return .done(report)
  }

  /// What a write-back would do after an ingest that was not committed, as far as this store knows of other hosts.
  func previewWriteBack(_ source: MemorySource, after pass: IngestPass, identity: Identity, reader: StateReader)
    throws(ReplicationError) -> WriteBackReport
  {
    let tip = try tip()
    var table = try reader.table(of: try tree(of: tip), tips: [tip].compactMap(\.self))
    if !pass.uncommitted.isEmpty {
      let uncommitted = Source(
        name: StoreTree.stateFileName(of: identity.host.text), bytes: Store.state(of: pass.uncommitted),
        host: identity.host)
      do throws(MemoryError) { try table.add(uncommitted) } catch { throw ReplicationError(error) }
    }
    let reading: MemoryReading
    if let read = pass.reading {
      reading = read
    } else {
      reading = try Store.readMemory(source.memory, effects: effects)
    }
    let state = privateState.of(source)
    let kept = Set(try state.readHeld().map(\.contentDigest)).union(pass.counts.heldBack.map(\.contentDigest))
    let previous: IngestBase?
    if let base = pass.unwrittenBase { previous = base } else { previous = try state.readBase() }
    return try planned(
      source, reading, pass.counts, showing: table, table.join(), previous: previous, reader,
      isKept: { !kept.isEmpty && kept.contains(ContentDigest(of: $0.content)) }
    ).report
  }

  /// The memory as it is to be, and what that changes.
  private func planned(
    _ source: MemorySource, _ reading: MemoryReading, _ counts: IngestCounts, showing table: EntryTable,
    _ winners: [Int], previous: IngestBase?, _ reader: StateReader, isKept: (MemoryDocument.Item) -> Bool
  ) throws(ReplicationError) -> (made: Rendering, report: WriteBackReport) {
    let view = table.entries(table.view(of: winners).filter { table.entrySource($0) == source.key })
    let made: Rendering =
      switch reading.content {
      case .file(let bytes):
        try rendering(of: view, into: bytes, reading, source: source, format: counts.format, isKept: isKept)
      case .folder(let folder): try rendering(of: view, into: folder, source: source, isKept: isKept)
      }
    var report = WriteBackReport(from: made.old.items, to: made.new.items)
    report.unwritable = made.unwritable.map(\.id)
    warn(ofUnwritable: made.unwritable, source, made.new.format, reader)
    warn(ofDuplicatesIn: made, source, reader)
    let vanished = Set((previous?.items ?? []).filter(\.isVanished).map(\.id))
    report.returned = vanished.isEmpty ? 0 : Set(made.new.items.map(\.id)).intersection(vanished).count
    report.conflicts = table.conflicts().filter { $0.source == source.key }.map(\.id)
    report.isWritten = reading.information == nil ? !made.new.items.isEmpty : made.digest != reading.digest
    return (made, report)
  }

  private func warn(
    ofUnwritable entries: [(id: ByteString, reason: String?)], _ source: MemorySource, _ format: MemoryFormat,
    _ reader: StateReader
  ) {
    guard let first = entries.first else { return }
    let why = first.reason.map { ": \($0)" } ?? ""
    reader.warn(
      "\(source.memory): \(entries.count) entr\(entries.count == 1 ? "y" : "ies") cannot be kept in \(format.summary), and "
        + "\(entries.count == 1 ? "is" : "are") in the store only (\(first.id)\(why)\(entries.count > 1 ? ", …" : ""))")
  }

  /// The view has one value an id, so an id that stands twice in a file is brought down to one.
  private func warn(ofDuplicatesIn made: Rendering, _ source: MemorySource, _ reader: StateReader) {
    var lines: [ByteString: [Int]] = [:]
    for item in made.old.items { lines[item.id, default: []].append(item.line) }
    var present: [ByteString: Int] = [:]
    for item in made.new.items { present[item.id, default: 0] += 1 }
    let merged = lines.filter { $0.value.count > 1 && (present[$0.key] ?? 0) == 1 }.sorted { $0.key < $1.key }
    guard let (id, places) = merged.first else { return }
    reader.warn(
      "\(source.memory): \(id) stood \(places.count) times (lines \(places.map(String.init).joined(separator: ", "))), and "
        + "once now\(merged.count > 1 ? ", and so \(merged.count - 1) more" : ""): `crdt-backup log` has every value")
  }

  /// What tells whether anything was written by any host since: equal for equal host files.
  static func stateDigest(_ tree: StoreTree) -> String {
    let lines = tree.stateFiles.map { "\($0.key) \($0.value)\n" }.sorted { ByteString($0) < ByteString($1) }
    return EntryIdentity.hexDigest(of: lines.flatMap { Array($0.utf8) })
  }

  // MARK: The new bytes

  /// A memory as it is to be.
  struct Rendering {
    enum Output {
      case file([UInt8])
      case folder(MemoryFolder, [NoteChange])
    }
    var old: MemoryDocument
    var output: Output
    var new: MemoryDocument
    var digest: String
    var unwritable: [(id: ByteString, reason: String?)]
  }

  /// The changes in a folder of notes, and what it holds then.
  private func rendering(
    of view: [Entry], into folder: MemoryFolder, source: MemorySource, isKept: (MemoryDocument.Item) -> Bool
  ) throws(ReplicationError) -> Rendering {
    do throws(MemoryError) {
      let files = folder.notes.map(\.file)
      let old = try NotesFolder.document(of: files)
      var changes = try NotesFolder.changes(from: files, toHold: view, keeping: isKept)
      for (index, change) in changes.enumerated() {
        guard case .write(let file) = change else { continue }
        let obstacle = try? MemoryFolder.obstacle(to: file.path, in: source.memory, effects.fileSystem)
        if let obstacle { changes[index] = .skip(file.path, reason: obstacle) }
      }
      let written = folder.applying(changes)
      let new = try NotesFolder.document(of: written)
      let present = Set(new.items.map(\.id))
      var unwritable: [(id: ByteString, reason: String?)] = changes.compactMap { change in
        if case .skip(let path, let reason) = change { (path, reason) } else { nil }
      }
      let named = Set(unwritable.map(\.id))
      unwritable += view.map(\.id).filter { !present.contains($0) && !named.contains($0) }.map { ($0, nil) }
      return Rendering(
        old: old, output: .folder(folder, changes), new: new, digest: MemoryFolder.digest(of: written),
        unwritable: unwritable)
    } catch {
      throw ReplicationError(error)
    }
  }

  /// The file made to hold the view, and read again: what comes back as something else is left out, or the next ingest
  /// would take it for an edit.
  private func rendering(
    of view: [Entry], into present: [UInt8], _ reading: MemoryReading, source: MemorySource, format: MemoryFormat,
    isKept: (MemoryDocument.Item) -> Bool
  ) throws(ReplicationError) -> Rendering {
    func parsed(_ bytes: [UInt8]) throws(ReplicationError) -> MemoryDocument {
      if bytes.isEmpty { return MemoryDocument(format: format, items: []) }
      do { return try MemoryDocument.parse(bytes, source: source.memory, format: format) } catch {
        throw ReplicationError(error)
      }
    }
    let isBlank = reading.isBlank
    let old = isBlank ? MemoryDocument(format: format, items: []) : try parsed(present)
    if isBlank, format.gainedTogether(view).isEmpty {
      return Rendering(
        old: old, output: .file(present), new: old, digest: reading.digest, unwritable: view.map { ($0.id, nil) })
    }

    struct Value: Hashable {
      var id: ByteString
      var content: ContentDigest

      init(_ id: ByteString, _ content: [UInt8]) {
        self.id = id
        self.content = ContentDigest(of: content)
      }
    }
    let keptIDs = Set(old.items.filter(isKept).map(\.id))
    var entries = view
    var unwritable: [ByteString] = []
    while true {
      let bytes =
        isBlank
        ? format.render(format.gainedTogether(entries)) : old.rewritten(present, toHold: entries, keeping: isKept)
      let new: MemoryDocument
      do throws(ReplicationError) { new = try parsed(bytes) } catch {
        throw ReplicationError(
          .badData, "\(source.memory): the merged memory leaves nothing in it that could be read again",
          remedy: "The file was left alone. Mend the lines that cannot be read, or take them out, and run again")
      }
      let shown = Set(entries.map { Value($0.id, $0.content) })
      let found = Set(new.items.map { Value($0.id, $0.content) })
      let missing = Set(shown.subtracting(found).map(\.id)).subtracting(keptIDs)
      let hasAliens = new.items.contains {
        $0.kind != Quarantine.kind && !isKept($0) && !shown.contains(Value($0.id, $0.content))
      }
      if !hasAliens {
        return Rendering(
          old: old, output: .file(bytes), new: new, digest: EntryIdentity.hexDigest(of: bytes),
          unwritable: (unwritable + missing.sorted()).map { ($0, nil) })
      }
      guard !missing.isEmpty else {
        throw ReplicationError(
          .internal, "\(source.memory): the merged memory would not be read back as it is",
          remedy: "The memory file was left alone; everything is in the store")
      }
      entries.removeAll { missing.contains($0.id) }
      unwritable += missing.sorted()
    }
  }

  /// The format a memory file is created in: the one that was named, else what it had here, else what most hosts use;
  /// `nil` where nobody has it yet.
  func knownFormat(_ source: MemorySource, base: IngestBase?) throws(ReplicationError) -> MemoryFormat? {
    if let format = source.format ?? base?.format { return format }
    let name = ByteString(source.name ?? "")
    let own = settings.host.map { StoreTree.hostRecordName(of: $0.text) }
    var votes: [MemoryFormat: Int] = [:]
    for (path, id) in try tree(of: try tip()).hostRecords {
      let bytes = try replicating { () throws(GitError) in try repository.readBlob(id) }
      guard let format = HostRecord(bytes)?.formats[name],
        let known = MemoryFormat(rawValue: String(decoding: format.bytes, as: UTF8.self))
      else { continue }
      if path == own { return known }
      votes[known, default: 0] += 1
    }
    let best = votes.max { ($0.value, ByteString($1.key.rawValue)) < ($1.value, ByteString($0.key.rawValue)) }
    return best?.key
  }

  /// What is to be created where nothing is: since it was looked at, the sync may have told in which form others keep it.
  private func formToCreate(
    _ source: MemorySource, _ reading: MemoryReading, _ format: MemoryFormat, base: IngestBase?
  ) throws(ReplicationError) -> (MemoryReading, MemoryFormat) {
    guard case .file = reading.content, reading.isBlank, let known = try knownFormat(source, base: base),
      known != format, !known.isFolder || reading.information == nil
    else { return (reading, format) }
    var reading = reading
    if known.isFolder { reading.content = .folder(MemoryFolder()) }
    return (reading, known)
  }
}
