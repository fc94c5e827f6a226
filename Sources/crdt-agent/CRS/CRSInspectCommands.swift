import ArgumentParser
import CRDT
import CRS
import CommandSupport
import Durability
import Memory

struct CRSStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show what the state holds, and whether all of it is safe.")

  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("status") { console in
      let access = try options.access()
      let (project, folder) = try access.known()
      let session = try access.session(project, folder) { $0.isReadOnly = true }
      let latest = session.backupMetadata
      // What is called saved is there and has its digest; only `verify` unpacks it.
      var listing = BackupStore.Listing()
      if let store = try access.storeIfAny() { listing = try store.checked(try store.newest(of: project.identity)) }
      let hosts = listing.backups
      let newer = try access.newerBackups(than: session, project, listing)
      for stored in newer { console.warn(access.tell(stored)) }
      for failure in listing.failures { console.warn("\(failure.name) cannot be used: \(failure.error)") }
      for stored in listing.unclear { console.warn(stored.whyUnclear) }
      let unsaved = session.engine.generation - min(latest?.generation ?? 0, session.engine.generation)
      for problem in session.problems { console.warn(problem) }
      console.say(bold: "project     ", project.identity.key.description)
      console.say(bold: "folder      ", folder.path)
      console.say(bold: "generation  ", String(session.engine.generation))
      console.say(
        bold: "state       ", session.engine.state.counts.map { "\($0.count) \($0.name)" }.joined(separator: ", "))
      console.say(bold: "mode        ", session.mode)
      if session.losses.givenUpCount > 0 {
        console.say(bold: "given up    ", counted(session.losses.givenUpCount, "record", "records"))
      }
      console.say(
        bold: "last save   ",
        latest.map {
          "\($0.created), \(counted(unsaved, "generation", "generations")) ago" + ($0.isComplete ? "" : ", incomplete")
        } ?? "never")
      for stored in hosts {
        console.say(
          bold: "in store    ",
          "\(stored.stamp.host), generation \(stored.metadata.generation) of \(stored.metadata.created)")
      }
      if options.output.json {
        console.object("crs status") { object in
          object.member("project", project.identity.key)
          object.member("folder", folder.path)
          object.raw("generation", Array(String(session.engine.generation).utf8))
          object.reliability(of: session)
          object.object("state") { state in
            for (name, count) in session.engine.state.counts { state.member(name, count) }
          }
          object.raw("journalRecords", Array(String(session.deltaCount).utf8))
          object.raw("lostRecords", Array(String(session.lostRecords).utf8))
          object.raw("givenUpRecords", Array(String(session.losses.givenUpCount).utf8))
          if let latest { object.raw("latestBackup", Array(latest.bytes.dropLast())) }
          object.raw("unsavedGenerations", Array(String(unsaved).utf8))
          object.array("hosts") { list in
            for stored in hosts { list.object { $0.stored(stored) } }
          }
          object.array("unreadable") { list in
            for failure in listing.failures { list.object { $0.failure(failure) } }
          }
          object.unclear(listing.unclear)
        }
      }
      if session.exitCode != 0 { return session.exitCode }
      if !newer.isEmpty { return CRSError(.gap, "").exitCode }
      return session.writeRefusal?.exitCode ?? listing.failures.exitCode
    }
  }
}

struct CRSVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every record of the journal, the backups here, and those of all hosts in the store.")

  @Flag(help: "Go on behind corrupt records of the journal, and count them.")
  var skipCorrupted = false
  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("verify") { console in
      let access = try options.access()
      let (project, folder) = try access.known()
      var failures: [String] = []
      var errors: [CRSError] = []
      var checked: [String] = []
      func check(_ name: String, _ body: () throws(CRSError) -> String) {
        do throws(CRSError) {
          checked.append("\(name): \(try body())")
        } catch {
          failures.append("\(name): \(error)")
          errors.append(error)
        }
      }
      check("journal") { () throws(CRSError) in
        guard (try? access.context.fileSystem.information(folder.journal)).flatMap({ $0 }) != nil else {
          let session = try access.session(project, folder) { $0.isReadOnly = true }
          guard session.shortfall.isEmpty else { throw CRSError(.gap, "it is gone") }
          guard session.losses.isNone else { throw CRSError(.gap, session.lossMessage) }
          return "none"
        }
        let journal = try Journal.toRead(folder.journal)
        try journal.checkIntegrity()
        let session = try access.session(project, folder) { $0.isReadOnly = true }
        let report = try journal.replay(skipsCorrupted: skipCorrupted, known: session.losses.acknowledged) {
          record throws(CRSError) in
          _ = try ChangeRecord(record.payload)
        }
        if !session.shortfall.isEmpty {
          throw CRSError(
            .gap,
            "it lacks records that it had: it was put back to an older state"
              + (session.losses.isNone ? "" : "; " + session.lossMessage))
        }
        if let stop = report.stop { throw stop }
        let lost = report.lost.filter { !session.losses.isGivenUp($0) }
        if !lost.isEmpty {
          throw CRSError(
            .corrupted, "\(counted(report.skipped, "record is", "records are")) lost, \(report.replayed) good")
        }
        guard session.losses.isNone else { throw CRSError(.gap, session.lossMessage) }
        let givenUp = session.losses.givenUpCount
        return "\(counted(report.replayed, "record is", "records are")) good"
          + (givenUp == 0 ? "" : ", \(givenUp) given up")
      }
      check("backup here") { () throws(CRSError) in
        let loaded: PersistenceManager.Loaded
        do throws(CRSError) {
          loaded = try PersistenceManager(folder, context: access.context).load()
        } catch {
          if error.code == .notFound { return "none" }
          throw error
        }
        if let fallback = loaded.fallback { throw fallback }
        return "generation \(loaded.backup.metadata.generation) is good"
      }
      if let store = try access.storeIfAny() {
        let listing = try store.newest(of: project.identity)
        for failure in listing.failures {
          check("store, \(failure.stamp.host)") { () throws(CRSError) in throw failure.error }
        }
        let session = try access.session(project, folder) { $0.isReadOnly = true }
        for stored in try access.newerBackups(than: session, project, listing) {
          check("state") { () throws(CRSError) in throw CRSError(.gap, access.tell(stored)) }
        }
        for stored in listing.backups {
          check("store, \(stored.stamp.host)") { () throws(CRSError) in
            _ = try store.state(of: stored)
            return "generation \(stored.metadata.generation) is good"
          }
        }
      }
      for line in checked { console.say(line) }
      for line in failures { console.fail(line) }
      if options.output.json {
        console.object("crs verify") { object in
          object.member("project", project.identity.key)
          object.array("good") { list in
            for line in checked { list.element(line) }
          }
          object.array("failures") { list in
            for line in failures { list.element(line) }
          }
        }
      }
      // Damage, and what is gone, comes before what could not be looked at.
      let isDamaged = errors.contains { [.corrupted, .badData, .gap, .notFound].contains($0.code) }
      return isDamaged ? CRSError(.corrupted, "").exitCode : errors.first?.exitCode ?? 0
    }
  }
}
