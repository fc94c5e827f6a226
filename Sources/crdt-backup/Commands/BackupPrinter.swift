import CRDT
import CommandSupport
import Git
import Memory
import Replication

/// Prints what a backup did, for people or as JSON.
struct BackupPrinter {
  let console: Console
  let folder: String

  /// - Parameter change: members of the JSON object that say what the command changed before.
  func show(_ report: BackupReport, command: String, change: (inout JSONWriter) -> Void = { _ in }) {
    for warning in report.warnings { console.warn(warning) }
    if !report.heldBack.isEmpty { console.warn(HeldBackText.warning(report.heldBack)) }
    if console.options.json {
      console.object(command) { object in
        change(&object)
        json(report, &object)
      }
    } else {
      text(report)
    }
    if case .notOnRemote(let error) = report.outcome { console.fail(error.description) }
    for source in report.sources {
      if let failure = source.failure { console.fail(failure.description) }
    }
  }

  private func text(_ report: BackupReport) {
    if let old = report.renamedFrom {
      console.say("Another installation writes as \(old): this one is \(report.host) from now on")
    }
    for source in report.sources { text(source, report) }
    if report.sources.isEmpty {
      console.say(
        bold: report.host.text, ": no memory file is set (give one with --memory); only merging")
    }
    if report.isDryRun {
      console.say("Nothing was written (--dry-run)")
      return
    }
    let remote = report.remote.map(Redaction.url) ?? "the remote"
    let commit = report.commit.map { "commit \($0.short)" } ?? "no commit"
    console.say("Saved in \(folder) (\(commit))")
    switch report.outcome {
    case .verified: console.say("Verified on \(remote), branch \(report.branch)")
    case .noRemote where report.isOffline && report.remote != nil:
      console.say("Offline: not verified on \(remote); the next run without --offline does that")
    case .noRemote: console.say("No remote is set: on this host only (give one with --remote)")
    case .notOnRemote: break
    }
  }

  private func text(_ source: SourceReport, _ report: BackupReport) {
    if let ingest = source.ingest {
      let would = report.isDryRun ? "would be " : ""
      let parts = [
        ingest.added > 0 ? "\(ingest.added) \(would)added" : nil,
        ingest.changed > 0 ? "\(ingest.changed) \(would)changed" : nil,
        ingest.deleted > 0 ? "\(ingest.deleted) \(would)deleted" : nil,
        ingest.recognised > 0 ? "\(ingest.recognised) known from elsewhere" : nil,
        ingest.unchanged > 0 ? "\(ingest.unchanged) unchanged" : nil,
        ingest.heldBack.isEmpty ? nil : "\(ingest.heldBack.count) \(would)held back",
      ].compactMap(\.self)
      let name = source.source.name.map { ", \($0)" } ?? ""
      console.say(
        bold: report.host.text,
        "\(name): \(source.source.memory) (\(ingest.format.rawValue)): "
          + (parts.isEmpty ? "no entries" : parts.joined(separator: ", ")))
      if ingest.quarantined > 0 {
        console.say(
          ingest.quarantined == 1
            ? "1 line that cannot be read, kept as it is"
            : "\(ingest.quarantined) lines that cannot be read, kept as they are")
      }
      if ingest.outlived > 0 {
        console.say("\(ingest.outlived) deleted here and not gone: changed elsewhere, which this file had not shown")
      }
      if ingest.vanished > 0, !(source.writeBack?.returned ?? 0 > 0) {
        console.say("\(ingest.vanished) no longer in the memory file, kept")
      }
    }
    if let back = source.writeBack { text(back, source, isDryRun: report.isDryRun) }
  }

  private func text(_ back: WriteBackReport, _ source: SourceReport, isDryRun: Bool) {
    if back.isWritten { change(back, source, isDryRun: isDryRun) }
    guard let first = back.conflicts.first else { return }
    console.say(
      "\(back.conflicts.count) in conflict (\(first)\(back.conflicts.count > 1 ? ", …" : "")), the later value is "
        + "shown: crdt-backup conflicts shows the others")
  }

  private func change(_ back: WriteBackReport, _ source: SourceReport, isDryRun: Bool) {
    let parts = [
      back.added > 0 ? "\(back.added) added" : nil, back.changed > 0 ? "\(back.changed) changed" : nil,
      back.removed > 0 ? "\(back.removed) removed" : nil,
    ].compactMap(\.self)
    let change = parts.isEmpty ? "new layout" : parts.joined(separator: ", ")
    console.say(
      isDryRun
        ? "Would write back to \(source.source.memory), by what this store knows now: \(change)"
        : "Written back to \(source.source.memory): \(change)")
    guard back.returned > 0 else { return }
    let verb = isDryRun ? "would be back" : "back now"
    console.say(
      source.ingest.map { $0.quarantined > 0 } ?? false
        ? "\(back.returned) of them may be in a line that cannot be read: no deletion, so \(verb)"
        : "\(back.returned) of them had left the file while it was only backed up: kept then, so \(verb)")
  }

  private func json(_ report: BackupReport, _ object: inout JSONWriter) {
    object.member("host", report.host.text)
    object.member("renamedFrom", report.renamedFrom?.text)
    object.member("store", folder)
    object.member("memory", report.memory)
    object.member("remote", report.remote.map(Redaction.url))
    object.member("branch", report.branch)
    object.member("dryRun", report.isDryRun)
    if let unnamed = report.unnamed { json(unnamed, isDryRun: report.isDryRun, &object) }
    object.array("sources") { array in
      for source in report.sources where source.source.name != nil {
        array.object { object in
          object.member("name", source.source.name)
          object.member("memory", source.source.memory)
          json(source, isDryRun: report.isDryRun, &object)
        }
      }
    }
    object.member("commit", report.commit?.description)
    switch report.outcome {
    case .verified: object.member("outcome", "verified")
    case .noRemote: object.member("outcome", report.isOffline && report.remote != nil ? "offline" : "no-remote")
    case .notOnRemote(let error):
      object.member("outcome", "not-on-remote")
      object.object("error") { object in
        object.member("code", error.code.rawValue)
        object.member("message", error.message)
        object.member("remedy", error.remedy)
      }
    }
    object.member("attempts", report.attempts)
    HeldBackText.json(report.heldBack, &object)
    object.array("warnings") { array in for warning in report.warnings { array.element(warning) } }
    object.member("exitCode", Int(report.exitCode))
  }

  private func json(_ source: SourceReport, isDryRun: Bool, _ object: inout JSONWriter) {
    if let ingest = source.ingest {
      object.object("ingest") { object in
        object.member("format", ingest.format.rawValue)
        object.member("added", ingest.added)
        object.member("changed", ingest.changed)
        object.member("unchanged", ingest.unchanged)
        object.member("recognised", ingest.recognised)
        object.member("vanished", ingest.vanished)
        object.member("deleted", ingest.deleted)
        object.member("outlived", ingest.outlived)
        object.member("quarantined", ingest.quarantined)
      }
    }
    if let back = source.writeBack {
      object.object("writeBack") { object in
        object.member("written", back.isWritten && !isDryRun)
        object.member("added", back.added)
        object.member("changed", back.changed)
        object.member("removed", back.removed)
        object.member("returned", back.returned)
        object.array("conflicts") { array in
          for id in back.conflicts { array.rawElement(JSONText.quoted(id.bytes)) }
        }
        object.array("unwritable") { array in
          for id in back.unwritable { array.rawElement(JSONText.quoted(id.bytes)) }
        }
      }
    }
    if let failure = source.failure {
      object.object(source.ingestFailure == nil ? "writeBackError" : "ingestError") { object in
        object.member("code", failure.code.rawValue)
        object.member("message", failure.message)
        object.member("remedy", failure.remedy)
      }
    }
  }
}
