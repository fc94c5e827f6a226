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
    commandName: "init", abstract: "Take a project up; apply and load do so by themselves.")

  @OptionGroup var options: CRSOptions

  func run() throws {
    try options.run("init", printsResult: false) { console in
      let access = try options.access()
      let (project, folder) = try access.register()
      let session = try access.session(folder)
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
      Refused lines are named; the others count.

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
      let (project, folder) = try access.register()
      let session = try access.session(folder) {
        $0.skipsCorrupted = skipCorrupted
        $0.allowsDegraded = false
      }
      if session.lostRecords > 0 { console.warn("\(session.lostRecords) records of the journal were passed over") }
      var accepted = 0
      var refused: [(line: Int, error: CRSError)] = []
      var failure: (error: CRSError, firstLine: Int)?
      while failure == nil, let lines = try input.next() {
        var deltas: [(line: Int, delta: Delta)] = []
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
        // The journal takes all of a group, or nothing.
        if let degradation = session.degradation, let first = taken.first {
          failure = (degradation, first)
          break
        }
        accepted += taken.count
        if let last = lines.last { console.progress("kept through line \(last.number)") }
      }
      console.endProgress()
      refused.sort { $0.line < $1.line }
      for (line, error) in refused { console.fail("\(input.name):\(line): \(error)") }
      if let failure {
        console.fail(
          "\(input.name): \(accepted) deltas are kept, and nothing from line \(failure.firstLine) on: "
            + failure.error.description)
      }
      let generation = session.engine.generation - UInt64(session.pendingCount)
      try session.close()
      console.say("applied \(accepted) deltas, generation \(generation)")
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
            for (line, error) in refused {
              list.object { entry in
                entry.member("line", line)
                entry.member("code", error.code.rawValue)
                entry.member("message", error.message)
              }
            }
          }
          object.raw("generation", Array(String(generation).utf8))
          object.member("session", session.sessionID)
        }
      }
      if let failure { return failure.error.exitCode }
      return refused.isEmpty ? 0 : CRSError(.invalidDelta, "").exitCode
    }
  }
}

/// Lines of a file or of standard input, in groups: what can be read without waiting, up to a bound.
struct DeltaInput {
  /// As the user named it.
  let name: String
  private let descriptor: Int32
  private var rest: [UInt8] = []
  private var number = 0
  private var isAtEnd = false

  /// Lines of a group: they share one transaction.
  private static let groupCount = 1_000
  private static let lineLimitBytes = 64 << 20

  init(_ file: String) throws(ReplicationError) {
    name = file == "-" ? "stdin" : file
    guard file != "-" else {
      descriptor = STDIN_FILENO
      return
    }
    guard !file.isEmpty else { throw ReplicationError(.usage, "the name of the file is empty") }
    descriptor = open(Machine.absolute(file), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let code: ReplicationError.Code = errno == ENOENT ? .noInput : errno == EACCES ? .permission : .storage
      throw ReplicationError(code, "cannot read \(file): \(String(cString: strerror(errno)))")
    }
  }

  /// The next lines that are not blank; waits for one at most. `nil` at the end.
  mutating func next() throws(ReplicationError) -> [(number: Int, bytes: [UInt8])]? {
    while true {
      let lines = takeLines()
      if !lines.isEmpty { return lines }
      if isAtEnd { return nil }
      try fill()
    }
  }

  private mutating func takeLines() -> [(number: Int, bytes: [UInt8])] {
    var lines: [(number: Int, bytes: [UInt8])] = []
    var start = rest.startIndex
    while lines.count < Self.groupCount, start < rest.endIndex {
      guard let end = rest[start...].firstIndex(of: 0x0A) ?? (isAtEnd ? rest.endIndex : nil) else { break }
      number += 1
      let line = rest[start..<end]
      if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { lines.append((number, Array(line))) }
      start = min(end + 1, rest.endIndex)
    }
    rest.removeSubrange(..<start)
    return lines
  }

  private mutating func fill() throws(ReplicationError) {
    var failure: Int32 = 0
    let piece = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      var got: Int
      repeat { got = read(descriptor, buffer.baseAddress, buffer.count) } while got < 0 && errno == EINTR
      if got < 0 { failure = errno }
      count = max(0, got)
    }
    guard failure == 0 else {
      let code: ReplicationError.Code = failure == EISDIR ? .noInput : .storage
      throw ReplicationError(code, "cannot read \(name): \(String(cString: strerror(failure)))")
    }
    if piece.isEmpty { isAtEnd = true }
    rest += piece
    guard rest.count <= Self.lineLimitBytes else {
      throw ReplicationError(.badData, "line \(number + 1) of \(name) has more than \(Self.lineLimitBytes) bytes")
    }
  }
}
