import Foundation
import TestKit
import Testing

/// Reasoning states of several hosts, carried by `crdt-backup`.
struct CRSHostsTests {
  private func proof(_ node: String, _ number: Int) -> String {
    #"{"type":"proof","source":"hard","updates":[{"node":"\#(node)","proof":\#(number)}]}"# + "\n"
  }

  private func edge(_ from: String, _ to: String) -> String {
    #"{"type":"dependency","source":"hard","add":[{"from":"\#(from)","to":"\#(to)"}]}"# + "\n"
  }

  private func succeed(_ outcome: Outcome) { #expect(outcome.code == 0, "\(outcome)") }

  private func hosts(_ sandbox: Sandbox, _ names: [String]) throws -> [SceneHost] {
    try names.map { name in
      let host = sandbox.host(name)
      host.remember("of-\(name)", "x")
      succeed(try host.setUp())
      return host
    }
  }

  @Test func whatIsSavedOnOneHostIsJoinedOnTheOthersAndEqualEverywhere() throws {
    let sandbox = try Sandbox()
    let all = try hosts(sandbox, ["hosta", "hostb", "hostc"])
    let (a, b, c) = (all[0], all[1], all[2])
    succeed(
      try a.crs(
        "apply",
        input: proof("n", 1) + edge("x", "y")
          + #"{"type":"streaming","source":"soft","items":[{"item":"i","count":2}]}"# + "\n"
          + #"{"type":"clause","source":"hard","learn":[{"literals":["t:é","!t:b"]}]}"# + "\n"
          + #"{"type":"history","source":"hard","entries":[{"id":"h","metadata":{"k":"v"}}]}"# + "\n"
          + #"{"type":"constraint","source":"hard","add":[{"id":"c","type":"resource","nodes":["n"]}]}"# + "\n"
          + #"{"type":"similarity","source":"soft","pairs":[{"a":"n","b":"m","distance":0.5}]}"# + "\n"))
    succeed(
      try b.crs(
        "apply",
        input: proof("n", 2) + edge("y", "x")
          + #"{"type":"streaming","source":"soft","items":[{"item":"i","count":3}]}"# + "\n"))
    for host in [a, b] {
      succeed(try host.crs("save"))
      succeed(try host.backup())
    }
    for host in all {
      succeed(try host.backup())
      succeed(try host.crs("load"))
    }
    let digest = try a.crsDigest()
    #expect(digest.count == 64)
    #expect(try b.crsDigest() == digest)
    #expect(try c.crsDigest() == digest)
    let streaming = try c.crs("query", "streaming")
    #expect(streaming.output == #"{"item":"i","count":5}"#)
    #expect(try c.crs("query", "proofs", "--json").json()["count"] as? Int == 1)
    #expect(try c.crs("query", "cycles").output == #"{"from":"y","to":"x"}"#)
    // Loading again changes nothing.
    let again = try c.crs("load", "--json").json()
    #expect(again["newElements"] as? Int == 0)
    // The payload is a blob of the store, the entry no plain memory.
    #expect(try c.view().count == 3)
    succeed(try c.crs("verify"))
  }

  @Test func oneHostATimeOrAGenerationCanBeChosen() throws {
    let sandbox = try Sandbox()
    let all = try hosts(sandbox, ["hosta", "hostb", "hostc"])
    let (a, b, c) = (all[0], all[1], all[2])
    succeed(try a.crs("apply", input: proof("first", 1)))
    succeed(try a.crs("save"))
    succeed(try a.crs("apply", input: proof("second", 1)))
    succeed(try a.crs("save"))
    succeed(try b.crs("apply", input: proof("other", 1)))
    succeed(try b.crs("save"))
    for host in [a, b, c] { succeed(try host.backup()) }
    let history = try c.crs("history", "--json").json()
    let backups = try #require(history["backups"] as? [[String: Any]])
    #expect(backups.count == 3)

    func loaded(_ name: String, _ options: String...) throws -> Set<String> {
      let host = sandbox.host(name)
      let arguments = ["crs", "load", "--project", "p", "--store", c.store] + options
      succeed(try host.agent(arguments))
      let items = try #require(try host.crs("query", "proofs", "--json").json()["items"] as? [[String: Any]])
      return Set(items.compactMap { $0["node"] as? String })
    }
    #expect(try loaded("d1") == ["first", "second", "other"])
    #expect(try loaded("d2", "--host", "hosta") == ["first", "second"])
    #expect(try loaded("d3", "--host", "hosta", "--generation", "1") == ["first"])
    let times = backups.filter { $0["host"] as? String == "hosta" }.compactMap { $0["created"] as? String }.sorted()
    #expect(try loaded("d4", "--at", times[0]) == ["first"])
    #expect(try loaded("d6", "--at", "0s") == ["first", "second", "other"])
    #expect(try c.crs("load", "--at", "1d").code == 66)
    #expect(try sandbox.host("d5").agent(["crs", "load", "--project", "p", "--host", "nobody"]).code == 66)
    #expect(try c.crs("load", "--host", "nobody").code == 66)
    #expect(try c.crs("load", "--at", "1999-01-01T00:00:00Z").code == 66)
  }

  @Test func aNewProcessWithANewSessionHasTheWholeState() throws {
    let sandbox = try Sandbox()
    let a = try hosts(sandbox, ["hosta"])[0]
    succeed(try a.crs("apply", input: proof("n", 1) + edge("x", "y")))
    succeed(try a.crs("save"))
    let digest = try a.crsDigest()
    let session = try a.crs("apply", "--json", input: "").json()["session"] as? String
    // The whole of this host's own state is lost; what it saved is in the store.
    try FileManager.default.removeItem(atPath: sandbox.folder("agent-hosta"))
    #expect(try a.crs("status").code == 66)
    succeed(try a.crs("load"))
    #expect(try a.crsDigest() == digest)
    #expect(try a.crs("apply", "--json", input: "").json()["session"] as? String != session)
    // An edge added now is no event that was used before.
    succeed(try a.crs("apply", input: edge("y", "z")))
    succeed(try a.crs("save"))
    #expect(try a.crs("query", "dependencies").output.split(separator: "\n").count == 2)
  }

  @Test func aSaveAfterALossHoldsWhatTheOneBeforeHeld() throws {
    let sandbox = try Sandbox()
    let a = try hosts(sandbox, ["hosta"])[0]
    succeed(try a.crs("apply", input: proof("before", 1)))
    succeed(try a.crs("save"))
    try FileManager.default.removeItem(atPath: sandbox.folder("agent-hosta"))
    succeed(try a.crs("apply", input: proof("after", 1)))
    succeed(try a.crs("save"))
    let other = sandbox.host("other")
    succeed(try other.agent(["crs", "load", "--project", "p", "--store", a.store]))
    #expect(try other.crs("query", "proofs").output.split(separator: "\n").count == 2)
  }

  @Test func savingAgainChangesNothing() throws {
    let sandbox = try Sandbox()
    let a = try hosts(sandbox, ["hosta"])[0]
    succeed(try a.crs("apply", input: proof("n", 1)))
    succeed(try a.crs("save"))
    let tip = try a.tip()
    let first = try a.crs("history").output
    succeed(try a.crs("load"))
    succeed(try a.crs("save"))
    #expect(try a.tip() == tip)
    #expect(try a.crs("history").output == first)
    succeed(try a.crs("apply", input: proof("n", 2)))
    succeed(try a.crs("save"))
    #expect(try a.tip() != tip)
  }

  @Test func anAgentMayMakeTheStoreBeforeAnyBackup() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("hosta"), sandbox.host("hostb"))
    succeed(try a.crs("apply", input: proof("n", 1)))
    succeed(try a.crs("save"))
    succeed(try a.backup("--remote", sandbox.remote))
    b.remember("m", "x")
    succeed(try b.setUp())
    succeed(try b.crs("load"))
    #expect(try b.crsDigest() == a.crsDigest())
  }

  @Test func aDamagedBackupInTheStoreIsPassedOverForTheOneBeforeIt() throws {
    let sandbox = try Sandbox()
    let a = try hosts(sandbox, ["hosta"])[0]
    succeed(try a.crs("apply", input: proof("first", 1)))
    succeed(try a.crs("save"))
    succeed(try a.crs("apply", input: proof("second", 1)))
    let digest = try #require(
      (try a.crs("save", "--json").json()["metadata"] as? [String: Any])?["sha256"] as? String)
    // Somebody's commit puts other bytes under the newest payload's name.
    let clone = sandbox.folder("clone")
    try GitProgram.run(["clone", "-q", a.store, clone], in: sandbox.folder.path)
    sandbox.folder.write("clone/blobs/\(digest.prefix(2))/\(digest)", "damaged")
    try GitProgram.run(["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-a", "-m", "x"], in: clone)
    try GitProgram.run(["fetch", "-q", clone, "HEAD"], in: a.store)
    try GitProgram.run(["update-ref", "refs/heads/main", "FETCH_HEAD"], in: a.store)
    let other = sandbox.host("other")
    let outcome = try other.agent(["crs", "load", "--project", "p", "--store", a.store])
    #expect(outcome.code == 65, "\(outcome)")
    #expect(outcome.errorOutput.contains("passed over"))
    #expect(try other.crs("query", "proofs").output.contains("first"))
    #expect(!(try other.crs("query", "proofs").output.contains("second")))
    #expect(try a.crs("verify").code == 65)
  }
}
