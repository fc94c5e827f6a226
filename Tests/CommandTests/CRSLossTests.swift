import Foundation
import Glibc
import Processes
import TestKit
import Testing

/// Records that are lost: told by every command, carried from folder to folder, and given up only on demand.
struct CRSLossTests {
  private func proof(_ node: String) -> String {
    #"{"type":"proof","source":"hard","updates":[{"node":"\#(node)"}]}"# + "\n"
  }

  private func folder(_ host: SceneHost) throws -> String {
    let data = host.sandbox.folder("agent-\(host.name)") + "/crs"
    let names = try FileManager.default.contentsOfDirectory(atPath: data)
    return data + "/" + (try #require(names.first { $0.count == 16 }))
  }

  private func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  private func removeJournal(_ host: SceneHost) throws {
    for suffix in ["", "-wal", "-shm"] { remove(try folder(host) + "/journal.sqlite" + suffix) }
  }

  /// A writer that is killed when it was told that its lines are kept.
  private func applyAndKill(_ host: SceneHost, _ nodes: String...) throws {
    var child = try ChildProcess(host.agentCommand(["crs", "apply", "-v", "--project", "p"]))
    CRSWriter.send(nodes.map(proof).joined(), to: child.connection.number)
    var text = ""
    let needle = "kept through line \(nodes.count)\n"
    try #require(CRSWriter.wait(for: needle, from: child.errors.number, &text), "\(text)")
    child.signal(SIGKILL)
    _ = child.wait(until: .after(seconds: 10))
  }

  private func demandTold(_ host: SceneHost) throws {
    for command in [["query", "proofs"], ["status"], ["verify"]] {
      let outcome = try host.agent(["crs"] + command + ["--project", "p"])
      #expect(outcome.code == 65, "\(command) \(outcome)")
    }
    let save = try host.crs("save")
    #expect(save.code == 74 && save.errorOutput.contains("2 records of the journal are not in the state"), "\(save)")
  }

  @Test func theRecordsOfAKilledWriterAreMissedWithItsLog() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("a")).code == 0)
    #expect(try host.crs("save").code == 0)
    try applyAndKill(host, "b", "c")
    for suffix in ["-wal", "-shm"] { remove(try folder(host) + "/journal.sqlite" + suffix) }
    try demandTold(host)
  }

  @Test func theRecordsOfAKilledWriterAreMissedInAnOlderJournal() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("a")).code == 0)
    #expect(try host.crs("save").code == 0)
    let journal = try folder(host) + "/journal.sqlite"
    let older = try Data(contentsOf: URL(fileURLWithPath: journal))
    try applyAndKill(host, "b", "c")
    try removeJournal(host)
    try older.write(to: URL(fileURLWithPath: journal))
    try demandTold(host)
  }

  @Test func whatIsGivenUpIsToldOnceAndTheNextSaveIsComplete() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("a")).code == 0)
    #expect(try host.crs("save").code == 0)
    #expect(try host.crs("apply", input: proof("b") + proof("c")).code == 0)
    let journal = try folder(host) + "/journal.sqlite"
    let whole = try Data(contentsOf: URL(fileURLWithPath: journal))
    try removeJournal(host)
    try demandTold(host)
    #expect(try host.crs("save", "--accept-loss", "--incomplete").code == 64)
    let given = try host.crs("save", "--accept-loss", "--json")
    let metadata = try #require(try given.json()["metadata"] as? [String: Any])
    #expect(given.code == 0 && metadata["complete"] as? Bool == true, "\(given)")
    #expect(try host.crs("status", "--json").json()["givenUpRecords"] as? Int == 2)
    for command in ["status", "verify", "save"] { #expect(try host.crs(command).code == 0, "\(command)") }
    #expect(try host.crs("apply", input: proof("d")).code == 0)
    #expect(try host.crs("save").code == 0)
    // The journal turns up again: nothing was given up that can be had.
    try removeJournal(host)
    try whole.write(to: URL(fileURLWithPath: journal))
    let query = try host.crs("query", "proofs", "--json")
    let nodes = try #require(try query.json()["items"] as? [[String: Any]]).compactMap { $0["node"] as? String }
    #expect(Set(nodes) == ["a", "b", "c", "d"], "\(query)")
  }

  @Test func aCorruptRecordThatIsGivenUpStopsNothing() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("aaaa")).code == 0)
    #expect(try host.crs("apply", input: proof("bbbb")).code == 0)
    let journal = URL(fileURLWithPath: try folder(host) + "/journal.sqlite")
    var bytes = try Data(contentsOf: journal)
    let place = try #require(bytes.range(of: Data("bbbb".utf8)))
    bytes[place.lowerBound] = UInt8(ascii: "x")
    try bytes.write(to: journal)
    #expect(try host.crs("save").code == 65)
    let given = try host.crs("save", "--accept-loss")
    #expect(given.code == 0, "\(given)")
    for command in ["status", "verify", "save"] {
      let outcome = try host.crs(command)
      #expect(outcome.code == 0, "\(command) \(outcome)")
    }
    #expect(try host.crs("apply", input: proof("cccc")).code == 0)
    #expect(try host.crs("save").code == 0)
  }

  @Test func anIncompleteBackupMakesTheStateIncompleteInANewDataFolder() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    for node in ["a", "b", "c"] { #expect(try host.crs("apply", input: proof(node)).code == 0) }
    #expect(try host.crs("save").code == 0)
    #expect(try host.crs("apply", input: proof("d") + proof("e")).code == 0)
    try removeJournal(host)
    let incomplete = try host.crs("save", "--incomplete", "--json")
    let generation = try #require((try incomplete.json()["metadata"] as? [String: Any])?["generation"] as? Int)
    remove(sandbox.folder("agent-hosta"))
    let load = try host.crs("load")
    #expect(load.code == 0 && load.output.contains("incomplete"), "\(load)")
    let save = try host.crs("save")
    #expect(save.code == 74 && save.errorOutput.contains("lost"), "\(save)")
    let given = try host.crs("save", "--accept-loss", "--json")
    let metadata = try #require(try given.json()["metadata"] as? [String: Any])
    #expect(metadata["complete"] as? Bool == true)
    // A number that was used tells of another state for ever.
    #expect((metadata["generation"] as? Int ?? 0) > generation)
    let again = try host.crs("save", "--json")
    #expect((try again.json()["metadata"] as? [String: Any])?["generation"] as? Int == metadata["generation"] as? Int)
    #expect(try again.json()["uniqueID"] == nil || again.json()["uniqueID"] is NSNull, "\(again)")
  }

  @Test func aFolderThatIsGoneIsNotBegunAnewWithoutAWord() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("saved")).code == 0)
    #expect(try host.crs("save").code == 0)
    #expect(try host.crs("apply", input: proof("unsaved")).code == 0)
    remove(try folder(host))
    for (command, input) in [(["apply"], proof("new")), (["query", "proofs"], ""), (["save"], "")] {
      let outcome = try host.agent(["crs"] + command + ["--project", "p"], input: input)
      #expect(outcome.code == 66 && outcome.errorOutput.contains("is gone"), "\(command) \(outcome)")
    }
    #expect(try host.crs("load").code == 0)
    #expect(try host.crs("query", "proofs").output.contains("\"saved\""))
    let save = try host.crs("save")
    #expect(save.code == 74 && save.errorOutput.contains("--accept-loss"), "\(save)")
    #expect(try host.crs("save", "--accept-loss").code == 0)
    #expect(try host.crs("apply", input: proof("new")).code == 0)
    #expect(try host.crs("verify").code == 0)
    // Where nothing was saved, begun anew on demand only.
    remove(try folder(host))
    #expect(try host.crs("init").code == 0)
    #expect(try host.crs("query", "proofs").code == 65)
  }

  @Test func aWholeFolderThatWasPutBackToAnOlderCopyIsBehindTheStore() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("old")).code == 0)
    #expect(try host.crs("save").code == 0)
    let (data, copy) = (sandbox.folder("agent-hosta"), sandbox.folder("copy"))
    try FileManager.default.copyItem(atPath: data, toPath: copy)
    #expect(try host.crs("apply", input: proof("new")).code == 0)
    #expect(try host.crs("save").code == 0)
    remove(data)
    try FileManager.default.moveItem(atPath: copy, toPath: data)
    for command in ["status", "verify"] {
      let outcome = try host.crs(command)
      #expect(outcome.code == 65 && outcome.errorOutput.contains("this host saved more"), "\(command) \(outcome)")
    }
    #expect(try host.crs("load").code == 0)
    for command in ["status", "verify", "save", "status", "verify"] {
      let outcome = try host.crs(command)
      #expect(outcome.code == 0, "\(command) \(outcome)")
    }
  }

  @Test func aLoadThatBringsBackAllThatAJournalLostEndsTheWarning() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("a")).code == 0)
    #expect(try host.crs("save").code == 0)
    try removeJournal(host)
    #expect(try host.crs("status").code == 65)
    #expect(try host.crs("load").code == 0)
    for command in ["status", "verify"] { #expect(try host.crs(command).code == 0, "\(command)") }
    remove(try folder(host) + "/backups")
    #expect(try host.crs("query", "proofs").output.contains("\"a\""))
  }
}
