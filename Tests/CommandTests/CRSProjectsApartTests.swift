import Foundation
import TestKit
import Testing

/// Projects that are told apart here stay so: whatever becomes of a root commit, and whatever other hosts say.
@Suite struct CRSProjectsApartTests {
  private let sandbox: Sandbox
  private let host: SceneHost
  private let other: SceneHost

  init() throws {
    sandbox = try Sandbox()
    host = sandbox.host("hosta")
    other = sandbox.host("hostb")
  }

  @discardableResult
  private func repository(_ name: String, of other: String? = nil, remote: String? = nil) throws -> String {
    let path = sandbox.folder(name)
    try GitProgram.run(other.map { ["clone", "-q", $0, path] } ?? ["init", "-q", path], in: sandbox.folder.path)
    if other == nil { try commit(path, ["-m", name]) }
    if other != nil { try GitProgram.run(["remote", "remove", "origin"], in: path) }
    if let remote { try setRemote(path, remote) }
    return path
  }

  private func commit(_ path: String, _ arguments: [String]) throws {
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty"] + arguments, in: path)
  }

  private func setRemote(_ path: String, _ remote: String) throws {
    try GitProgram.run(["remote", "add", "origin", "https://h/\(remote).git"], in: path)
  }

  private func run(_ host: SceneHost, _ path: String, _ arguments: String..., input: String = "") throws -> Outcome {
    try host.agent(["crs"] + arguments + ["--folder", path], input: input)
  }

  private func proof(_ node: String) -> String {
    #"{"type":"proof","source":"hard","updates":[{"node":"\#(node)"}]}"# + "\n"
  }

  private func apply(_ host: SceneHost, _ path: String, _ node: String) throws {
    succeed(try run(host, path, "apply", input: proof(node)))
  }

  private func nodes(_ host: SceneHost, _ path: String) throws -> Set<String> {
    let outcome = try run(host, path, "query", "proofs", "--json")
    guard outcome.code == 0 else { return ["exit code \(outcome.code)"] }
    let items = try #require(try outcome.json()["items"] as? [[String: Any]])
    return Set(items.compactMap { $0["node"] as? String })
  }

  private func setUp() throws {
    for host in [host, other] {
      host.remember("of-\(host.name)", "x")
      succeed(try host.setUp())
    }
  }

  private func share() throws { for _ in 0..<2 { for host in [host, other] { succeed(try host.backup()) } } }

  private func succeed(_ outcome: Outcome) { #expect(outcome.code == 0, "\(outcome)") }

  @Test func anAmendedFirstCommitLosesNoStateSilently() throws {
    let path = try repository("path")
    try apply(host, path, "before")
    let root = try #require(try run(host, path, "status", "--json").json()["project"] as? String)
    try commit(path, ["--amend", "-m", "amended"])
    for command in [["query", "proofs"], ["status"], ["apply"], ["save"], ["init"]] {
      let outcome = try host.agent(["crs"] + command + ["--folder", path], input: proof("x"))
      #expect(outcome.code == 64 && outcome.errorOutput.contains("--same-as \(root)"), "\(command): \(outcome)")
      #expect(outcome.errorOutput.contains("--project NAME"), "\(command): \(outcome)")
    }
    succeed(try run(host, path, "init", "--same-as", root))
    try apply(host, path, "after")
    #expect(try nodes(host, path) == ["before", "after"])
    // The remote comes after the next amendment.
    try commit(path, ["--amend", "-m", "once more"])
    try setRemote(path, "u")
    let outcome = try run(host, path, "status")
    #expect(outcome.code == 64 && outcome.errorOutput.contains("--new"), "\(outcome)")
    succeed(try run(host, path, "init", "--same-as", root))
    #expect(try nodes(host, path) == ["before", "after"])
    try commit(path, ["--amend", "-m", "again"])
    #expect(try nodes(host, path) == ["before", "after"])
  }

  @Test func aSaveTakesNothingOfAnotherProjectHereThatAnotherHostCallsTheSame() throws {
    try setUp()
    let origin = try repository("origin")
    let (old, fork) = (
      try repository("old", of: origin, remote: "old"), try repository("fork", of: origin, remote: "fork")
    )
    for (path, node) in [(old, "of-old"), (fork, "of-fork")] {
      try apply(other, path, node)
      succeed(try run(other, path, "save"))
    }
    let path = try repository("path", of: origin, remote: "old")
    try apply(host, path, "of-a")
    try GitProgram.run(["remote", "remove", "origin"], in: path)
    try setRemote(path, "fork")
    succeed(try run(host, path, "init", "--same-as", "git:h/old"))
    succeed(try run(host, path, "save"))
    try share()
    for (path, node) in [(fork, "of-fork"), (old, "of-old")] {
      succeed(try run(other, path, "save"))
      #expect(try nodes(other, path) == [node])
    }
    // After the loss of its state a project takes in what it saved, and only that.
    let folder = try #require(try run(other, fork, "status", "--json").json()["folder"] as? String)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name != "project.json" {
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
    try apply(other, fork, "later")
    succeed(try run(other, fork, "save"))
    #expect(try nodes(other, fork) == ["of-fork", "later"])
    // A load joins both, and names the other.
    let load = try run(other, fork, "load")
    #expect(load.code == 0 && load.output.contains("saved as git:h/old"), "\(load)")
    #expect(try nodes(other, fork) == ["of-old", "of-fork", "of-a", "later"])
  }

  @Test func aCloneWithoutARemoteIsAskedWhereTheStoreKnowsSeveralForks() throws {
    host.remember("of-hosta", "x")
    succeed(try host.setUp())
    let origin = try repository("origin")
    for name in ["u", "v"] {
      let path = try repository(name, of: origin, remote: name)
      try apply(host, path, "of-\(name)")
      succeed(try run(host, path, "save"))
    }
    let clone = try repository("clone", of: origin)
    let store = ["--store", host.store, "--folder", clone]
    for command in [["apply"], ["init"], ["load"], ["load", "--host", "hosta"]] {
      let outcome = try other.agent(["crs"] + command + store, input: proof("x"))
      #expect(outcome.code == 64 && outcome.errorOutput.contains("git:h/u and git:h/v"), "\(command): \(outcome)")
      #expect(outcome.errorOutput.contains("--same-as KEY") && outcome.errorOutput.contains("--project NAME"))
      // The host saved both: choosing it would not tell.
      #expect(!outcome.errorOutput.contains("--host"), "\(command): \(outcome)")
    }
    #expect(try sandbox.shell("find agent-hostb").output.contains("crs/") == false)
    #expect(try other.agent(["crs", "init", "--same-as", "git:h/none"] + store).code == 64)
    // A name that only the store knows.
    succeed(try other.agent(["crs", "init", "--same-as", "git:h/v"] + store))
    succeed(try other.agent(["crs", "load"] + store))
    #expect(try nodes(other, clone) == ["of-v"])
    // Its own key stays that of a project that is here already.
    let named = try other.agent(["crs", "init", "--project", "x", "--same-as", "git:h/u", "--json"] + store)
    #expect(try named.json()["project"] as? String == "name:x", "\(named)")
    succeed(try other.agent(["crs", "load", "--project", "x"] + store))
    let proofs = try other.agent(["crs", "query", "proofs", "--project", "x"] + store).output
    #expect(proofs.contains("of-u") && !proofs.contains("of-v"))
  }
}
