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
}
