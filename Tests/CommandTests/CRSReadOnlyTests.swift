import Foundation
import Processes
import TestKit
import Testing

/// What `crdt-agent crs` says and does where its folder cannot be written, or its journal is damaged or gone.
@Suite struct CRSReadOnlyTests {
  private let proof = #"{"type":"proof","source":"hard","updates":[{"node":"n"}]}"# + "\n"

  private func folder(_ sandbox: Sandbox) throws -> String {
    let folder = sandbox.folder("agent-hosta/crs")
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.count == 16 })
    return folder + "/" + name
  }

  @Test func aFolderThatCannotBeWrittenIsToldAndCanStillBeSavedToTheStore() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    let folder = try folder(sandbox)
    let files = FileManager.default
    try files.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder)
    defer { try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder) }
    let status = try host.unprivilegedCRS("status", "--json")
    #expect(status.code == 77, "\(status)")
    #expect(try status.json()["mode"] as? String == "read-only")
    let apply = try host.unprivilegedCRS("apply", input: proof)
    #expect(apply.code == 77, "\(apply)")
    #expect(
      apply.errorOutput.contains("none of the deltas is kept") && apply.errorOutput.contains("give the deltas again"))
    #expect(try host.unprivilegedCRS("save").code == 77)
    let local = try host.unprivilegedCRS("save", "--incomplete", "--local")
    #expect(local.code == 77 && local.errorOutput.contains(folder), "\(local)")
    let save = try host.unprivilegedCRS("save", "--incomplete")
    #expect(save.code == 0 && save.errorOutput.contains("in the store only"), "\(save)")
    let other = sandbox.host("other")
    #expect(try other.agent(["crs", "load", "--project", "p", "--store", host.store]).code == 0)
    #expect(try other.crs("query", "proofs").output.contains("\"n\""))
  }

  @Test func aQueryOfAStateWhoseJournalIsGoneIsNoSuccess() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save", "--local").code == 0)
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: try folder(sandbox) + "/journal.sqlite" + suffix)
    }
    for command in [["query", "proofs"], ["status"], ["verify"]] {
      #expect(try host.agent(["crs"] + command + ["--project", "p"]).code == 65, "\(command)")
    }
    let status = try host.crs("status", "--json")
    #expect(try status.json()["mode"] as? String == "damaged")
    #expect(status.errorOutput.contains("the latest backup holds all that it is known to have had"), "\(status)")
    // It goes on from the backup.
    #expect(try host.crs("save", "--local").code == 0)
    #expect(try host.crs("apply", input: proof).code == 0)
    let later = try host.crs("status", "--json")
    #expect(try later.code == 0 && later.json()["mode"] as? String == "journaled", "\(later)")
  }

  @Test func aReadOnlyFileSystemIsAMatterOfRights() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save").code == 0)
    let data = sandbox.folder("agent-hosta")
    sandbox.folder.write("input", proof)
    let mount = "mount --bind '\(data)' '\(data)' && mount -o remount,bind,ro '\(data)'"
    let isPossible = try sandbox.shell("unshare -m sh -c \"\(mount)\"").code == 0
    // Only who may mount sees one here; the unit tests of each module have the rest.
    guard isPossible else { return }
    for command in ["init", "apply", "load", "save"] {
      let line =
        "unshare -m sh -c \"\(mount) && exec '\(Executables.path("crdt-agent"))' crs \(command) --project p"
        + " --store '\(host.store)'\" <'\(sandbox.folder("input"))'"
      let outcome = try sandbox.shell(line, with: ["CRDT_AGENT_DATA": data])
      #expect(outcome.code == 77, "\(command): \(outcome)")
      #expect(
        outcome.errorOutput.contains("ead-only file system") && outcome.errorOutput.contains("--data"), "\(outcome)")
    }
  }

  @Test func damageOfAPageOfTheJournalIsToldByEveryCommand() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    for _ in 0..<3 { #expect(try host.crs("apply", input: proof).code == 0) }
    let path = try folder(sandbox) + "/journal.sqlite"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes[12_292] == 3)
    bytes[12_292] = 1
    try bytes.write(to: URL(fileURLWithPath: path))
    for command in [["verify"], ["save"], ["apply"], ["status"], ["query", "proofs"], ["export"]] {
      let outcome = try host.agent(["crs"] + command + ["--project", "p"])
      #expect(outcome.code == 65 && outcome.errorOutput.contains(path), "\(command): \(outcome)")
    }
    #expect(try host.crs("save", "--incomplete", "--skip-corrupted", "--json").output.contains("\"complete\":false"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
  }

  @Test func aSecretInThePlaceOfATypeIsNotRepeated() throws {
    let sandbox = try Sandbox(remote: false)
    let outcome = try sandbox.host("hosta").crs(
      "apply", "--json", input: #"{"type":"hunter2-hunter2","source":"hard"}"# + "\n")
    #expect(outcome.code == 65 && !"\(outcome)".contains("hunter2") && outcome.errorOutput.contains("stdin:1"))
  }

  @Test func aLoadThatFindsNothingTakesNoProjectUp() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof).code == 0)
    #expect(try host.crs("save").code == 0)
    #expect(try host.agent(["crs", "load", "--project", "q"]).code == 66)
    #expect(try host.agent(["crs", "status", "--project", "q"]).code == 66)
    let index = try String(contentsOfFile: sandbox.folder("agent-hosta/crs/index.json"), encoding: .utf8)
    #expect(!index.contains("name:q"))
  }

  /// git's own object of the newest payload cannot be read.
  @Test func anObjectOfTheStoreThatCannotBeReadStopsNoOtherBackup() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    var digest = ""
    for node in ["first", "second"] {
      #expect(try host.crs("apply", input: proof.replacing("\"n\"", with: "\"\(node)\"")).code == 0)
      let saved = try host.crs("save", "--json").json()
      digest = try #require((saved["metadata"] as? [String: Any])?["sha256"] as? String)
    }
    let id = try GitProgram.run(["rev-parse", "main:blobs/\(digest.prefix(2))/\(digest)"], in: host.store)
    let object = try sandbox.shell("find '\(host.store)' -path '*objects/\(id.prefix(2))/\(id.dropFirst(2))'").output
    try #require(!object.isEmpty)
    try FileManager.default.removeItem(atPath: object)
    try Data("damaged".utf8).write(to: URL(fileURLWithPath: object))
    let other = sandbox.host("other")
    let outcome = try other.agent(["crs", "load", "--project", "p", "--store", host.store])
    #expect(outcome.code == 65 && outcome.errorOutput.contains("passed over"), "\(outcome)")
    let proofs = try other.crs("query", "proofs").output
    #expect(proofs.contains("first") && !proofs.contains("second"))
  }

  @Test func aDataFolderThatCannotBeMadeIsToldAsSuch() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    sandbox.folder.write("file", "in the way")
    let outcome = try host.agent(
      ["crs", "apply", "--project", "p", "--data", sandbox.folder("file/data")], input: proof)
    #expect(outcome.code == 73 && outcome.errorOutput.contains("none of the deltas is kept"), "\(outcome)")
  }
}
