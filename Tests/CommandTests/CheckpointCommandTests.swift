import Foundation
import TestKit
import Testing

/// `crdt-agent checkpoint` as people and agents call it.
@Suite struct CheckpointCommandTests {
  private let state =
    #"{"metrics":{"m":1.50},"mine":{"b":[1, 2],"a":"é"},"environment":{"LANG":"C"},"workingFolder":"/w"}"#

  @Test func checkpointsTravelBetweenTwoHosts() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember("x", "of a")
    b.remember("y", "of b")
    for host in [a, b] { #expect(try host.setUp().code == 0) }

    let large = "{\"text\":\"\(String(repeating: "é", count: 50_000))\"}"
    let created = try a.checkpoint("create", "-m", "first", "--tag", "good", "--state", "-", input: state)
    #expect(created.code == 0 && created.errorOutput == "", "\(created)")
    #expect(try a.checkpoint("create", "-m", "large", "--state", "-", "--no-env", input: large).code == 0)
    #expect(try b.checkpoint("create", "-m", "of b", "--state", "-", input: state).code == 0)
    #expect(try a.checkpoint("annotate", "1", "look", "--level", "warning").code == 0)
    let restored = try a.checkpoint("restore", "latest")
    for host in [a, b, a] { #expect(try host.backup().code == 0) }

    // Both hosts have all three, in one order, and the memory view has none of them.
    let (there, here) = (try b.checkpoints(), try a.checkpoints())
    #expect(there.compactMap { $0["message"] as? String } == ["first", "of b", "large"])
    #expect(NSArray(array: there) == NSArray(array: here))
    #expect(try b.checkpoint("restore", "2@a").output == restored.output)
    #expect(restored.output.hasPrefix("{\"text\":\"ééé"))
    #expect(try a.view() == ["x": "of a", "y": "of b"])
    let show = try b.checkpoint("show", "1@a", "--json").json()
    let shown = try #require(show["checkpoint"] as? [String: Any])
    #expect(shown["verdict"] as? String == "valid")
    #expect((show["annotations"] as? [[String: Any]])?.first?["text"] as? String == "look")
    #expect(try b.checkpoint("validate").output == "3 valid, 0 legacy, 0 invalid")

    // Deleted there, gone here, also after this host makes another; its number does not come back.
    #expect(try b.checkpoint("delete", "2@a").code == 0)
    #expect(try b.backup().code == 0)
    #expect(try a.backup().code == 0)
    #expect(try a.checkpoint("show", "2@a").code == 66)
    #expect(try a.checkpoint("create", "-m", "after").output.hasPrefix("Checkpoint 3@a"))
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    #expect(try b.checkpoints().compactMap { $0["message"] as? String } == ["first", "of b", "after"])
    #expect(try a.unified() == b.unified())
    try a.check()
  }

  @Test func whatIsRestoredIsWhatWasGiven() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    sandbox.folder.write("state.json", state)
    #expect(try a.checkpoint("create", "--host", "a", "--state", sandbox.folder("state.json")).code == 0)
    let expected = #"{"environment":{"LANG":"C"},"metrics":{"m":1.50},"mine":{"b":[1,2],"a":"é"},"workingFolder":"/w"}"#
    #expect(try a.checkpoint("restore", "1").output == expected)
    let file = sandbox.folder("restored.json")
    #expect(try a.checkpoint("restore", "latest", "-o", file).code == 0)
    #expect(try String(contentsOfFile: file, encoding: .utf8) == expected + "\n")
    let again = try a.checkpoint("restore", "latest", "-o", file, "--json").json()
    #expect(again["written"] as? Bool == false)
    // The restored file is a state again.
    #expect(try a.checkpoint("create", "--state", file).code == 0)
    #expect(try a.checkpoint("diff", "1", "2").output.hasSuffix("No difference"))
    #expect(try a.checkpoint("at", "2999-01-01", "--json").json()["exitCode"] as? Int == 0)
    #expect(try a.checkpoint("at", "1d").code == 66)
  }

  @Test func onlyChosenVariablesEnter() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    let variables = [
      "LANG": "C", "MINE": "1", "OTHER": "2", "EDITOR": "ghp_012345678901234567890123456789AbCdEf",
      "GITHUB_TOKEN": "ghp_012345678901234567890123456789AbCdEf",
    ]
    let created = try sandbox.agent(
      ["checkpoint", "create", "--env", "MINE", "--store", a.store], with: variables)
    #expect(created.code == 0 && created.errorLines.count == 1 && created.errorOutput.contains("EDITOR"), "\(created)")
    let restored = try a.checkpoint("restore", "1").output
    #expect(restored.contains(#""LANG":"C""#) && restored.contains(#""MINE":"1""#))
    #expect(!restored.contains("OTHER") && !restored.contains("ghp_") && !restored.contains("GITHUB_TOKEN"))
    let secret = try a.checkpoint(
      "create", "--state", "-", input: #"{"log":"ghp_012345678901234567890123456789AbCdEf"}"#)
    #expect(secret.code == 65 && secret.errorOutput.contains("--allow github-token"), "\(secret)")
    #expect(!secret.errorOutput.contains("ghp_"))
    #expect(try a.checkpoints().count == 1)
    let objects = try sandbox.shell("cd '\(a.store)' && git grep -c ghp_ $(git rev-list --all) || echo none")
    #expect(objects.output == "none")
  }

  @Test func processesAtOnceGetNumbersOfTheirOwn() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    #expect(try a.checkpoint("session", "start", "work", "--host", "a").code == 0)
    onThreads(8) { index in
      let outcome = try? a.checkpoint("create", "-m", "\(index)")
      #expect(outcome?.code == 0, "\(String(describing: outcome))")
    }
    let all = try a.checkpoints()
    #expect(all.compactMap { $0["sequence"] as? Int } == Array(1...8))
    #expect(Set(all.compactMap { $0["message"] as? String }).count == 8)
    #expect(Set(all.compactMap { $0["session"] as? String }).count == 1)
  }

  @Test func deleteAndCompactTellBeforeTheyDo() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    for index in 1...5 {
      #expect(try a.checkpoint("create", "-m", "\(index)", "--tag", index == 1 ? "keep" : "x\(index)").code == 0)
    }
    let before = try snapshot(a.store)
    #expect(try a.checkpoint("delete", "2", "--dry-run").output.hasPrefix("Would delete 2@"))
    let dry = try a.checkpoint("compact", "--keep", "2", "--dry-run")
    #expect(dry.output.hasSuffix("3 would be deleted, 2 kept"), "\(dry)")
    #expect(try snapshot(a.store) == before)
    #expect(try a.checkpoint("delete", "2", "nobody").code == 66)
    #expect(try a.checkpoints().count == 5)
    #expect(try a.checkpoint("delete", "2", "3").code == 0)
    #expect(try a.checkpoint("compact", "--keep", "1", "--preserve-tagged").output.hasSuffix("0 deleted, 3 kept"))
    #expect(try a.checkpoint("compact", "--keep", "1").code == 0)
    #expect(try a.checkpoints().compactMap { $0["message"] as? String } == ["5"])
    #expect(try a.checkpoint("create", "-m", "6").output.hasPrefix("Checkpoint 6@"))
  }

  @Test func exportsGoInAnywhereOnce() throws {
    let sandbox = try Sandbox(remote: false)
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    #expect(try a.checkpoint("create", "-m", "one", "--state", "-", "--host", "a", input: state).code == 0)
    #expect(try a.checkpoint("create", "-m", "two", "--tag", "t").code == 0)
    let file = sandbox.folder("export.jsonl")
    #expect(try a.checkpoint("export", "-o", file).code == 0)
    let piped = try a.checkpoint("export").output
    #expect(try String(contentsOfFile: file, encoding: .utf8) == piped + "\n")
    #expect(try a.checkpoint("export", "--json").code == 64)
    #expect(try b.checkpoint("import", "-", input: piped).output == "2 imported, 0 here already")
    #expect(try b.checkpoint("import", file).output == "0 imported, 2 here already")
    #expect(try b.checkpoint("export").output == piped)
    let damaged = piped.replacing("1.50", with: "1.51")
    let c = sandbox.host("c")
    let refused = try c.checkpoint("import", "-", input: damaged)
    #expect(refused.code == 65 && refused.output == "" && refused.errorOutput.contains("nothing was imported"))
    #expect(try c.checkpoint("import", "-", "--skip-invalid", input: damaged).code == 65)
    #expect(try c.checkpoints().compactMap { $0["message"] as? String } == ["two"])
    #expect(try c.checkpoint("import", "-", input: String(piped.dropLast(20))).code == 65)
  }

  @Test func jsonIsOneObjectAndQuietIsSilent() throws {
    let sandbox = try Sandbox(remote: false)
    let a = sandbox.host("a")
    sandbox.folder.write("state.json", state)
    let commands: [([String], Int32)] = [
      (["session", "start", "s", "--host", "a"], 0), (["create", "-m", "x"], 0),
      (["create", "--state", sandbox.folder("state.json")], 0), (["list"], 0),
      (["list", "--from", "2", "--to", "9"], 0),
      (["show", "1"], 0), (["restore", "1"], 0), (["restore", "1", "-o", sandbox.folder("o.json")], 0),
      (["diff", "1", "2"], 0), (["at", "2999-01-01"], 0), (["timeline"], 0), (["annotate", "1", "text"], 0),
      (["delete", "1", "--dry-run"], 0), (["compact", "--keep", "9"], 0), (["export", "-o", sandbox.folder("e")], 0),
      (["import", sandbox.folder("e")], 0), (["validate"], 0), (["validate", "1"], 0), (["health"], 0),
      (["session", "list"], 0), (["session"], 0), (["delete", "1"], 0), (["create", "--at-most-every", "1h"], 0),
      (["session", "end", "s"], 0), (["create", "--session", "s"], 64),
      (["show", "1"], 66), (["show", ""], 66), (["restore", "zzzz"], 66), (["session", "end", "nobody"], 66),
      (["annotate", "2", "text", "--level", "loud"], 64), (["create", "--trigger", "odd"], 64),
      (["create", "--state", sandbox.folder("missing.json")], 66), (["create", "--state", sandbox.folder.path], 66),
      (["at", "someday"], 64), (["import", sandbox.folder("state.json")], 65), (["list", "--trigger", "x"], 64),
      (["restore", "2", "-o", sandbox.folder("no/such/folder/file")], 73), (["create", "--at-most-every", "soon"], 64),
    ]
    for (command, code) in commands {
      let outcome = try sandbox.agent(["checkpoint"] + command + ["--store", a.store, "--json"])
      let object = try outcome.json()
      #expect(outcome.code == code, "\(command): \(outcome)")
      #expect(object["schema"] as? Int == 1 && (object["exitCode"] as? Int).map(Int32.init) == code, "\(command)")
      #expect((object["command"] as? String)?.hasPrefix("checkpoint \(command[0])") == true, "\(command)")
      if code == 0 { #expect(outcome.errorOutput == "", "\(command): \(outcome)") }
      if code != 0 {
        #expect(
          outcome.errorOutput.hasPrefix("crdt-agent: ") && outcome.errorLines.count == 1, "\(command): \(outcome)")
      }
    }
    for usage in [["compact"], ["compact", "--keep", "0"], ["list", "--from", "3", "--to", "1"], ["bogus"], []] {
      let outcome = try sandbox.agent(["checkpoint"] + usage + ["--store", a.store, "--json"])
      #expect(outcome.code == 64, "\(usage): \(outcome)")
      #expect(try outcome.json()["exitCode"] as? Int == 64)
    }
    for command in [["list"], ["timeline"], ["health"], ["validate"], ["create"], ["session"]] {
      let outcome = try sandbox.agent(["checkpoint"] + command + ["--store", a.store, "-q"])
      #expect(outcome.code == 0 && outcome.output == "" && outcome.errorOutput == "", "\(command): \(outcome)")
    }
    let nowhere = try sandbox.agent(["checkpoint", "list", "--json", "--store", sandbox.folder("nowhere")])
    #expect(nowhere.code == 66)
    #expect(!FileManager.default.fileExists(atPath: sandbox.folder("nowhere")))
  }

  @Test func aDamagedCheckpointIsShownAsSuchAndNeverRestored() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember("x", "of a")
    b.remember("y", "of b")
    for host in [a, b] { #expect(try host.setUp().code == 0) }
    #expect(try a.checkpoint("create", "-m", "good", "--state", "-", input: state).code == 0)
    #expect(try a.checkpoint("create", "-m", "bad", "--state", "-", input: state).code == 0)
    #expect(try a.backup().code == 0)
    // Somebody edits the host file on the remote by hand.
    let clone = try sandbox.clone()
    let path = clone + "/memory-a.json"
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false
    )
    .map { $0.contains("\"bad\"") ? String($0).replacing("1.50", with: "1.51") : String($0) }
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    try sandbox.push(clone)
    #expect(try b.backup().code == 0)
    let out = sandbox.folder("out.json")
    let restored = try b.checkpoint("restore", "2", "-o", out)
    #expect(restored.code == 65 && restored.errorOutput.contains("damaged"), "\(restored)")
    #expect(!FileManager.default.fileExists(atPath: out))
    #expect(try b.checkpoint("show", "2").code == 65)
    #expect(try b.checkpoint("show", "2", "--json").json()["exitCode"] as? Int == 65)
    let validated = try b.checkpoint("validate")
    #expect(validated.code == 65 && validated.output.hasSuffix("1 valid, 0 legacy, 1 invalid"), "\(validated)")
    #expect(try b.checkpoint("health", "--json").json()["status"] as? String == "unhealthy")
    // Its message may be somebody else's: it is shown as damaged.
    for command in ["list", "timeline"] {
      let shown = try b.checkpoint(command)
      #expect(shown.output.contains("(damaged) bad") && !shown.output.contains("(damaged) good"), "\(shown)")
      #expect(shown.code == 0 && shown.errorOutput.contains("1 checkpoint is damaged"), "\(shown)")
    }
    #expect(try b.checkpoints().compactMap { $0["verdict"] as? String } == ["valid", "invalid"])
    #expect(try b.checkpoint("timeline", "--json").output.contains("\"verdict\":\"invalid\""))
    #expect(try b.checkpoint("restore", "1").code == 0)
  }
}
