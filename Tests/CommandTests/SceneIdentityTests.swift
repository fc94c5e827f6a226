import Foundation
import TestKit
import Testing

/// Two installations with one name, and copies of a store.
@Suite struct SceneIdentityTests {
  @Test func theSecondMachineOfOneNameTakesASuffixSaysSoAndKeepsIt() throws {
    let sandbox = try Sandbox()
    let (first, second) = (sandbox.host("first"), sandbox.host("second"))
    first.remember("a", "from the first")
    second.remember("b", "from the second")
    #expect(try first.setUp(host: "laptop").code == 0)
    let outcome = try second.setUp(host: "laptop")
    #expect(outcome.code == 0)
    let name = try second.ownName()
    #expect(name.hasPrefix("laptop-") && name.count > 7)
    #expect(
      outcome.output.contains("Another installation writes as laptop: this one is \(name) from now on"), "\(outcome)")

    // Asking again for the plain name is no change.
    let tip = try sandbox.remoteTip()
    let again = try sandbox.run(["--store", second.store, "--host", "laptop"])
    #expect(again.code == 0 && !again.output.contains("Another installation"), "\(again)")
    #expect(try second.ownName() == name)
    #expect(try sandbox.remoteTip() == tip)
    // Another name is a mistake.
    let other = try sandbox.run(["--store", second.store, "--host", "desktop"])
    #expect(other.code == 64, "\(other)")

    #expect(try first.backup().code == 0)
    #expect(try first.ownName() == "laptop")
    #expect(try first.unified() == second.unified())
    #expect(try first.view() == ["a": "from the first", "b": "from the second"])
  }

  @Test func twoMachinesOfOneNameSetUpOfflineAreToldApartWhenTheyMeet() throws {
    let sandbox = try Sandbox()
    let (first, second) = (sandbox.host("first"), sandbox.host("second"))
    first.remember([("same", "of the first"), ("a", "1")])
    second.remember([("same", "of the second"), ("b", "2")])
    #expect(try first.setUp("--offline", host: "laptop").code == 75)
    #expect(try second.setUp("--offline", host: "laptop").code == 75)
    #expect(try first.backup().code == 0)
    let met = try second.backup()
    #expect(met.code == 0 && met.output.contains("Another installation writes as laptop"), "\(met)")
    let tip = try sandbox.remoteTip()
    #expect(try second.backup().code == 0)
    #expect(try sandbox.remoteTip() == tip, "the meeting's commit was complete")

    // An edit goes on with the entry that was renamed, and makes no second one.
    second.remember([("same", "of the second, edited"), ("b", "2")])
    #expect(try second.backup().code == 0)
    #expect(try first.backup().code == 0)
    #expect(try first.unified() == second.unified())
    let unified = String(decoding: try first.unified(), as: UTF8.self)
    #expect(unified.components(separatedBy: "\"id\":\"same\"").count == 3)
    #expect(unified.contains("\"of the first\"") && unified.contains("\"of the second, edited\""))
    let view = try first.view()
    #expect(view["a"] == "1" && view["b"] == "2")
    #expect(try first.history("same").contains("of the second"))
    #expect(try first.commitCount() > 0)
  }

  @Test func aCopiedStoreLosesNothing() throws {
    let sandbox = try Sandbox()
    let original = sandbox.host("original")
    original.remember("a", "start")
    #expect(try original.setUp(host: "box").code == 0)
    let copy = sandbox.host("copy")
    try GitProgram.run(["--version"], in: sandbox.folder.path)
    #expect(try sandbox.shell("cp -a '\(original.store)' '\(copy.store)'").code == 0)
    copy.remember("a", "start")
    #expect(try copy.backup("--memory", copy.memory).code == 0)

    for round in 1...3 {
      original.remember([("a", "original \(round)"), ("o\(round)", "original's \(round)")])
      copy.remember([("a", "copy \(round)"), ("c\(round)", "copy's \(round)")])
      #expect(try original.backup().code == 0)
      #expect(try copy.backup().code == 0)
    }
    #expect(try original.backup().code == 0)
    #expect(try original.unified() == copy.unified())
    let view = try original.view()
    for round in 1...3 {
      #expect(view["o\(round)"] == "original's \(round)" && view["c\(round)"] == "copy's \(round)")
    }
    let history = try original.history("a")
    for round in 1...3 { #expect(history.isSuperset(of: ["original \(round)", "copy \(round)"])) }
  }

  @Test func aNameThatFoldingChangedIsStable() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("x")
    host.remember("a", "1")
    #expect(try host.setUp(host: "Père's Laptop_2").code == 0)
    let name = try host.ownName()
    #expect(name.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789.-".contains($0) })
    let again = try sandbox.run(["--store", host.store, "--host", "Père's Laptop_2"])
    #expect(again.code == 0, "\(again)")
    #expect(try host.ownName() == name)
  }
}
