import Foundation
import TestKit
import Testing

/// A run with nothing to do answers from what the last verified run had seen, and only while all of that holds.
@Suite struct SceneUnchangedTests {
  private let shortcut = "nothing has changed since the last verified run"

  /// A host that was verified, and whose next run has nothing to look at: its files are old enough to be told by `stat`.
  private func restingHost() throws -> (Sandbox, SceneHost) {
    let sandbox = try Sandbox()
    let a = sandbox.host("a")
    a.remember([("x", "1"), ("y", "2")])
    #expect(try a.setUp().code == 0)
    Thread.sleep(forTimeInterval: 2.2)
    #expect(try a.backup().code == 0)
    let outcome = try a.backup("-v")
    #expect(outcome.code == 0 && outcome.errorOutput.contains(shortcut), "\(outcome)")
    return (sandbox, a)
  }

  @Test func theAnswerIsTheOneOfTheWholeWay() throws {
    let (_, a) = try restingHost()
    let short = try a.backup("--json")
    try FileManager.default.removeItem(atPath: a.store + "/.git/crdt/verified")
    let whole = try a.backup("--json")
    #expect(short.output == whole.output)
    #expect(short.code == 0 && whole.code == 0)
    let text = try a.backup("-v")
    #expect(text.errorOutput.contains(shortcut) && text.output.contains("2 unchanged"), "\(text)")
    #expect(text.output.contains("Verified on"))
  }

  @Test(arguments: [
    "memory, same size", "memory gone", "unified file edited", "unified file gone", "setting", "user setting",
    "remote moved back",
    "remote branch gone", "remote gone", "remote moved on", "packed refs", "a run died", "host file committed by hand",
  ])
  func anythingThatChangedIsLookedAt(_ change: String) throws {
    let (sandbox, a) = try restingHost()
    let manager = FileManager.default
    let remote = sandbox.remote
    var code: Int32 = 0
    var isRight: () throws -> Bool = { true }
    switch change {
    case "memory, same size":
      a.remember([("x", "7"), ("y", "2")])
      isRight = { try a.view() == ["x": "7", "y": "2"] }
    case "memory gone":
      try manager.removeItem(atPath: a.memory)
      code = 66
    case "unified file edited":
      try Data("[]\n".utf8).write(to: URL(fileURLWithPath: a.unifiedPath))
      isRight = { try a.view() == ["x": "1", "y": "2"] }
    case "unified file gone":
      try manager.removeItem(atPath: a.unifiedPath)
      isRight = { try a.view() == ["x": "1", "y": "2"] }
    case "setting":
      try GitProgram.run(["config", "crdt.maxDrift", "never"], in: a.store)
      code = 78
    case "user setting":
      try Data("[crdt]\n\tmaxDrift = never\n".utf8).write(
        to: URL(fileURLWithPath: sandbox.folder("home") + "/.gitconfig"))
      code = 78
    case "remote moved back":
      let first = try GitProgram.run(["rev-list", "--max-parents=0", "main"], in: remote)
      a.remember([("x", "1"), ("y", "3")])
      #expect(try a.backup().code == 0)
      Thread.sleep(forTimeInterval: 2.2)
      #expect(try a.backup().code == 0)
      #expect(try a.backup("-v").errorOutput.contains(shortcut))
      try GitProgram.run(
        ["update-ref", "refs/heads/main", first], in: remote)
      isRight = { try sandbox.remoteTip() == a.tip() }
    case "remote branch gone":
      try GitProgram.run(["update-ref", "-d", "refs/heads/main"], in: remote)
      isRight = { try sandbox.remoteTip() == a.tip() }
    case "remote gone":
      try manager.removeItem(atPath: remote)
      code = 75
    case "remote moved on":
      let b = sandbox.host("b")
      b.remember("z", "of b")
      #expect(try b.setUp().code == 0)
      isRight = { try a.view()["z"] == "of b" }
    case "packed refs":
      // Nothing changed: still the short way.
      try GitProgram.run(["pack-refs", "--all"], in: remote)
      let outcome = try a.backup("-v")
      #expect(outcome.code == 0 && outcome.errorOutput.contains(shortcut), "\(outcome)")
      return
    case "a run died":
      try Data("4711\n".utf8).write(to: URL(fileURLWithPath: a.store + "/.git/crdt/lock"))
    default:
      try GitProgram.run(["commit", "--allow-empty", "-q", "-m", "by hand"], in: a.store)
      isRight = { try sandbox.remoteTip() == a.tip() }
    }
    let outcome = try a.backup("-v")
    #expect(outcome.code == code, "\(change): \(outcome)")
    #expect(!outcome.errorOutput.contains(shortcut), "\(change): \(outcome)")
    #expect(try isRight(), "\(change)")
  }
}
