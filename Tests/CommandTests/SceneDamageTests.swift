import Foundation
import Git
import TestKit
import Testing

/// Damage and deaths in the middle, found by a reviewer: nothing may be lost, and nothing said that is not so.
@Suite struct SceneDamageTests {
  private func oneHost(_ entries: [(String, String)]) throws -> (Sandbox, SceneHost) {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember(entries.map { (id: $0.0, content: $0.1) })
    #expect(try host.setUp().code == 0)
    return (sandbox, host)
  }

  /// The loose object of a path in the newest commit.
  private func object(_ path: String, in store: String) throws -> String {
    let id = try GitProgram.run(["rev-parse", "main:\(path)"], in: store)
    return store + "/.git/objects/" + id.prefix(2) + "/" + id.dropFirst(2)
  }

  @Test func aDamagedObjectIsMendedFromTheRemote() throws {
    let (sandbox, host) = try oneHost([("k1", "one")])
    host.remember([("k1", "one"), ("k2", "precious")])
    #expect(try host.backup().code == 0)
    let object = try object("memory-h.json", in: host.store)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: object)
    try Data().write(to: URL(fileURLWithPath: object))
    host.remember([("k1", "changed"), ("k2", "precious")])
    let outcome = try host.backup()
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.errorOutput.contains("mended"), "\(outcome)")
    #expect(try host.view() == ["k1": "changed", "k2": "precious"])
    #expect(try sandbox.remoteFile("memory-h.json").contains("precious"))
  }

  @Test func aDamagedObjectThatNobodyHasIsIngestedAgain() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("h")
    host.remember("k1", "one")
    let first = try sandbox.run(["--memory", host.memory, "--store", host.store, "--host", "h"])
    #expect(first.code == 0, "\(first)")
    host.remember([("k1", "one"), ("k2", "precious")])
    #expect(try host.backup().code == 0)
    let object = try object("memory-h.json", in: host.store)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: object)
    try Data().write(to: URL(fileURLWithPath: object))
    host.remember([("k1", "changed"), ("k2", "precious")])
    let outcome = try host.backup()
    #expect(outcome.errorOutput.contains("damaged"), "\(outcome)")
    #expect(try host.view() == ["k1": "changed", "k2": "precious"])
  }

  @Test func logNamesWhatItCannotRead() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("h")
    host.remember("k", "one")
    #expect(try sandbox.run(["--memory", host.memory, "--store", host.store, "--host", "h"]).code == 0)
    #expect(try host.run("log", "k").errorOutput.isEmpty)
    let commit = try GitProgram.run(["rev-parse", "--short=10", "main"], in: host.store)
    let object = try object("memory-h.json", in: host.store)
    host.remember("k", "two")
    #expect(try host.backup().code == 0)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: object)
    try Data().write(to: URL(fileURLWithPath: object))
    let outcome = try host.run("log", "k", "--json")
    let json = try outcome.json()
    #expect(outcome.code == 0 && (json["versions"] as? [Any])?.count == 1, "\(outcome)")
    let warning = try #require((json["warnings"] as? [String])?.first)
    #expect(warning.contains("memory-h.json in commit \(commit) is damaged"), "\(outcome)")
    #expect(outcome.errorOutput.contains("in commit \(commit) is damaged"), "\(outcome)")
  }

  @Test func anEditUndoneAfterADeathBetweenCommitAndBaseIsStillAnEdit() throws {
    let (_, host) = try oneHost([("a", "v0")])
    let privateFolder = host.store + "/.git/crdt"
    let saved = host.store + "-crdt"
    try FileManager.default.copyItem(atPath: privateFolder, toPath: saved)
    host.remember("a", "v1")
    #expect(try host.backup("--offline").code == 75)
    // As a run leaves it that died when the branch had moved: the base waits beside the old one.
    let base = try Data(contentsOf: URL(fileURLWithPath: privateFolder + "/base"))
    let tip = try GitProgram.run(["rev-parse", "main"], in: host.store)
    try FileManager.default.copyItem(atPath: privateFolder + "/clock", toPath: saved + "/clock.new")
    let prepared = try PreparedBase.seal(base: Array(base), commit: try #require(ObjectID(hex: tip)))
    try FileManager.default.removeItem(atPath: privateFolder)
    try FileManager.default.moveItem(atPath: saved, toPath: privateFolder)
    try FileManager.default.removeItem(atPath: privateFolder + "/ingested")
    try Data(prepared).write(to: URL(fileURLWithPath: privateFolder + "/base.next"))
    host.remember("a", "v0")
    let outcome = try host.backup()
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.output.contains("1 changed"), "\(outcome)")
    #expect(try host.view() == ["a": "v0"])
  }

  @Test func aPeersGreatestVersionCrashesNobody() throws {
    let (sandbox, host) = try oneHost([("a", "1"), ("b", "2")])
    let mine = try sandbox.remoteFile("memory-h.json")
    let keys = mine.split(separator: "\"").filter { $0.hasPrefix("h_a_") || $0.hasPrefix("h_b_") }
    let evil = keys.enumerated().map { index, key in
      #"{"_crdt_metadata":{"host":"evil","timestamp":"2020-01-01T00:00:0\#(index)Z","version":18446744073709551615,"#
        + #""unique_id":"\#(key)"\#(index == 0 ? "" : #","deleted":true"#)}}"#
    }
    let clone = try sandbox.clone()
    try Data("[\n\(evil.joined(separator: ",\n"))\n]\n".utf8).write(
      to: URL(fileURLWithPath: clone + "/memory-evil.json"))
    try sandbox.push(clone)
    host.remember([("a", "1"), ("b", "3")])
    for arguments in [[], ["forget", "a"], []] {
      let outcome = try sandbox.run(arguments + ["--store", host.store])
      #expect(outcome.code == 0, "\(arguments): \(outcome)")
    }
  }

  @Test(arguments: ["executable", "link", "hosts file", "unified folder"])
  func anOddEntryOnTheRemoteStopsNobody(_ kind: String) throws {
    let (sandbox, host) = try oneHost([("a", "1")])
    let clone = try sandbox.clone()
    let line =
      switch kind {
      case "executable": "chmod +x memory-h.json"
      case "link": "rm memory-h.json; ln -s /etc/passwd memory-h.json"
      case "hosts file": "rm -r hosts; echo x > hosts"
      default: "rm unified-memory.json; mkdir unified-memory.json; echo x > unified-memory.json/x"
      }
    try Data((line + "\n").utf8).write(to: URL(fileURLWithPath: sandbox.folder("odd.sh")))
    #expect(try sandbox.shell("cd \(clone) && sh \(sandbox.folder("odd.sh"))").code == 0)
    try sandbox.push(clone)
    host.remember([("a", "1"), ("b", "2")])
    let outcome = try host.backup()
    #expect(outcome.code == 0, "\(outcome)")
    let other = sandbox.host("other")
    other.remember("c", "3")
    #expect(try other.setUp().code == 0)
    #expect(try other.view() == ["a": "1", "b": "2", "c": "3"])
  }

  @Test func aProjectThatHasAHostsFolderIsNoStore() throws {
    let sandbox = try Sandbox()
    let project = sandbox.folder("project")
    let line =
      "git init -q -b main \(project) && cd \(project) && mkdir hosts src && echo '{}' > hosts/web.json"
      + " && echo x > hosts/README && echo x > src/main.c && git add . && git -c user.name=a -c user.email=a commit -qm x"
      + " && git push -q \(sandbox.remote) main"
    #expect(try sandbox.shell(line).code == 0)
    let before = try sandbox.remoteTip()
    let host = sandbox.host("h")
    host.remember("a", "1")
    #expect(try host.setUp().code == 78)
    #expect(try sandbox.remoteTip() == before)
  }

  @Test func whatOthersKeepInOurFoldersStays() throws {
    let (sandbox, host) = try oneHost([("a", "1")])
    let clone = try sandbox.clone()
    try Data("who is who\n".utf8).write(to: URL(fileURLWithPath: clone + "/hosts/README"))
    try sandbox.push(clone)
    host.remember("a", "2")
    #expect(try host.backup().code == 0)
    #expect(try sandbox.remoteFile("hosts/README").contains("who is who"))
  }

  @Test func attributesOfBothSidesAreKept() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "1")
    #expect(try sandbox.run(["--memory", host.memory, "--store", host.store, "--host", "h"]).code == 0)
    let line =
      "git init -q -b main seed && cd seed && echo '*.png binary' > .gitattributes && git add ."
      + " && git -c user.name=a -c user.email=a commit -qm x && git push -q \(sandbox.remote) main"
    #expect(try sandbox.shell(line).code == 0)
    let outcome = try sandbox.run(["--store", host.store, "--remote", sandbox.remote, "--branch", "main"])
    #expect(outcome.code == 0, "\(outcome)")
    let attributes = try sandbox.remoteFile(".gitattributes")
    #expect(attributes.contains("*.png binary") && attributes.contains("memory-*.json merge=crdt-memory"))
  }
}
