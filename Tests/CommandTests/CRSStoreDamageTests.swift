import Foundation
import TestKit
import Testing

/// Entries of backups in the store that are damaged, or that a newer crdt-agent wrote: never taken for none.
@Suite struct CRSStoreDamageTests {
  private func proof(_ node: String) -> String {
    #"{"type":"proof","source":"hard","updates":[{"node":"\#(node)"}]}"# + "\n"
  }

  /// A host that saved twice, the second time with a proof more.
  private func saved(_ sandbox: Sandbox) throws -> SceneHost {
    let host = sandbox.host("hosta")
    for node in ["first", "second"] {
      #expect(try host.crs("apply", input: proof(node)).code == 0)
      #expect(try host.crs("save").code == 0)
    }
    return host
  }

  /// Commits a change made in a clone, as somebody's edit would come.
  private func commit(_ host: SceneHost, _ change: (_ clone: String) throws -> Void) throws {
    let sandbox = host.sandbox
    let clone = sandbox.folder("clone-\(UUID().uuidString)")
    try GitProgram.run(["clone", "-q", host.store, clone], in: sandbox.folder.path)
    try change(clone)
    try GitProgram.run(["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-a", "-m", "x"], in: clone)
    try GitProgram.run(["fetch", "-q", clone, "HEAD"], in: host.store)
    try GitProgram.run(["update-ref", "refs/heads/main", "FETCH_HEAD"], in: host.store)
  }

  /// A change of the line that holds the newest backup's entry.
  private func edit(_ host: SceneHost, _ change: (String) throws -> String) throws {
    try commit(host) { clone in
      let name = try #require(
        try FileManager.default.contentsOfDirectory(atPath: clone).first {
          $0.hasPrefix("memory-") && $0.hasSuffix(".json")
        })
      let text = try String(contentsOfFile: clone + "/" + name, encoding: .utf8)
      let lines = try text.split(separator: "\n", omittingEmptySubsequences: false).map {
        $0.contains("\"crs-backup\"") ? try change(String($0)) : String($0)
      }
      try lines.joined(separator: "\n").write(toFile: clone + "/" + name, atomically: true, encoding: .utf8)
    }
  }

  /// The line with its metadata changed, and their checksum made right again.
  private func resealed(_ sandbox: Sandbox, _ line: String, _ old: String, _ new: String) throws -> String {
    let start = try #require(line.range(of: #""metadata":"#)).upperBound
    let member = try #require(line.range(of: #","metadata_sha256":""#))
    let written = String(line[start..<member.lowerBound])
    let object = written.replacing(old, with: new)
    try #require(object != written)
    sandbox.folder.write("metadata", object + "}")
    let digest = String(try sandbox.shell("sha256sum metadata").output.prefix(64))
    let rest = String(line[member.upperBound...].dropFirst(64))
    return [String(line[..<start]), object, String(line[member]), digest, rest].joined()
  }

  private func load(_ sandbox: Sandbox, _ host: SceneHost, _ more: String...) throws -> Outcome {
    try sandbox.host("other").agent(["crs", "load", "--project", "p", "--store", host.store] + more)
  }

  @Test func anEntryThatCannotBeReadIsPassedOverForTheLastGoodOneInHistoryAndTold() throws {
    let sandbox = try Sandbox(remote: false)
    let host = try saved(sandbox)
    try edit(host) { $0.replacing("\"delta_count\":2", with: "\"delta_count\":3") }
    let outcome = try load(sandbox, host)
    #expect(outcome.code == 65 && outcome.errorOutput.contains("passed over"), "\(outcome)")
    let proofs = try sandbox.host("other").crs("query", "proofs").output
    #expect(proofs.contains("first") && proofs.contains("second"))
    let verified = try host.crs("verify")
    #expect(verified.code == 65 && verified.errorOutput.contains("checksum"), "\(verified)")
    let listed = try host.crs("history")
    #expect(listed.code == 65 && listed.errorOutput.contains("cannot be used"), "\(listed)")
    let history = try host.crs("history", "--json").json()
    #expect((history["unreadable"] as? [[String: Any]])?.count == 1)
    #expect((history["backups"] as? [Any])?.count == 2)
    let status = try host.crs("status")
    #expect(status.code == 65 && status.errorOutput.contains("cannot be used"), "\(status)")
    // A save here takes its place, with all that is here.
    #expect(try host.crs("save").code == 0)
    #expect(try host.crs("verify").code == 0)
    #expect(try load(sandbox, host).errorOutput == "")
  }

  @Test func whereNoGoodOneIsLeftLoadSaysThatTheyAreDamaged() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: proof("only")).code == 0)
    #expect(try host.crs("save").code == 0)
    let digest = try #require(
      (try host.crs("history", "--json").json()["backups"] as? [[String: Any]])?.first?["sha256"] as? String)
    try edit(host) { $0.replacing(digest, with: String(repeating: "0", count: 64)) }
    let old = try GitProgram.run(["rev-parse", "main"], in: host.store)
    // Without the history that has the good one.
    let orphan = try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit-tree", "-m", "x", old + "^{tree}"], in: host.store)
    try GitProgram.run(["update-ref", "refs/heads/main", orphan], in: host.store)
    let outcome = try load(sandbox, host)
    #expect(outcome.code == 65 && outcome.errorOutput.contains("no good backup"), "\(outcome)")
  }

  @Test func aBackupOfANewerVersionIsNamedWithItsRemedyAndNeverReplaced() throws {
    let sandbox = try Sandbox(remote: false)
    let host = try saved(sandbox)
    try edit(host) { try resealed(sandbox, $0, "\"format_version\":1", "\"format_version\":2") }
    let verified = try host.crs("verify")
    #expect(verified.code == 78 && verified.errorOutput.contains("Use the version"), "\(verified)")
    let loaded = try load(sandbox, host)
    #expect(loaded.code == 78 && loaded.errorOutput.contains("Use the version"), "\(loaded)")
    // The one before it was joined: nobody says that nothing was.
    #expect(loaded.errorOutput.contains("passed over for the one of"), "\(loaded)")
    #expect(!loaded.errorOutput.contains("Nothing was loaded"), "\(loaded)")
    for command in ["status", "history"] {
      let outcome = try host.crs(command)
      #expect(outcome.code == 78 && outcome.errorOutput.contains("Use the version"), "\(outcome)")
    }
    #expect(try load(sandbox, host, "--at", "2999-01-01T00:00:00Z", "--generation", "9").code == 78)
    let tip = try host.tip()
    #expect(try host.crs("apply", input: proof("third")).code == 0)
    let save = try host.crs("save")
    #expect(save.code == 78 && save.errorOutput.contains("format version 2"), "\(save)")
    #expect(try host.tip() == tip)
    #expect(try host.crs("save", "--local").code == 0)
  }

  /// One edit of what names the project, or says that the entry is a backup.
  @Test(arguments: [
    ("\"project\":\"name:p\",\"aliases\"", "\"project\":\"name:q\",\"aliases\""),
    ("\"id\":\"crs:name:p\"", "\"id\":\"crs:name:q\""),
    ("\"id\":\"crs:name:p\",\"project\":\"name:p\"", "\"id\":\"crs:name:q\",\"project\":\"name:q\""),
    ("_crs:name:p_", "_crs:name:q_"), ("_crs:name:p_", "_other_"),
    ("\"kind\":\"crs-backup\"", "\"kind\":\"crs-backuq\""), ("\"kind\":\"crs-backup\"", "\"kind\":\"checkpoint\""),
    (",\"kind\":\"crs-backup\"", ""), ("\"path:", "\"root:"),
  ])
  func anEntryThatDoesNotAgreeWithItselfIsToldAndOfNoProject(old: String, new: String) throws {
    let sandbox = try Sandbox(remote: false)
    let host = try saved(sandbox)
    #expect(try host.agent(["crs", "apply", "--project", "q"], input: proof("of-q")).code == 0)
    try edit(host) { $0.replacing(old, with: new) }
    for command in ["status", "verify", "history"] {
      let outcome = try host.crs(command)
      #expect(outcome.code == 65 && outcome.errorOutput.contains("was changed"), "\(command): \(outcome)")
    }
    let loaded = try load(sandbox, host)
    #expect(loaded.code == 65 && loaded.errorOutput.contains("passed over"), "\(loaded)")
    // The one before it is good.
    #expect(try sandbox.host("other").crs("query", "proofs").output.contains("first"))
    // The other project is told where it is named, and gets nothing of it.
    let other = try host.agent(["crs", "load", "--project", "q"])
    #expect(other.code == (new.contains("name:q") ? 65 : 66), "\(other)")
    let proofs = try host.agent(["crs", "query", "proofs", "--project", "q"]).output
    #expect(proofs.contains("of-q") && !proofs.contains("first"))
    // The next save takes its place.
    let save = try host.crs("save")
    #expect(save.code == 0, "\(save)")
    #expect(try host.crs("verify").code == 0)
    #expect(try host.crs("status").code == 0)
    let again = try load(sandbox, host)
    #expect(again.code == 0 && again.errorOutput == "", "\(again)")
    let tip = try host.tip()
    #expect(try host.crs("save").code == 0)
    #expect(try host.tip() == tip)
  }

  @Test func aNoteOfSomebodysThatIsOnlyCalledLikeABackupIsNoDamage() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("hosta")
    host.remember("crs:name:p", "a note")
    #expect(try host.setUp().code == 0)
    #expect(try host.crs("apply", input: proof("first")).code == 0)
    #expect(try host.crs("save").code == 0)
    #expect(try host.crs("status").code == 0)
    #expect(try host.crs("verify").code == 0)
  }

  @Test(arguments: [true, false]) func aNewestBackupWithoutItsPayloadIsNotCalledSaved(isMissing: Bool) throws {
    let sandbox = try Sandbox(remote: false)
    let host = try saved(sandbox)
    let digest = try #require(
      (try host.crs("history", "--json").json()["backups"] as? [[String: Any]])?.first?["sha256"] as? String)
    let path = "blobs/\(digest.prefix(2))/\(digest)"
    try commit(host) { clone in
      if isMissing {
        try FileManager.default.removeItem(atPath: clone + "/" + path)
      } else {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: clone + "/" + path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: clone + "/" + path))
      }
    }
    for command in ["status", "verify"] {
      let outcome = try host.crs(command)
      #expect(outcome.code == 65, "\(command): \(outcome)")
    }
    let status = try host.crs("status", "--json").json()
    #expect((status["hosts"] as? [Any])?.isEmpty == true)
    #expect((status["unreadable"] as? [[String: Any]])?.first?["sha256"] as? String == digest)
    #expect(try load(sandbox, host).code == 65)
    #expect(try host.crs("save").code == 0)
    #expect(try host.crs("status").code == 0)
  }

  /// The metadata says the name that the repository has now, the entry's id the one that it had first.
  @Test func aProjectThatGotItsRemoteJustBeforeASaveAgreesWithItself() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let repository = try sandbox.repositoryWithoutRemote()
    #expect(try host.agent(["crs", "apply", "--folder", repository], input: proof("n")).code == 0)
    try GitProgram.run(["remote", "add", "origin", "https://h/p.git"], in: repository)
    for command in ["save", "verify", "status", "history", "load"] {
      let outcome = try host.agent(["crs", command, "--folder", repository])
      #expect(outcome.code == 0, "\(command): \(outcome)")
    }
    let tip = try host.tip()
    #expect(try host.agent(["crs", "save", "--folder", repository]).code == 0)
    #expect(try host.tip() == tip)
    let other = try sandbox.host("other").agent(["crs", "load", "--folder", repository, "--store", host.store])
    #expect(other.code == 0 && other.errorOutput == "", "\(other)")
  }
}
