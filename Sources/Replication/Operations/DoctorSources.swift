import CRDT
import Durability
import Glibc
import Memory

extension Store {
  /// Looks at every memory of this host as the next backup will: whether it is there, can be read, and is what it was.
  func examineSources() -> [Finding] {
    let sources = settings.sources
    if sources.isEmpty {
      return [
        Finding("memory", .note, "no memory file is set; only merging", remedy: "Give one: crdt-backup --memory FILE")
      ]
    }
    var findings: [Finding] = []
    for source in sources {
      let check = source.name.map { "source \($0)" } ?? "memory"
      do throws(ReplicationError) { findings += try examine(source, as: check) } catch {
        findings.append(Finding(check, error))
      }
    }
    return findings
  }

  private func examine(_ source: MemorySource, as check: String) throws(ReplicationError) -> [Finding] {
    let path = source.memory
    let base = try privateState.of(source).readBase()
    if source.isWrittenBack, base?.items.allSatisfy(\.isVanished) ?? true {
      let there = try storing { () throws(StorageError) in try effects.fileSystem.information(path) }
      guard there != nil, try !Store.readMemory(path, effects: effects).isBlank else {
        return [Finding(check, .note, "\(path): nothing in it yet; the next backup writes the memory into it")]
      }
    }
    let reading = try Store.readMemory(path, effects: effects)
    if let base {
      let isFolder = if case .folder = reading.content { true } else { false }
      guard base.format.isFolder == isFolder else {
        throw ReplicationError(
          .noInput,
          "\(path): was a \(isFolder ? "file" : "folder") at the last backup, and is a "
            + "\(isFolder ? "folder" : "file") now", remedy: "Put it back, or give another --memory")
      }
    }
    if case .folder(let folder) = reading.content, source.isWrittenBack {
      try refuseHidden(folder, in: path, base: base)
    }
    let document = try reading.document(path, format: source.format)
    var findings: [Finding] = []
    let damaged = document.items.filter { $0.kind == Quarantine.kind }
    if let first = damaged.first {
      findings.append(
        Finding(
          check, .note,
          "\(path):\(first.line): a line that cannot be read\(damaged.count > 1 ? ", and \(damaged.count - 1) more" : "")",
          remedy: "It is kept as it is; mend it in the file, or take it out"))
    }
    if case .folder(let folder) = reading.content, let first = folder.passedOver.first {
      let more = folder.passedOver.count > 1 ? ", and \(folder.passedOver.count - 1) more" : ""
      findings.append(
        Finding(
          check, .note, "\(path)/\(first): a link is not followed\(more)",
          remedy: "What is behind it is not backed up; put the files themselves there"))
    }
    if let base, base.format != document.format {
      findings.append(
        Finding(
          check, .note,
          "\(path): reads as \(document.format.rawValue), and was \(base.format.rawValue) at the last backup",
          remedy: "Where that is not meant, say it with --format \(base.format.rawValue)"))
    }
    if source.isWrittenBack, let finding = try examineWritability(of: path, reading, as: check) {
      findings.append(finding)
    }
    if findings.isEmpty {
      let count = document.items.count
      findings.append(
        Finding(
          check, .ok,
          "\(path) (\(document.format.rawValue)): \(count) entr\(count == 1 ? "y" : "ies")"
            + (source.isWrittenBack ? ", written back" : "")))
    }
    return findings
  }

  /// A file is replaced by one beside it, so it is the folder that has to be writable.
  private func examineWritability(of path: String, _ reading: MemoryReading, as check: String) throws(ReplicationError)
    -> Finding?
  {
    var place = path
    if case .file = reading.content {
      let target = try storing { () throws(StorageError) in try effects.fileSystem.target(of: path) }
      place = target.lastIndex(of: "/").map { String(target[..<$0]) } ?? "."
    }
    guard access(place.isEmpty ? "/" : place, W_OK) != 0 else { return nil }
    return Finding(
      check, .problem, "\(path): written back, and the folder \(place) cannot be written to",
      remedy: "Change its mode or owner, or switch write-back off: crdt-backup --no-write-back", code: .permission)
  }
}
