import Foundation
import TestKit
import Testing

/// A secret in reasoning data does not get into the store, where every host would see it.
struct CRSSecretTests {
  private let token = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"

  private func history(_ result: String, _ metadata: String = "{}") -> String {
    #"{"type":"history","source":"hard","entries":[{"id":"h","node":"n","action":"call","result":"\#(result)","#
      + #""metadata":\#(metadata)}]}"# + "\n"
  }

  @Test func aSecretInADeltaIsRefusedAndNotRepeated() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let password = "kX9#mQ2vT7pLw4Zr"
    let input = history(token) + history("ok", #"{"password":"\#(password)"}"#) + history("ok")
    let outcome = try host.crs("apply", "--json", input: input)
    #expect(outcome.code == 65, "\(outcome)")
    let refused = try #require(try outcome.json()["refused"] as? [[String: Any]])
    #expect(refused.compactMap { $0["line"] as? Int } == [1, 2])
    #expect(refused.allSatisfy { $0["code"] as? String == "secretFound" })
    #expect((refused.last?["message"] as? String)?.contains("password") == true)
    #expect(!"\(outcome)".contains(token) && !"\(outcome)".contains(password))
    #expect(try outcome.json()["applied"] as? Int == 1)
    #expect(try host.crs("save").code == 0)
  }

  @Test func whatIsLetThroughByRuleIsKeptAndSavedOnlyBySayingSoAgain() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let outcome = try host.crs("apply", "--json", input: history(token))
    let message = try #require((try outcome.json()["refused"] as? [[String: Any]])?.first?["message"] as? String)
    let rule = try #require(message.split(separator: "(").last?.dropLast().description)
    #expect(try host.crs("apply", "--allow", rule, input: history(token)).code == 0)
    let save = try host.crs("save")
    #expect(save.code == 65 && save.errorOutput.contains(rule), "\(save)")
    #expect(try host.crs("save", "--local").code == 0)
    #expect(try host.crs("save", "--allow", rule).code == 0)
  }

  /// A rule of the store's own, which no built-in one knows.
  private let ownRule = "staff-number: STAFF-[0-9]{6}\n"
  private let staffNumber = "STAFF-123456"

  /// A host whose store is there.
  private func hostWithStore(_ sandbox: Sandbox) throws -> SceneHost {
    let host = sandbox.host("hosta")
    #expect(try host.crs("apply", input: history("before")).code == 0)
    #expect(try host.crs("save").code == 0)
    return host
  }

  @Test func rulesOfTheStoreHoldForReasoningData() throws {
    let sandbox = try Sandbox(remote: false)
    let host = try hostWithStore(sandbox)
    sandbox.folder.write("store-hosta/.crdt-secrets", ownRule)
    let refused = try host.crs("apply", input: history(staffNumber))
    #expect(refused.code == 65 && refused.errorOutput.contains("staff-number"), "\(refused)")
    #expect(try host.run("allow", "staff-number").code == 0)
    #expect(try host.crs("apply", input: history(staffNumber)).code == 0)
  }

  /// Rules that cannot be read stop what would go out: too large, no file, not there though named.
  @Test func rulesThatCannotBeReadLetNothingOut() throws {
    let sandbox = try Sandbox(remote: false)
    let host = try hostWithStore(sandbox)
    let rules = host.store + "/.crdt-secrets"
    func expectRefusal(_ what: String) throws {
      for arguments in [["apply"], ["save"]] {
        let outcome = try host.agent(["crs"] + arguments + ["--project", "p"], input: history(staffNumber))
        #expect(outcome.code != 0 && outcome.code != 65, "\(what): \(outcome)")
        #expect(outcome.errorOutput.contains("secrets"), "\(what): \(outcome)")
      }
      #expect(try host.crs("query", "history").output.contains(staffNumber) == false)
    }
    sandbox.folder.write(
      "store-hosta/.crdt-secrets", ownRule + String(repeating: "# comment\n", count: 120_000))
    try expectRefusal("too large")
    try FileManager.default.removeItem(atPath: rules)
    try sandbox.makeFolder(rules)
    try expectRefusal("a folder")
    try FileManager.default.removeItem(atPath: rules)
    try GitProgram.run(["config", "crdt.secrets", "rules-of-ours"], in: host.store)
    try expectRefusal("named and not there")
    sandbox.folder.write("store-hosta/rules-of-ours", ownRule)
    #expect(try host.crs("apply", input: history(staffNumber)).code == 65)
    #expect(try host.crs("save").code == 0)
  }
}
