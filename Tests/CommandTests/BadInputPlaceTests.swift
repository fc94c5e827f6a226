import Foundation
import Processes
import TestKit
import Testing

/// Wrong options, and stores and remotes that are not there, not ours, silent or full.
@Suite struct BadInputPlaceTests {
  private func settled() throws -> (Sandbox, SceneHost) {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "one")
    #expect(try host.setUp().code == 0)
    return (sandbox, host)
  }

  /// One clear line, and what was accepted is in the store.
  private func expectSaved(_ outcome: Outcome, _ code: Int32, _ host: SceneHost, _ content: String) throws {
    #expect(outcome.code == code, "\(outcome)")
    #expect(outcome.errorLines.count == 1, "\(outcome)")
    #expect(try host.view()["a"] == content)
  }

  @Test func wrongOptionsAreUsageErrors() throws {
    let (sandbox, host) = try settled()
    // The lock and the git folder's own time are no content.
    func content() throws -> [String: String] {
      try snapshot(host.store).filter { ![".git", ".git/crdt", ".git/crdt/lock"].contains($0.key) }
    }
    let before = try content()
    let lines = [
      ["--bogus"], ["--timeout", "0"], ["--timeout", "x"], ["--format", "yaml"], ["-q", "-v"], ["--memory", ""],
      ["--remote", ""], ["--host", ""], ["--branch", ""], ["--branch", "a..b"], ["--branch", "a..b", "--dry-run"],
      ["--host", "other"], ["--remote", host.store], ["extra"],
    ]
    for line in lines {
      let outcome = try sandbox.run(["--store", host.store] + line)
      #expect(outcome.code == 64, "\(line): \(outcome)")
      #expect(outcome.output == "" && outcome.errorOutput != "", "\(line)")
    }
    for line in [
      ["--store", ""], ["log"], ["forget"], ["restore", "--apply"], ["restore", "--at", "x"],
      ["restore", "--at", "1h", "--commit", "x"],
    ] {
      let outcome = try sandbox.run(line.first == "--store" ? line : line + ["--store", host.store])
      #expect(outcome.code == 64, "\(line): \(outcome)")
    }
    #expect(try content() == before)
  }

  @Test func wrongOptionsAreOneJSONObjectToo() throws {
    let (sandbox, host) = try settled()
    let lines = [
      (["--bogus"], "sync"), (["status", "--bogus"], "status"), (["sync", "--memory", ""], "sync"), (["log"], "log"),
      (["restore", "--format", "yaml"], "restore"), (["status", "extra"], "status"),
      (["restore", "--at", "x"], "restore"),
    ]
    for (line, command) in lines {
      let outcome = try sandbox.run(line + ["--json", "--store", host.store])
      let object = try outcome.json()
      #expect(outcome.code == 64 && object["exitCode"] as? Int == 64, "\(line): \(outcome)")
      #expect(object["schema"] as? Int == 1 && object["command"] as? String == command, "\(line): \(outcome)")
      let error = try #require(object["error"] as? [String: Any])
      #expect(error["code"] as? String == "usage" && (error["message"] as? String)?.isEmpty == false)
      #expect(!outcome.errorOutput.isEmpty)
    }
    // Not an option behind `--`, and nothing for those who did not ask.
    #expect(try sandbox.run(["log", "x", "--bogus", "--", "--json"]).output == "")
    #expect(try sandbox.run(["status", "--json", "--help"]).code == 0)
  }

  @Test func optionsBeforeTheSubcommandGetAHint() throws {
    let (sandbox, host) = try settled()
    let outcome = try sandbox.run(["--store", host.store, "status"])
    #expect(outcome.code == 64 && outcome.output == "")
    #expect(outcome.errorOutput.contains("crdt-backup status --store \(host.store)\n"), "\(outcome)")
    let object = try sandbox.run(["--store", "a b", "status", "--json"]).json()
    let remedy = (object["error"] as? [String: Any])?["remedy"] as? String
    #expect(remedy?.hasSuffix("crdt-backup status --store 'a b' --json") == true, "\(object)")
    for line in [
      ["--store", "s", "conflicts", "show", "x"], ["conflicts", "--store", "s", "show", "x"],
      ["hosts", "--store", "s", "retire", "x"], ["source", "--store", "s", "remove", "x"],
    ] {
      let words = line.filter { $0 != "--store" && $0 != "s" }
      let expected = "crdt-backup \(words[0]) \(words[1]) --store s \(words[2])\n"
      let nested = try sandbox.run(line)
      #expect(nested.code == 64 && nested.errorOutput.contains(expected), "\(nested)")
    }
    // A value that happens to be a command's name is none.
    #expect(try !sandbox.run(["--memory", "status", "--bogus"]).errorOutput.contains("behind the subcommand"))
  }

  @Test func anOutputThatCannotBeWrittenIsToldByItsCause() throws {
    let (sandbox, host) = try settled()
    host.remember("a", String(repeating: "long ", count: 1000))
    #expect(try host.backup().code == 0)
    let line = "\"$B\" restore --store '\(host.store)' -q -o"
    let missing = try sandbox.shell("\(line) nowhere/out")
    #expect(missing.code == 73, "\(missing)")
    // A disk that takes no more, as far as a limit of the process can play one.
    let full = try sandbox.shell("trap '' XFSZ; ulimit -f 1; \(line) out")
    #expect(full.code == 74 && full.errorLines.count == 1, "\(full)")
    #expect(!FileManager.default.fileExists(atPath: sandbox.folder("out")))
  }

  @Test func whereNoStoreIsCommandsSayHowToMakeOne() throws {
    let sandbox = try Sandbox()
    let nowhere = sandbox.folder("nowhere")
    for command in [["status"], ["hosts"], ["conflicts"], ["log", "x"], ["forget", "x"], ["restore"]] {
      let outcome = try sandbox.run(command + ["--store", nowhere])
      #expect(outcome.code == 66 && outcome.errorLines.count == 1, "\(command): \(outcome)")
      #expect(outcome.errorOutput.contains("--memory FILE --remote URL"))
    }
    #expect(try sandbox.run(["--store", nowhere]).code == 64)
    #expect(!FileManager.default.fileExists(atPath: nowhere))
    try sandbox.makeFolder(sandbox.folder("full"))
    sandbox.folder.write("full/file.txt", "mine")
    sandbox.host("h").remember("a", "1")
    let full = try sandbox.run(["--store", sandbox.folder("full"), "--memory", sandbox.host("h").memory])
    #expect(full.code == 73, "\(full)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.folder("full")) == ["file.txt"])
    // A store where a file is in the way.
    let blocked = try sandbox.run([
      "--store", sandbox.folder("full/file.txt/store"), "--memory", sandbox.host("h").memory,
    ])
    #expect(blocked.code == 73, "\(blocked)")
  }

  @Test func remotesThatAreNotThereKeepEverythingSafeHere() throws {
    let (sandbox, host) = try settled()
    host.remember("a", "two")
    try sandbox.makeFolder(sandbox.folder("plain"))
    try expectSaved(try host.backup("--remote", sandbox.folder("plain")), 78, host, "two")
    let refused = Loopback.freePort()
    for url in ["git://127.0.0.1:\(refused)/x", "http://127.0.0.1:\(refused)/x.git"] {
      let outcome = try host.backup("--remote", url)
      try expectSaved(outcome, 75, host, "two")
      #expect(outcome.errorOutput.contains("refused"), "\(outcome)")
    }
    let nonsense = try host.backup("--remote", "carrier-pigeon://x/y")
    try expectSaved(nonsense, 78, host, "two")
    // Credentials in a URL are never shown.
    let secret = try host.backup("--remote", "http://me:hunter2@127.0.0.1:\(refused)/x.git", "-v")
    #expect(secret.code == 75)
    for outcome in [secret, try host.backup("--offline"), try host.run("status"), try host.backup("--json")] {
      #expect(!outcome.output.contains("hunter2") && !outcome.errorOutput.contains("hunter2"), "\(outcome)")
    }
    // Back on the old remote all of it arrives.
    #expect(try host.backup("--remote", sandbox.remote).code == 0)
    #expect(try sandbox.remoteFile("memory-h.json").contains("\"two\""))
  }

  @Test func aSilentRemoteEndsAtTheDeadline() throws {
    let (sandbox, host) = try settled()
    let silent = SilentServer()
    for (round, scheme) in ["git", "http", "ssh"].enumerated() {
      if scheme == "ssh", try !Requirement.programs("ssh") { continue }
      host.remember("a", "while silent \(round)")
      let start = ContinuousClock.now
      let outcome = try host.backup("--remote", "\(scheme)://127.0.0.1:\(silent.port)/x.git", "--timeout", "1.5")
      try expectSaved(outcome, 75, host, "while silent \(round)")
      // The bound is generous: only hanging is wrong.
      #expect(ContinuousClock.now - start < .seconds(30), "\(scheme)")
    }
    #expect(try host.backup("--remote", sandbox.remote).code == 0)
  }

  @Test func aRemoteThatSaysNoEndsWithItsReason() throws {
    let (sandbox, host) = try settled()
    sandbox.folder.write(
      "remote.git/hooks/pre-receive", "#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n", mode: 0o755)
    host.remember("a", "two")
    let outcome = try host.backup("--timeout", "20")
    try expectSaved(outcome, 75, host, "two")
    #expect(outcome.errorOutput.contains("frozen until Monday"), "\(outcome)")
    try FileManager.default.removeItem(atPath: sandbox.remote + "/hooks/pre-receive")
    #expect(try host.backup().code == 0)
  }

  @Test func theUsersGitVariablesLeadNowhereElse() throws {
    let (sandbox, host) = try settled()
    let project = sandbox.folder("project")
    try GitProgram.run(["init", "-q", "-b", "main", project], in: sandbox.folder.path)
    sandbox.folder.write("project/code.c", "x")
    try GitProgram.run(["add", "."], in: project)
    try GitProgram.run(["commit", "-q", "-m", "code"], in: project)
    let before = try snapshot(project)
    host.remember("a", "two")
    let git = project + "/.git"
    let outcome = try sandbox.run(
      ["--store", host.store],
      with: [
        "GIT_DIR": git, "GIT_INDEX_FILE": git + "/index", "GIT_WORK_TREE": project,
        "GIT_OBJECT_DIRECTORY": git + "/objects",
        "GIT_QUARANTINE_PATH": git + "/objects", "GIT_CONFIG_PARAMETERS": "'core.bare=true'", "GIT_PREFIX": "sub/",
      ])
    #expect(outcome.code == 0, "\(outcome)")
    #expect(try snapshot(project) == before)
    #expect(try sandbox.remoteFile("memory-h.json").contains("\"two\""))
    try host.check()
    // As cron starts it: hardly an environment at all.
    #expect(try sandbox.shell("env -i PATH=/usr/bin:/bin \"$B\" --store '\(host.store)'").code == 0)
    let homeless = try sandbox.shell("env -i PATH=/usr/bin:/bin \"$B\"")
    #expect(homeless.code == 78 && homeless.errorLines.count == 1, "\(homeless)")
  }

  @Test func oddNamesWork() throws {
    let sandbox = try Sandbox(remote: false)
    let remote = try sandbox.makeRemote("it's a \"rémote\" $HOME; -dir.git")
    let store = sandbox.folder("-st ore's")
    sandbox.folder.write("-me mory.json", "[{\"id\":\"a\",\"content\":\"1\"}]")
    let outcome = try sandbox.run(["--store=" + store, "--memory=-me mory.json", "--remote", remote])
    #expect(outcome.code == 0, "\(outcome)")
    // Relative names given once are found from anywhere.
    let later = try sandbox.run(["--store", store], in: "/")
    #expect(later.code == 0 && later.output.contains("1 unchanged"), "\(later)")
    let relative = try sandbox.run([
      "--store", "rel", "--memory", "./-me mory.json", "--remote", "./it's a \"rémote\" $HOME; -dir.git",
    ])
    #expect(relative.code == 0, "\(relative)")
    #expect(try sandbox.run([], with: ["CRDT_STORE": sandbox.folder("rel")], in: "/").code == 0)
    let byDefault = try sandbox.run(["--memory", "-me mory.json"])
    #expect(byDefault.code == 64 || byDefault.code == 0)
    #expect(try sandbox.run(["--memory=-me mory.json"]).code == 0)
    #expect(FileManager.default.fileExists(atPath: sandbox.folder("home/.local/share/crdt-backup/.git")))
  }
}
