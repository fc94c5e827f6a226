import CRDT
import Foundation
import TestKit
import Testing

@testable import Memory

@Suite struct SecretScannerTests {
  private let scanner = SecretScanner()

  private func entry(_ text: String, under name: String = "content") -> [UInt8] {
    var writer = JSONWriter()
    writer.object { object in
      object.member("id", "note-1")
      object.member(name, text)
    }
    return writer.bytes
  }

  @Test(arguments: SecretSamples.all.indices)
  func everyKindIsFoundAndNeverTold(index: Int) {
    let sample = SecretSamples.all[index]
    let findings = scanner.findings(in: entry(sample.text))
    #expect(findings == [SecretFinding(rule: sample.rule, member: "content")], "\(sample.text)")
    #expect(!"\(findings)".contains(sample.secret))
  }

  @Test(arguments: SecretSamples.ordinary)
  func ordinarySentencesPass(text: String) { #expect(scanner.findings(in: entry(text)).isEmpty) }

  @Test func theSampleMemoriesPass() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "examples/memories")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(!names.isEmpty)
    for name in names where [".json", ".jsonl"].contains(where: name.hasSuffix) {
      let document = try MemoryDocument.parse(Array(try Data(contentsOf: folder.appending(path: name))), source: name)
      for item in document.items { #expect(scanner.heldBack(item) == nil, "\(name): \(item.id)") }
    }
  }

  @Test(arguments: [
    (#"{"password":"hunter2x"}"#, "password", "password"),
    (#"{"env":{"DB_PASS":"correcthorse"}}"#, "password", "env.DB_PASS"),
    (#"{"a":[{"dbPassword":12345678}]}"#, "password", "a[0].dbPassword"),
    (#"{"id":"db-password","content":"hunter2x"}"#, "password", "content"),
    (#"{"value":"hunter2x","name":"DB_PASSWORD"}"#, "password", "value"),
    (#"{"pass\u0077ord":"hunter\u0032x"}"#, "password", "password"),
    (#"{"content":"pass\u0077ord \u003d \u0068unter2x"}"#, "password", "content"),
    (#"{"content":"{\"password\": \"hunter2x\"}"}"#, "password", "content"),
    (#"{"content":"{\\\"password\\\": \\\"hunter2x\\\"}"}"#, "password", "content"),
    (#"{"passwords":["one","hunter2x"]}"#, "password", "passwords[1]"),
  ])
  func whatANameCallsAPasswordIsOne(json: String, rule: String, member: String) {
    #expect(scanner.findings(in: Array(json.utf8)) == [SecretFinding(rule: rule, member: member)], "\(json)")
  }

  @Test(arguments: [
    #"{"password":null}"#, #"{"password":""}"#, #"{"password":"<password>"}"#, #"{"password":"$DB_PASSWORD"}"#,
    #"{"password":"ask Bob for it"}"#, #"{"password":true}"#, #"{"token_count":"12345678901234567890"}"#,
    #"{"tokens":123456789}"#, #"{"id":"style-token","content":"tabs"}"#, #"{"api_key":"{{ vault.key2 }}"}"#,
    #"{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#,
    #"{"public_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"}"#,
  ])
  func namesAloneAreNoSecret(json: String) { #expect(scanner.findings(in: Array(json.utf8)).isEmpty, "\(json)") }

  @Test func aSecretAsAMemberNameOrAnIDIsNotTold() throws {
    let token = "gh" + "p_" + SecretSamples.lot(36)
    let findings = scanner.findings(in: Array(#"{"\#(token)":{"password":"\#(token)"}}"#.utf8))
    #expect(Set(findings.map(\.member)) == ["*", "*.password"])
    let item = MemoryDocument.Item(id: ByteString(token), content: entry("the token \(token)"))
    let held = try #require(scanner.heldBack(item))
    #expect(held.id.description.hasPrefix("sha256:") && held.id.count == 23)
    #expect(!"\(held)".contains(token))
    #expect(SecretScanner(allowed: [held.id]).heldBack(item) == nil)
    // Nothing but the rule knows that this id is the password.
    let plain = MemoryDocument.Item(id: "hunter2x", content: Array(#"{"password":"hunter2x"}"#.utf8))
    #expect(try #require(scanner.heldBack(plain)).id != plain.id)
  }

  @Test func anIDOrARuleIsLetThrough() throws {
    let token = "gh" + "p_" + SecretSamples.lot(36)
    let item = MemoryDocument.Item(id: "ci", content: entry("token: \(token)"))
    #expect(scanner.heldBack(item)?.description == "github-token in entry ci")
    #expect(SecretScanner(allowed: ["ci"]).heldBack(item) == nil)
    #expect(SecretScanner(allowed: ["github-token"]).heldBack(item) == nil)
    #expect(SecretScanner(allowed: ["slack-token", "other"]).heldBack(item) != nil)
    let both = MemoryDocument.Item(id: "ci", content: entry("token: \(token), password: hunter2x"))
    #expect(SecretScanner(allowed: ["github-token"]).heldBack(both)?.rule == "password")
  }

  @Test func deepAndBrokenContentIsScannedToo() {
    let deep =
      String(repeating: #"{"a":["#, count: 250) + #"{"password":"hunter2x"}"# + String(repeating: "]}", count: 250)
    #expect(scanner.findings(in: Array(deep.utf8)).map(\.rule) == ["password"])
    #expect(
      scanner.findings(in: Array(#"{"a": password=hunter2x"#.utf8)) == [SecretFinding(rule: "password", member: "*")])
    #expect(scanner.findings(in: []).isEmpty)
  }

  @Test func aTextThatRepeatsANeedleEndsSoon() {
    for text in ["sk-", "password=", "a:", "-----BEGIN PRIVATE KEY-----", "https://a:b", "eyJ", "token is "] {
      let content = entry(String(repeating: text, count: 5_000 / text.utf8.count))
      _ = scanner.findings(in: content)
    }
  }
}

@Suite struct SecretRuleFileTests {
  @Test func aStoresOwnRulesAreFound() throws {
    let text = """
      # What we call secrets
      acme-key: acme_[A-Z0-9]{8}
        badge :  badge\\[no\\]-*

      """
    let scanner = SecretScanner(rules: try SecretRule.parse(Array(text.utf8), source: ".crdt-secrets"))
    func rules(_ text: String) -> [String] { scanner.findings(in: Array("\"\(text)\"".utf8)).map(\.rule) }
    #expect(rules("an acme_ABCD1234 here") == ["acme-key"])
    #expect(rules("xacme_ABCD1234").isEmpty)
    #expect(rules("acme_ABCD12345").isEmpty)
    #expect(rules("acme_ABCD").isEmpty)
    #expect(rules("badge[no]-77 x") == ["badge"])
  }

  @Test(arguments: [
    ("x", "name: pattern"), ("Name: abcdef", "a-z"), ("a: ab", "three or more"), ("a: [a-z]{3}", "three or more"),
    ("a: abc[", "not closed"), ("a: abc[]", "empty class"), ("a: abc[z-a]", "backwards"), ("a: abc[a]{x}", "a count"),
    ("a: abc[a]{3,2}", "a count"), ("a: abc[a]{3", "a count"), ("a: abc}", "stands alone"), ("a: abc\\", "at the end"),
  ])
  func aRuleThatCannotBeReadIsRefusedByLine(line: String, reason: String) throws {
    let error = #expect(throws: MemoryError.self) {
      _ = try SecretRule.parse(Array("# comment\n\(line)\n".utf8), source: ".crdt-secrets")
    }
    #expect(error?.line == 2)
    #expect(error?.code == .invalidRules)
    #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
  }

  @Test func everyBuiltInRuleHasAName() {
    #expect(SecretRule.builtIn.allSatisfy { SecretRule.isName($0.name) })
    #expect(ContextualSecret.allCases.allSatisfy { SecretRule.isName($0.rawValue) })
  }

  private let scanner = SecretScanner()

  /// A key as programs write it: drawn by no lot that matters here, in lines of 64.
  private var key: [String] {
    let body = SHA256Lines.base64(count: 9)
    return ["-----BEGIN OPENSSH PRIVATE KEY-----"] + body + ["c2hvcnQ=", "-----END OPENSSH PRIVATE KEY-----"]
  }

  /// Where a key's lines are: in damaged lines, observations, plain strings, an array.
  enum Place: CaseIterable {
    case damagedLines, observations, strings, records, array
  }

  @Test(arguments: Place.allCases)
  func aKeyOfWhichEveryLineIsAStringStaysHome(place: Place) throws {
    let lines = place == .damagedLines ? key : key.map { #""\#($0)""# }
    let file =
      switch place {
      case .damagedLines: "{\"id\":\"a\"}\n" + lines.joined(separator: "\n") + "\n{\"id\":\"b\",\"v\":\"likes tea\"}\n"
      case .observations:
        #"{"type":"entity","name":"e","entityType":"t","observations":["before",\#(lines.joined(separator: ",")),"likes tea"]}"#
          + "\n"
      case .strings: "[\"before\"," + lines.joined(separator: ",") + ",\"likes tea\"]"
      case .records: "[" + lines.enumerated().map { #"{"id":"n\#($0)","line":\#($1)}"# }.joined(separator: ",") + "]"
      case .array: #"[{"id":"a","key":["note",\#(lines.joined(separator: ","))]},{"id":"b"}]"#
      }
    let items = try MemoryDocument.parse(Array(file.utf8), source: "m").items
    let scan = scanner.scan(items)
    let kept = items.compactMap { scan.heldBack($0) }
    #expect(kept.allSatisfy { $0.rule == "private-key" })
    #expect(kept.count == (place == .array ? 1 : key.count), "\(kept)")
    for item in items where scan.heldBack(item) == nil {
      let text = String(decoding: item.content, as: UTF8.self)
      #expect(!key.contains { text.contains($0) }, "\(text)")
    }
    // Said to be none, it is let through.
    let trusting = SecretScanner(allowed: ["private-key"]).scan(items)
    #expect(items.allSatisfy { trusting.heldBack($0) == nil })
  }

  @Test func whoeverSpeaksOfAKeyKeepsNoSecret() throws {
    let file = #"["starts with -----BEGIN OPENSSH PRIVATE KEY-----", "then", "lines", "PRIVATE KEY is a plate"]"#
    let items = try MemoryDocument.parse(Array(file.utf8), source: "m").items
    let scan = scanner.scan(items)
    #expect(items.allSatisfy { scan.heldBack($0) == nil })
  }
}

/// Lines of base 64 that look drawn by lot.
private enum SHA256Lines {
  static func base64(count: Int) -> [String] {
    (0..<count).map { line in
      let digest = EntryIdentity.hexDigest(of: Array("line \(line)".utf8))
      return Data(digest.utf8).base64EncodedString().prefix(64).description
    }
  }
}
