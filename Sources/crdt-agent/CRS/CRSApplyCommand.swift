import ArgumentParser
import CRDT
import CRS
import CommandSupport
import Durability
import Glibc
import Memory
import Replication

struct CRSInitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Take a project up; apply and load do so by themselves.",
    discussion: """
      Where it is not clear which project a repository is, as in a folder whose remote is another now, every command says \
      so and does nothing, until this one is told.
      """)

  @Option(
    help: ArgumentHelp(
      "It is the project of that name, here or in the store: its state goes on, under both names.", valueName: "key"))
  var sameAs: String?
  @Flag(help: "It is another project than those here.")
  var new = false
  @OptionGroup var options: CRSOptions

  func validate() throws {
    if sameAs != nil, new { throw ValidationError("--same-as and --new exclude each other") }
    if sameAs?.isEmpty == true { throw ValidationError("the key given with --same-as is empty") }
  }

  func run() throws {
    try options.run("init", printsResult: false) { console in
      let access = try options.access()
      let choice = new ? .new : sameAs.map { ProjectIndex.Choice.sameAs(ByteString($0)) } ?? .told
      let (project, folder) = try access.register(as: choice, renewsGone: true)
      let session = try access.session(project, folder)
      try session.close()
      console.say(bold: "project ", project.identity.key.description)
      console.say(bold: "folder  ", folder.path)
      if options.output.json {
        console.object("crs init") { object in
          object.member("project", project.identity.key)
          object.array("aliases") { aliases in
            for alias in project.identity.aliases { aliases.rawElement(JSONText.quoted(alias.bytes)) }
          }
          object.member("folder", folder.path)
        }
      }
      return 0
    }
  }
}

struct CRSApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Apply deltas: JSON Lines, one delta a line, from a file or standard input.",
    discussion: """
      Each line is checked and applied whole or not at all, and safe in the journal before the next input is waited for. \
      Refused lines are named; the others count. --json names the first 1,000 of them and counts all.

      {"type":"proof","source":"hard","updates":[{"node":"n1","proof":3,"disproof":"infinite","status":"proven"}]}
      {"type":"constraint","source":"hard","add":[{"id":"c1","type":"mutual-exclusion","nodes":["a","b"]}]}
      {"type":"similarity","source":"soft","pairs":[{"a":"n1","b":"n2","distance":0.25}]}
      {"type":"dependency","source":"hard","add":[{"from":"a","to":"b"}],"remove":[]}
      {"type":"history","source":"hard","entries":[{"id":"h1","node":"n1","action":"test","result":"passed"}]}
      {"type":"streaming","source":"soft","items":[{"item":"x","count":2}]}
      {"type":"clause","source":"hard","learn":[{"literals":["!tool:a","tool:b"],"failure":"timeout"}],"use":[]}
      {"type":"composite","source":"hard","deltas":[…]}
      """)

  @Argument(help: ArgumentHelp("The file; - is standard input.", valueName: "file"), completion: .file())
  var file = "-"
  @Flag(help: "Go on behind corrupt records of the journal.")
  var skipCorrupted = false
  @OptionGroup var secrets: CRSSecretOptions
  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("apply", printsResult: false) { console in
      var input = try DeltaInput(file)
      let access = try options.access()
      let scanner = try access.secretScanner(secrets)
      let (project, session) = try opened(access)
      if session.lostRecords > 0 {
        console.warn(counted(session.lostRecords, "record", "records") + " of the journal passed over")
      }
      var accepted = 0
      var refusals = Refusals()
      var failure: (error: CRSError, firstLine: Int)?
      while failure == nil, let lines = try input.next() {
        var deltas: [(line: Int, delta: Delta)] = []
        var refused: [(line: Int, error: CRSError)] = []
        for (number, bytes) in lines {
          do throws(CRSError) {
            try SecretRefusal.check(bytes, scanner)
            deltas.append((number, try Delta(json: bytes)))
          } catch {
            refused.append((number, error))
          }
        }
        var taken: [Int] = []
        for (index, error) in try session.apply(deltas.map(\.delta)).enumerated() {
          if let error { refused.append((deltas[index].line, error)) } else { taken.append(deltas[index].line) }
        }
        console.endProgress()
        for (line, error) in refused.sorted(by: { $0.line < $1.line }) {
          console.fail("\(input.name):\(line): \(error)")
          refusals.add(line, error)
        }
        // The journal takes all of a group, or nothing.
        if let degradation = session.degradation, let first = taken.first {
          failure = (degradation, first)
          break
        }
        accepted += taken.count
        if let last = lines.last { console.progress("kept through line \(last.number)") }
      }
      console.endProgress()
      if let failure {
        console.fail(
          "\(input.name): \(counted(accepted, "delta is", "deltas are")) kept, and nothing from line "
            + "\(failure.firstLine) on: \(failure.error)")
      }
      let generation = session.engine.generation - UInt64(session.pendingCount)
      try session.close()
      console.say("applied \(counted(accepted, "delta", "deltas")), generation \(generation)")
      if options.output.json {
        console.object("crs apply") { object in
          object.member("project", project.identity.key)
          object.member("applied", accepted)
          if let failure {
            object.member("firstLineNotKept", failure.firstLine)
            object.object("error") { error in
              error.member("code", failure.error.code.rawValue)
              error.member("message", failure.error.message)
            }
            object.member("exitCode", Int(failure.error.exitCode))
          }
          object.array("refused") { list in
            for (line, error) in refusals.first {
              list.object { entry in
                entry.member("line", line)
                entry.member("code", error.code.rawValue)
                entry.member("message", error.message)
              }
            }
          }
          object.member("refusedCount", refusals.count)
          object.raw("generation", Array(String(generation).utf8))
          object.member("session", session.sessionID)
        }
      }
      if let failure { return failure.error.exitCode }
      return refusals.count == 0 ? 0 : CRSError(.invalidDelta, "").exitCode
    }
  }

  /// Takes the project up and opens its state; where that fails, says what became of the deltas.
  private func opened(_ access: CRSAccess) throws -> (project: ProjectIndex.Project, session: ReasoningSession) {
    do {
      let (project, folder) = try access.register()
      return (project, try access.session(project, folder) { $0.skipsCorrupted = skipCorrupted })
    } catch let error as CRSError {
      throw CRSError(
        error.code, "none of the deltas is kept: \(error.message)",
        remedy: (error.remedy.isEmpty ? "" : error.remedy + ". ") + "Then give the deltas again",
        sequence: error.sequence)
    }
  }

  /// What was refused: all counted, the first kept, so that any input is taken in bounded memory.
  private struct Refusals {
    private(set) var count = 0
    private(set) var first: [(line: Int, error: CRSError)] = []
    private static let keptCount = 1_000

    mutating func add(_ line: Int, _ error: CRSError) {
      count += 1
      if first.count < Self.keptCount { first.append((line, error)) }
    }
  }
}
