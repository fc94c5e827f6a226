import Foundation
import TestKit
import Testing

/// The store's own rules for secrets, and what `crdt-backup allow` lets through, hold for checkpoints as for memory.
@Suite struct CheckpointSecretTests {
  private let rules = "staff-number: STAFF-[0-9]{6}\n"
  private let staffNumber = "STAFF-123456"

  @Test func rulesOfTheStoreHoldForStatesMessagesNotesSessionsAndVariables() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("create", "--host", "a").code == 0)
    sandbox.folder.write("store-a/.crdt-secrets", rules)
    let state = "{\"log\":\"\(staffNumber)\"}"
    let attempts: [([String], String)] = [
      (["create", "--state", "-"], state), (["create", "-m", staffNumber], ""), (["create", "--tag", staffNumber], ""),
      (["annotate", "1", staffNumber], ""), (["session", "start", staffNumber], ""),
    ]
    for (command, input) in attempts {
      let outcome = try sandbox.agent(["checkpoint"] + command + ["--store", a.store], input: input)
      #expect(outcome.code == 65 && outcome.errorOutput.contains("staff-number"), "\(command): \(outcome)")
      #expect(!outcome.errorOutput.contains(staffNumber), "\(command): \(outcome)")
    }
    let created = try sandbox.agent(
      ["checkpoint", "create", "--env", "BADGE", "--store", a.store], with: ["BADGE": staffNumber])
    #expect(created.code == 0 && created.errorOutput.contains("BADGE stays out"), "\(created)")
    let objects = try sandbox.shell(
      "cd '\(a.store)' && git grep -c '\(staffNumber)' $(git rev-list --all) || echo none")
    #expect(objects.output == "none")
    // Also what comes as an export.
    let other = sandbox.host("b")
    #expect(try other.checkpoint("create", "-m", staffNumber, "--host", "b").code == 0)
    let export = try other.checkpoint("export").output
    let refused = try a.checkpoint("import", "-", input: export)
    #expect(refused.code == 65 && refused.errorOutput.contains("staff-number"), "\(refused)")
    // What the store lets through is let through here.
    #expect(try a.run("allow", "staff-number").code == 0)
    for (command, input) in attempts {
      let outcome = try sandbox.agent(["checkpoint"] + command + ["--store", a.store], input: input)
      #expect(outcome.code == 0, "\(command): \(outcome)")
    }
    #expect(try a.checkpoint("import", "-", input: export).code == 0)
  }

  @Test func rulesThatCannotBeReadStopACheckpoint() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("create", "--host", "a").code == 0)
    try GitProgram.run(["config", "crdt.secrets", "rules-of-ours"], in: a.store)
    for command in [["create"], ["annotate", "1", "text"], ["session", "start", "s"]] {
      let outcome = try sandbox.agent(["checkpoint"] + command + ["--store", a.store])
      #expect(outcome.code == 78 && outcome.errorOutput.contains("rules-of-ours"), "\(command): \(outcome)")
    }
    #expect(try a.checkpoints().count == 1)
  }

  @Test func whatIsRefusedMakesNoStore() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    let token = "ghp_" + "012345678901234567890123456789AbCdEf"
    for command in [["create", "-m", token], ["session", "start", token]] {
      #expect(try sandbox.agent(["checkpoint"] + command + ["--host", "a", "--store", a.store]).code == 65)
    }
    #expect(!FileManager.default.fileExists(atPath: a.store))
  }

  @Test func aVariableOfAStateThatIsNotOnTheListIsToldToStayOut() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("a")
    let state = #"{"environment":{"BUILD_NUMBER":"7","LANG":"C"}}"#
    let outcome = try host.checkpoint("create", "--host", "a", "--state", "-", input: state)
    #expect(outcome.code == 0 && outcome.errorOutput.contains("BUILD_NUMBER stays out"), "\(outcome)")
    #expect(!outcome.errorOutput.contains("LANG"))
    let listed = try host.checkpoint("create", "--env", "BUILD_NUMBER", "--state", "-", input: state)
    #expect(listed.code == 0 && listed.errorOutput.isEmpty, "\(listed)")
  }
}
