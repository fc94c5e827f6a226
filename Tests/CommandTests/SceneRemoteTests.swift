import Foundation
import TestKit
import Testing

/// A remote that others changed by hand.
@Suite struct SceneRemoteTests {
  /// A remote with two hosts that know each other.
  private func twoHosts() throws -> (Sandbox, SceneHost, SceneHost) {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember([("x", "x of a"), ("a1", "1")])
    b.remember([("y", "y of b"), ("b1", "1")])
    #expect(try a.setUp().code == 0)
    #expect(try b.setUp().code == 0)
    #expect(try a.backup().code == 0)
    return (sandbox, a, b)
  }

  private let everything = ["x": "x of a", "a1": "1", "y": "y of b", "b1": "1"]

  @Test(arguments: ["truncated", "conflict markers", "duplicate metadata", "not JSON", "invalid UTF-8", "empty"])
  func aCorruptPeerFileStopsNobodyAndIsNamed(_ damage: String) throws {
    let (sandbox, a, b) = try twoHosts()
    let clone = try sandbox.clone()
    let path = clone + "/memory-b.json"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    switch damage {
    case "truncated": bytes = bytes.prefix(bytes.count / 2)
    case "conflict markers":
      bytes = Data("<<<<<<< HEAD\n".utf8) + bytes + Data("=======\n[]\n>>>>>>> other\n".utf8)
    case "duplicate metadata":
      let text = String(decoding: bytes, as: UTF8.self)
      bytes = Data(
        text.replacingOccurrences(of: "\"_crdt_metadata\"", with: "\"_crdt_metadata\":{},\"_crdt_metadata\"").utf8)
    case "not JSON": bytes = Data("gone".utf8)
    case "invalid UTF-8": bytes = bytes.prefix(20) + Data([0xFF, 0xFE]) + bytes.dropFirst(20)
    default: bytes = Data()
    }
    try bytes.write(to: URL(fileURLWithPath: path))
    try sandbox.push(clone)

    a.remember([("x", "x of a, edited"), ("a1", "1")])
    let outcome = try a.backup()
    #expect(outcome.code == 0, "\(outcome)")
    #expect(
      outcome.errorOutput.contains("memory-b.json") && outcome.errorOutput.contains("last good version"), "\(outcome)")
    // A third host that never saw a good version in its own files: history has it.
    let c = sandbox.host("c")
    c.remember("z", "z of c")
    #expect(try c.setUp().code == 0)
    #expect(try b.backup().code == 0)
    #expect(try a.backup().code == 0)
    #expect(try c.backup().code == 0)
    #expect(try a.unified() == b.unified())
    #expect(try a.unified() == c.unified())
    let expected = everything.merging(["x": "x of a, edited", "z": "z of c"]) { $1 }
    #expect(try c.view() == expected)
    #expect(try b.backup().errorOutput == "")
  }

  @Test func aNewHostMeetsACorruptPeerFile() throws {
    let (sandbox, _, b) = try twoHosts()
    let clone = try sandbox.clone()
    try Data("[{".utf8).write(to: URL(fileURLWithPath: clone + "/memory-b.json"))
    try sandbox.push(clone)
    let c = sandbox.host("c")
    c.remember("z", "z of c")
    let outcome = try c.setUp()
    #expect(outcome.code == 0 && outcome.errorOutput.contains("memory-b.json"), "\(outcome)")
    #expect(try c.view() == everything.merging(["z": "z of c"]) { $1 })
    #expect(try b.backup().code == 0)
    #expect(try b.unified() == c.unified())
  }

  @Test func anOfflineDayArrivesWholeWithEveryValueBetween() throws {
    let (sandbox, a, b) = try twoHosts()
    for hour in 1...5 {
      a.remember([("x", "x at \(hour)"), ("a1", "1"), ("day-\(hour)", "noted at \(hour)")])
      let outcome = try a.backup("--offline")
      #expect(outcome.code == 75, "\(outcome)")
      b.remember([("y", "y at \(hour)"), ("b1", "1")])
      #expect(try b.backup().code == 0)
    }
    let status = try a.run("status", "--json").json()
    #expect((status["unpushedCommits"] as? Int ?? 0) >= 5)
    #expect(status["unpushedSince"] is String)
    // Away, not offline: the same.
    try FileManager.default.moveItem(atPath: sandbox.remote, toPath: sandbox.folder("away.git"))
    a.remember([("x", "x at 6"), ("a1", "1")])
    let away = try a.backup()
    #expect(away.code == 75, "\(away)")
    #expect(away.errorOutput.contains("saved in the store"))
    try FileManager.default.moveItem(atPath: sandbox.folder("away.git"), toPath: sandbox.remote)

    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    #expect(try a.unified() == b.unified())
    #expect(try b.history("x") == Set(["x of a"] + (1...6).map { "x at \($0)" }))
    #expect(try a.history("y") == Set(["y of b"] + (1...5).map { "y at \($0)" }))
    #expect(try b.view()["day-3"] == "noted at 3")
    #expect(try a.run("status", "--json").json()["unpushedCommits"] as? Int == 0)
  }

  enum Rewrite: String, CaseIterable, Sendable {
    case toAnOlderCommit, toAnUnrelatedStore, emptied, branchDeleted, hostFileDeleted, hostFileEmptied,
      everythingDeleted
  }

  @Test(arguments: Rewrite.allCases)
  func aRewrittenRemoteIsMergedAndRepublished(_ rewrite: Rewrite) throws {
    let (sandbox, a, b) = try twoHosts()
    var expected = everything
    switch rewrite {
    case .toAnOlderCommit:
      let old = try GitProgram.run(["rev-list", "--max-parents=0", "main"], in: sandbox.remote)
      try GitProgram.run(["update-ref", "refs/heads/main", old], in: sandbox.remote)
    case .toAnUnrelatedStore:
      let other = try Sandbox()
      let u = other.host("u")
      u.remember("u", "of another store")
      #expect(try u.setUp().code == 0)
      try GitProgram.run(["push", "-q", "--force", sandbox.remote, "main:main"], in: u.store)
      expected["u"] = "of another store"
    case .emptied:
      try FileManager.default.removeItem(atPath: sandbox.remote)
      try sandbox.makeRemote("remote.git")
    case .branchDeleted:
      try GitProgram.run(["update-ref", "-d", "refs/heads/main"], in: sandbox.remote)
    case .hostFileDeleted, .hostFileEmptied, .everythingDeleted:
      let clone = try sandbox.clone()
      switch rewrite {
      case .hostFileDeleted: try GitProgram.run(["rm", "-q", "memory-a.json", "unified-memory.json"], in: clone)
      case .hostFileEmptied: try Data("[]\n".utf8).write(to: URL(fileURLWithPath: clone + "/memory-a.json"))
      default: try GitProgram.run(["rm", "-q", "-r", "."], in: clone)
      }
      if rewrite == .everythingDeleted { try Data("x".utf8).write(to: URL(fileURLWithPath: clone + "/README.md")) }
      try sandbox.push(clone)
    }
    a.remember([("x", "x of a"), ("a1", "1"), ("a2", "after the rewrite")])
    expected["a2"] = "after the rewrite"
    for host in [a, b, a, b] {
      let outcome = try host.backup()
      #expect(outcome.code == 0, "\(outcome)")
    }
    #expect(try a.unified() == b.unified())
    #expect(try a.view() == expected)
    #expect(try a.tip() == sandbox.remoteTip())
    let clone = try sandbox.clone("late")
    #expect(try contents(of: Data(contentsOf: URL(fileURLWithPath: clone + "/unified-memory.json"))) == expected)
    let tip = try sandbox.remoteTip()
    for host in [a, b] { #expect(try host.backup().code == 0) }
    #expect(try sandbox.remoteTip() == tip)
  }

  @Test func foreignFilesAreKeptAndMerged() throws {
    let (sandbox, a, b) = try twoHosts()
    let clone = try sandbox.clone()
    sandbox.folder.write("clone/README.md", "# Ours\n")
    try sandbox.makeFolder(clone + "/docs")
    sandbox.folder.write("clone/docs/how.txt", "one\n")
    try sandbox.push(clone)
    a.remember([("x", "x2"), ("a1", "1")])
    for host in [a, b] { #expect(try host.backup().code == 0) }
    #expect(try sandbox.remoteFile("README.md") == "# Ours")
    // Changed and removed by hand: obeyed, as these files are a person's.
    try GitProgram.run(["pull", "-q", "--rebase"], in: clone)
    try GitProgram.run(["rm", "-q", "docs/how.txt"], in: clone)
    sandbox.folder.write("clone/README.md", "# Ours, edited\n")
    try sandbox.push(clone)
    b.remember([("y", "y2"), ("b1", "1")])
    for host in [b, a] { #expect(try host.backup().code == 0) }
    #expect(try sandbox.remoteFile("README.md") == "# Ours, edited")
    #expect(throws: GitProgram.Failure.self) { try sandbox.remoteFile("docs/how.txt") }
    #expect(try a.unified() == b.unified())
  }

  @Test func aConflictingForeignChangeFailsClearlyAndLosesNothing() throws {
    let (sandbox, a, _) = try twoHosts()
    let clone = try sandbox.clone()
    sandbox.folder.write("clone/README.md", "base\n")
    try sandbox.push(clone)
    #expect(try a.backup().code == 0)
    // A person commits in the store's branch, and somebody else on the remote.
    let ours = sandbox.folder("by-hand")
    try GitProgram.run(["clone", "-q", a.store, ours], in: sandbox.folder.path)
    sandbox.folder.write("by-hand/README.md", "ours\n")
    try GitProgram.run(["commit", "-q", "-am", "ours"], in: ours)
    try GitProgram.run(["push", "-q", "origin", "HEAD:refs/heads/hand"], in: ours)
    try GitProgram.run(["update-ref", "refs/heads/main", "refs/heads/hand"], in: a.store)
    sandbox.folder.write("clone/README.md", "theirs\n")
    try sandbox.push(clone)
    let tip = try sandbox.remoteTip()
    a.remember([("x", "x during the conflict"), ("a1", "1")])
    let outcome = try a.backup()
    #expect(outcome.code == 75, "\(outcome)")
    #expect(outcome.errorLines.count == 1 && outcome.errorOutput.contains("README.md"))
    #expect(try sandbox.remoteTip() == tip)
    #expect(try a.view()["x"] == "x during the conflict")
    // Solved by hand on the remote's side: the next run goes on.
    sandbox.folder.write("clone/README.md", "ours\n")
    try sandbox.push(clone)
    #expect(try a.backup().code == 0)
    #expect(try sandbox.remoteFile("memory-a.json").contains("x during the conflict"))
  }

  @Test func aProjectsRepositoryIsNeverTakenOver() throws {
    for branch in ["main", "master"] {
      let sandbox = try Sandbox()
      let project = sandbox.folder("project-\(branch)")
      try GitProgram.run(["init", "-q", "-b", branch, project], in: sandbox.folder.path)
      sandbox.folder.write("project-\(branch)/main.c", "int main(void) { return 0; }\n")
      try GitProgram.run(["add", "."], in: project)
      try GitProgram.run(["commit", "-q", "-m", "code"], in: project)
      let before = try sandbox.refs(project)
      let host = sandbox.host("h")
      host.remember("a", "1")
      let outcome = try sandbox.run(["--store", host.store, "--memory", host.memory, "--remote", project])
      #expect(outcome.code == 78, "\(branch): \(outcome)")
      #expect(outcome.errorLines.count == 1)
      #expect(try sandbox.refs(project) == before)
      #expect(try host.view() == ["a": "1"])
      // A branch of its own in there is the user's word, and good.
      let named = try host.backup("--branch", "memory")
      #expect(named.code == 0, "\(named)")
      #expect(try GitProgram.run(["rev-parse", branch], in: project).count == 40)
      // And a project as the store is refused, untouched.
      let status = try sandbox.run(["--store", project, "--memory", host.memory])
      #expect(status.code == 78, "\(status)")
      #expect(try GitProgram.run(["status", "--porcelain"], in: project) == "")
    }
  }
}
