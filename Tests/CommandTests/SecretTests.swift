import Foundation
import Processes
import TestKit
import Testing

/// Secrets stay home: the real commands, and every object of the store and of the remote looked through.
@Suite struct SecretTests {
  private static let token = "gh" + "p_" + "a8Kd72hQx9Lm4Rt6Vw3Zy5Bn1Cj0Fe8Gs2Hp"

  private func everything(in repository: String, _ scene: HookScene) throws -> String {
    try scene.git("-C", repository, "cat-file", "--batch-all-objects", "--batch", "--unordered")
  }

  @Test func theSecretIsInNoObjectAndInNoOutput() throws {
    guard try Requirement.programs("git") else { return }
    let scene = try HookScene()
    let token = Self.token
    let escaped = token.utf8.map { "\\u00" + String($0, radix: 16) }.joined()
    try scene.write(
      "memory.json",
      """
      [{"id":"first","content":"c, now with password=\(token)"},{"id":"ci","content":"deploy token \(token)"},
       {"id":"hidden","content":"\(escaped)"},{"id":"\(token)","content":"\(token)"},{"id":"plain","content":"tabs"}]
      """)
    let run = try scene.backup("--store", scene.store, "--verbose")
    #expect(run.outputText.contains("1 added, 4 held back"))
    #expect(run.errorText.contains("warning: 4 held back: github-token in entry first, github-token in entry ci"))
    #expect(run.errorText.contains("crdt-backup allow ID|RULE"))
    let json = try scene.backup("--store", scene.store, "--json")
    #expect(json.outputText.contains(#""heldBack":[{"id":"first","rule":"github-token","member":"content"}"#))
    let status = try scene.backup("status", "--store", scene.store)
    #expect(status.outputText.contains("4 held back: github-token in entry first"))
    let statusJSON = try scene.backup("status", "--json", "--store", scene.store)
    let dry = try scene.backup("--store", scene.store, "--dry-run")
    #expect(dry.outputText.contains("4 would be held back"))
    for result in [run, json, status, statusJSON, dry] {
      #expect(!result.outputText.contains(token) && !result.errorText.contains(token))
      #expect(!result.outputText.contains(escaped) && !result.errorText.contains(escaped))
    }
    for repository in [scene.store, scene.remote] {
      let objects = try everything(in: repository, scene)
      #expect(objects.contains("\"plain\""))
      #expect(!objects.contains(token) && !objects.contains(escaped))
    }
    // Nor in any file of the store, private state included.
    let found = try scene.run("grep", ["-rFl", "-e", token, "-e", escaped, scene.store], expecting: nil)
    #expect(found.outputText.isEmpty)
    #expect(scene.mode(scene.store + "/.git/crdt/held") == 0o600)

    // Allowed by id: this one only.
    try scene.backup("allow", "ci", "--store", scene.store)
    #expect(try scene.backup("--store", scene.store).outputText.contains("1 added, 2 unchanged, 3 held back") == false)
    #expect(try everything(in: scene.remote, scene).contains("deploy token \(token)"))
    #expect(try !everything(in: scene.remote, scene).contains("now with password"))
    // By rule: all of it.
    try scene.backup("allow", "github-token", "--store", scene.store)
    let all = try scene.backup("--store", scene.store)
    #expect(!all.outputText.contains("held back"))
    #expect(all.errorText.isEmpty)
    #expect(try everything(in: scene.remote, scene).contains("now with password"))
    #expect(
      try scene.backup("allow", "--list", "--store", scene.store).outputText.split(separator: "\n") == [
        "ci", "github-token",
      ])
    try scene.backup("allow", "--remove", "ci", "--store", scene.store)
    #expect(
      try scene.backup("allow", "--list", "--json", "--store", scene.store).outputText.contains(
        #""allowed":["github-token"]"#))
    try scene.backup("allow", "nobody", "--store", scene.store, expecting: 66)
    try scene.backup("allow", "--store", scene.store, expecting: 64)
  }
}
