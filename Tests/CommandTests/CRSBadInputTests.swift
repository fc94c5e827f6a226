import Foundation
import Processes
import TestKit
import Testing

/// What `crdt-agent crs` says to input that makes no sense, and to damage.
struct CRSBadInputTests {
  private let proof = #"{"type":"proof","source":"hard","updates":[{"node":"n"}]}"# + "\n"

  private func journal(_ sandbox: Sandbox) throws -> String {
    let folder = sandbox.folder("agent-hosta/crs")
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.count == 16 })
    return folder + "/" + name + "/journal.sqlite"
  }

  @Test func eachMistakeHasItsExitCodeAndOneLine() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    func expect(_ code: Int32, _ text: String, _ outcome: Outcome, line: Int = #line) {
      #expect(outcome.code == code, "line \(line): \(outcome)")
      #expect(outcome.errorOutput.contains(text), "line \(line): \(outcome)")
    }
    expect(64, "--project", try host.agent(["crs", "status"]))
    expect(66, "crs load", try host.crs("status"))
    expect(66, "crs load", try host.crs("save"))
    expect(66, "no store", try host.crs("load"))
    expect(66, "No such file", try host.crs("apply", "missing.jsonl"))
    expect(66, "missing", try host.crs("import", "missing.json"))
    expect(65, "stdin:2", try host.crs("apply", input: proof + "{\n"))
    expect(
      65, "closes a cycle",
      try host.crs(
        "apply",
        input:
          #"{"type":"dependency","source":"hard","add":[{"from":"a","to":"b"},{"from":"b","to":"a"}]}"#))
    expect(64, "nothing", try host.crs("query", "nothing"))
    expect(64, "no literal", try host.crs("query", "propagate", "x"))
    expect(64, "is no time", try host.crs("load", "--at", "yesterday"))
    sandbox.folder.write("bad.json", "{\"kind\":\"other\"}")
    expect(65, "bad.json", try host.crs("import", "bad.json"))
    let error = try host.crs("import", "bad.json", "--json").json()
    #expect(error["exitCode"] as? Int == 65)
    #expect((error["error"] as? [String: Any])?["code"] as? String == "badData")
  }

  @Test func refusedLinesAreNamedAndTheOthersCount() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let outcome = try host.crs("apply", "--json", input: proof + "\n\nnonsense\n" + proof + "{}\n")
    #expect(outcome.code == 65)
    let json = try outcome.json()
    #expect(json["applied"] as? Int == 2)
    #expect((json["refused"] as? [[String: Any]])?.compactMap { $0["line"] as? Int } == [4, 6])
  }

  @Test func allRefusedLinesAreCountedAndTheFirstAreKept() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let outcome = try host.crs("apply", "--json", input: String(repeating: "nonsense\n", count: 2_500) + proof)
    let json = try outcome.json()
    #expect(outcome.code == 65 && json["applied"] as? Int == 1 && json["refusedCount"] as? Int == 2_500)
    #expect((json["refused"] as? [[String: Any]])?.compactMap { $0["line"] as? Int } == Array(1...1_000))
    #expect(outcome.errorLines.count == 2_500 && outcome.errorLines.last?.contains("stdin:2500:") == true)
  }

  @Test func aCorruptRecordIsNamedAndPassedOverOnlyWhenAsked() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof + proof + proof).code == 0)
    // A byte of a record's text within the database file; the log was folded into it when the writer closed.
    let path = try journal(sandbox)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let place = try #require(bytes.range(of: Data(#""node":"n""#.utf8)))
    bytes[place.upperBound - 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    let refused = try host.crs("apply", input: proof)
    #expect(refused.code == 65)
    #expect(refused.errorOutput.contains("--skip-corrupted"))
    #expect(try host.crs("verify").code == 65)
    #expect(try host.crs("status").errorOutput.contains("only in part"))
    let passed = try host.crs("apply", "--skip-corrupted", input: proof)
    #expect(passed.code == 0, "\(passed)")
    #expect(passed.errorOutput.contains("1 record of the journal passed over"))
    #expect(try host.crs("save").code == 74)
    let saved = try host.crs("save", "--skip-corrupted", "--incomplete", "--json").json()
    #expect((saved["metadata"] as? [String: Any])?["complete"] as? Bool == false)
    // The loss is known now, stops nothing more, and is told until it is made good.
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save").code == 74)
    let again = try host.crs("save", "--incomplete", "--json").json()
    #expect((again["metadata"] as? [String: Any])?["complete"] as? Bool == false)
    #expect(try host.crs("status", "--json").json()["mode"] as? String == "incomplete")
    #expect(try host.crs("query", "proofs").errorOutput.contains("incomplete: 1 record of the journal is"))
  }

  @Test func aJournalThatCannotBeOpenedIsNotTakenForAnEmptyOne() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    let path = try journal(sandbox)
    try Data("no database at all, but long enough to be looked at by SQLite as if it were".utf8)
      .write(to: URL(fileURLWithPath: path))
    let outcome = try host.crs("apply", input: proof)
    #expect(outcome.code == 65, "\(outcome)")
    for arguments in [["status"], ["query", "proofs"]] {
      let answer = try host.agent(["crs"] + arguments + ["--project", "p", "--json"])
      #expect(answer.code == 65, "\(answer)")
      #expect(try answer.json()["mode"] as? String == "degraded")
      #expect((try answer.json()["problems"] as? [String])?.isEmpty == false)
    }
    #expect(try host.crs("save").code == 65)
    #expect(try host.crs("export", "-o", "-").code == 65)
  }

  @Test func aJournalThatTakesNoMoreSaysHowMuchIsKept() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("init").code == 0)
    let lines = (1...6_000).map { #"{"type":"proof","source":"hard","updates":[{"node":"n\#($0)"}]}"# + "\n" }
    let command = host.agentCommand(["crs", "apply", "--project", "p", "--json"])
    var environment = sandbox.environment
    environment["CRDT_AGENT_DATA"] = sandbox.folder("agent-hosta")
    environment["CRDT_STORE"] = host.store
    let limited = Command(
      "/bin/sh", ["-c", "trap '' XFSZ; ulimit -f 1600; exec \"$0\" \"$@\"", command.program] + command.arguments,
      environment: environment, folder: sandbox.folder.path)
    let result = try limited.run(
      input: Array(lines.joined().utf8), deadline: .after(seconds: 90), limitBytes: 1 << 20)
    let outcome = Outcome(
      code: result.termination == .exited(74) ? 74 : -1, output: result.outputText, errorOutput: result.errorText)
    #expect(outcome.code == 74, "\(outcome)")
    let applied = try #require(try outcome.json()["applied"] as? Int)
    #expect(applied > 0 && applied < 6_000)
    #expect(try outcome.json()["firstLineNotKept"] as? Int == applied + 1)
    #expect(outcome.errorOutput.contains("line \(applied + 1)"))
    #expect(try host.crs("query", "proofs", "--all", "--json").json()["count"] as? Int == applied)
  }

  @Test func aFirstRemoteIsToldOnce() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let repository = try sandbox.repositoryWithoutRemote()
    let apply = ["crs", "apply", "--folder", repository]
    #expect(try host.agent(apply, input: proof).errorOutput.contains("was known") == false)
    try GitProgram.run(["remote", "add", "origin", "https://h/new.git"], in: repository)
    let told = try host.agent(apply, input: proof)
    #expect(told.code == 0 && told.errorOutput.contains("is git:h/new now"), "\(told)")
    #expect(try host.agent(apply, input: proof).errorOutput.contains("was known") == false)
  }

  @Test func anExportOfAnotherProjectIsJoinedOnlyWhenAsked() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let file = sandbox.folder("other.json")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("export", "-o", file).code == 0)
    let refused = try host.agent(["crs", "import", file, "--project", "q"])
    #expect(refused.code == 64 && refused.errorOutput.contains("name:p"), "\(refused)")
    #expect(try host.agent(["crs", "status", "--project", "q"]).code == 66)
    #expect(try host.agent(["crs", "import", file, "--project", "q", "--other-project"]).code == 0)
  }

  @Test func anExportWithoutAChecksumIsTakenOnlyWhenAsked() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    let export = try host.crs("export", "-o", "-").output
    let bare = export.replacing(#/"state_sha256":"[0-9a-f]{64}",/#, with: "")
    #expect(bare != export)
    let other = sandbox.host("hostb")
    let refused = try other.crs("import", "-", input: bare)
    #expect(refused.code == 65 && refused.errorOutput.contains("--accept-legacy"), "\(refused)")
    #expect(try other.crs("status").code == 66)
    #expect(try other.crs("import", "-", "--accept-legacy", input: bare).code == 0)
    #expect(try other.crsDigest() == host.crsDigest())
    // A wrong one is no missing one.
    let wrong = export.replacing(#/"state_sha256":"[0-9a-f]{8}/#, with: #""state_sha256":"00000000"#)
    #expect(try other.crs("import", "-", "--accept-legacy", input: wrong).code == 65)
  }

  @Test func aTraceThatCannotBeWrittenStopsTheWorkBeforeItBegins() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", "--trace", sandbox.folder("none/trace"), input: proof).code == 73)
    #expect(try host.crs("status").code == 66)
  }

  @Test func aTraceThatCannotBeKeptHidesNothingOfTheCommand() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let failed = try host.crs("save", "--trace", "/dev/full", "--json")
    #expect(failed.code == 66, "\(failed)")
    #expect((try failed.json()["error"] as? [String: Any])?["code"] as? String == "notFound")
    let applied = try host.crs("apply", "--trace", "/dev/full", "--json", input: proof)
    #expect(applied.code == 0 && applied.errorOutput.contains("warning: the trace"), "\(applied)")
    #expect(try applied.json()["applied"] as? Int == 1)
  }

  @Test func aStoreThatCannotBeOpenedIsNotTakenForNone() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save").code == 0)
    sandbox.folder.write("store-hosta/.git/config", "[core\n")
    for arguments in [["status"], ["query", "proofs"], ["save", "--local"], ["export", "-o", "-"]] {
      let outcome = try host.agent(["crs"] + arguments + ["--project", "p"])
      #expect(![0, 66].contains(outcome.code) && outcome.errorLines.count == 1, "\(arguments): \(outcome)")
    }
  }

  @Test func oneIsNotToldAsMany() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).output == "applied 1 delta, generation 1")
    #expect(try host.crs("verify").output.contains("journal: 1 record is good"))
    #expect(try host.crs("save").code == 0)
    let other = try sandbox.host("hostb").agent(["crs", "load", "--project", "p", "--store", host.store])
    #expect(other.output.hasSuffix("1 element was new here, generation 1"), "\(other)")
    #expect(try host.crs("apply", input: proof + proof).output == "applied 2 deltas, generation 3")
    #expect(try host.crs("status").output.contains("2 generations ago"))
  }

  @Test func savingWhatWasSavedMakesNoCommit() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save").code == 0)
    let count = try GitProgram.run(["rev-list", "--count", "--all"], in: host.store)
    #expect(try host.crs("save").code == 0)
    #expect(try GitProgram.run(["rev-list", "--count", "--all"], in: host.store) == count)
  }

  @Test func whatMayOnlyBeReadIsRead() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save", "--local").code == 0)
    #expect(try host.crs("apply", input: proof.replacing("\"n\"", with: "\"m\"")).code == 0)
    let folder = try journal(sandbox).replacing("/journal.sqlite", with: "")
    let files = FileManager.default
    for path in [folder + "/backups", folder] {
      try files.setAttributes([.posixPermissions: 0o500], ofItemAtPath: path)
    }
    defer {
      for path in [folder, folder + "/backups"] {
        try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
      }
    }
    for command in [["query", "proofs"], ["status"], ["verify"]] {
      let answer = try host.unprivilegedCRS(command + ["--json"])
      // Only status is asked whether all is well: nothing more can be applied.
      #expect(answer.code == (command[0] == "status" ? 77 : 0), "\(answer)")
      if command[0] != "verify" {
        #expect(try answer.json()["mode"] as? String == "read-only")
        #expect((try answer.json()["problems"] as? [String])?.first?.contains("nothing can be applied") == true)
      }
      if command[0] == "query" { #expect(try answer.json()["count"] as? Int == 2) }
    }
  }

  @Test func aJournalThatWasCutOffIsToldAndLeftAsItIs() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    let path = try journal(sandbox)
    for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    try Data().write(to: URL(fileURLWithPath: path))
    for command in [["verify"], ["status"], ["query", "proofs"]] {
      let outcome = try host.agent(["crs"] + command + ["--project", "p"])
      #expect(outcome.code == 65 && outcome.errorOutput.contains("is empty"), "\(command): \(outcome)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)).isEmpty, "\(command) wrote into it")
    }
    let apply = try host.crs("apply", input: proof)
    #expect(apply.code == 0 && apply.errorOutput.contains("1 record of"), "\(apply)")
    // What was acknowledged before is gone, and told until it is back.
    #expect(try host.crs("verify").errorOutput.contains("1 record of"))
    #expect(try host.crs("save", "--local").code == 74)
    #expect(try host.crs("save", "--local", "--incomplete", "--json").output.contains("\"complete\":false"))
  }

  @Test func aJournalThatVanishedIsTold() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save", "--local").code == 0)
    let path = try journal(sandbox)
    for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    for command in ["status", "verify"] { #expect(try host.crs(command).code == 65) }
    #expect(try host.crs("status").errorOutput.contains("may be lost"))
    // A save takes note of it, loudly.
    let save = try host.crs("save", "--local")
    #expect(save.code == 0 && save.errorOutput.contains("may be lost"), "\(save)")
    #expect(try host.crs("status").code == 0)
  }

  @Test func linesOfEveryLengthAreReadWholeAndCounted() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    // More lines than a group has, some longer than a piece that is read; one is wrong, and the last one has no end.
    let lines = (1...1_500).map { index in
      let name = "n\(index)" + String(repeating: "x", count: index % 400 == 0 ? 200_000 : index % 60)
      return #"{"type":"proof","source":"hard","updates":[{"node":"\#(name)"}]}"#
    }
    let input = lines[..<1_300].joined(separator: "\n") + "\n \r\nwrong\n" + lines[1_300...].joined(separator: "\n")
    let applied = try host.crs("apply", input: input)
    #expect(applied.code == 65 && applied.errorOutput.contains("1302"), "\(applied)")
    #expect(try host.crs("query", "proofs", "--json").json()["count"] as? Int == 1_500)
  }

  @Test func spansAreWrittenAsOTLPLines() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let trace = sandbox.folder("trace.jsonl")
    #expect(try host.crs("apply", "--trace", trace, input: proof).code == 0)
    #expect(try host.crs("save", "--trace", trace).code == 0)
    #expect(try host.crs("load", "--trace", trace).code == 0)
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    let spans = try lines.map { line -> [String: Any] in
      let request = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let resource = try #require((request["resourceSpans"] as? [[String: Any]])?.first)
      let scope = try #require((resource["scopeSpans"] as? [[String: Any]])?.first)
      return try #require((scope["spans"] as? [[String: Any]])?.first)
    }
    #expect(
      Set(spans.compactMap { $0["name"] as? String }) == [
        "crs.Persistence.SaveBackup", "crs.Persistence.LoadBackup", "journal.Backup", "journal.Restore",
        "crs.SaveCheckpointToDisk", "crs.LoadCheckpointFromDisk",
      ])
    let save = try #require(spans.first { $0["name"] as? String == "crs.SaveCheckpointToDisk" })
    let child = try #require(spans.first { $0["name"] as? String == "crs.Persistence.SaveBackup" })
    #expect(child["parentSpanId"] as? String == save["spanId"] as? String)
    #expect(child["traceId"] as? String == save["traceId"] as? String)
    for span in spans {
      #expect((span["traceId"] as? String)?.count == 32 && (span["spanId"] as? String)?.count == 16)
      let start = try #require((span["startTimeUnixNano"] as? String).flatMap { UInt64($0) })
      let end = try #require((span["endTimeUnixNano"] as? String).flatMap { UInt64($0) })
      #expect(start <= end)
    }
  }
}
