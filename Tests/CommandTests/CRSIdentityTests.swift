import Foundation
import TestKit
import Testing

/// Two repositories are one project only where they say so; what names a project is no place for a secret.
@Suite struct CRSIdentityTests {
  private let token = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"

  private func proof(_ node: String) -> String {
    #"{"type":"proof","source":"hard","updates":[{"node":"\#(node)"}]}"# + "\n"
  }

  private func repository(_ sandbox: Sandbox, _ name: String, remote: String?) throws -> String {
    let path = sandbox.folder(name)
    try GitProgram.run(["init", "-q", path], in: sandbox.folder.path)
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", name], in: path)
    if let remote { try GitProgram.run(["remote", "add", "origin", remote], in: path) }
    return path
  }

  private func crs(_ host: SceneHost, _ repository: String, _ arguments: String..., input: String = "") throws
    -> Outcome
  {
    try host.agent(["crs"] + arguments + ["--folder", repository], input: input)
  }

  @Test func noTokenOfARemoteGetsIntoTheStoreOrTheFilesHere() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let plain = "hunter-of-plain-words"
    let remotes = [
      "https://h/p.git?access_token=\(token)", "https://h/\(token)/q.git", "https://\(token)@h/r.git#\(token)",
      "https://h/access_token=\(plain)/s.git", "https://h/t;token%3D\(plain)", "https://h/ada:\(plain)@x/u.git",
    ]
    for (number, remote) in remotes.enumerated() {
      let repository = try repository(sandbox, "repository\(number)", remote: remote)
      for (command, input) in [("apply", proof("n")), ("save", ""), ("load", ""), ("status", "")] {
        let outcome = try crs(host, repository, command, input: input)
        #expect(outcome.code == 0 && !"\(outcome)".contains(token) && !"\(outcome)".contains(plain), "\(outcome)")
      }
    }
    let log = try GitProgram.run(["log", "--all", "-p", "--format=%B"], in: host.store)
    #expect(!log.contains(token) && !log.contains(plain))
    let found = try sandbox.shell("grep -rl -e \(token) -e \(plain) agent-hosta || true")
    #expect(found.output.isEmpty, "\(found)")
  }

  @Test func aGivenNameThatLooksLikeASecretIsRefusedAndNotRepeated() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    for arguments in [
      ["crs", "apply", "--project", token], ["crs", "apply", "--project", "token%3D" + token.dropFirst(4)],
      ["checkpoint", "create", "--host", token, "--store", host.store],
    ] {
      let outcome = try host.agent(arguments, input: proof("n"))
      #expect(outcome.code == 65 && !"\(outcome)".contains(token.dropFirst(4)), "\(outcome)")
    }
    #expect(!FileManager.default.fileExists(atPath: host.store))
    #expect(!FileManager.default.fileExists(atPath: sandbox.folder("agent-hosta/crs")))
  }

  @Test func anotherRepositoryInTheSameFolderStartsWithoutTheStateOfTheOneBefore() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let path = try repository(sandbox, "repository", remote: "https://h/a.git")
    #expect(try crs(host, path, "apply", input: proof("of-a")).code == 0)
    try FileManager.default.removeItem(atPath: path)
    _ = try repository(sandbox, "repository", remote: "https://h/b.git")
    // Another root commit: its message is another.
    try GitProgram.run(
      ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "--amend", "-m", "b"], in: path)
    #expect(try crs(host, path, "status").code == 66)
    #expect(try crs(host, path, "apply", input: proof("of-b")).code == 0)
    let proofs = try crs(host, path, "query", "proofs").output
    #expect(proofs.contains("of-b") && !proofs.contains("of-a"))
  }

  @Test func aForkDoesNotGetTheStateOfWhatItWasForkedFrom() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("hosta")
    let a = try repository(sandbox, "a", remote: "https://h/a.git")
    try GitProgram.run(["clone", "-q", a, sandbox.folder("fork")], in: sandbox.folder.path)
    let fork = sandbox.folder("fork")
    try GitProgram.run(["remote", "set-url", "origin", "https://h/fork.git"], in: fork)
    #expect(try crs(host, a, "apply", input: proof("of-a")).code == 0)
    #expect(try crs(host, a, "save").code == 0)
    #expect(try crs(host, fork, "load").code == 66)
    #expect(try crs(host, fork, "status").code == 66)
    #expect(try crs(host, fork, "apply", input: proof("of-fork")).code == 0)
    #expect(try crs(host, fork, "save").code == 0)
    #expect(try crs(host, a, "load").code == 0)
    #expect(try crs(host, a, "query", "proofs").output.contains("of-fork") == false)
    // A clone without a remote may be either: it is asked which.
    let local = sandbox.folder("local")
    try GitProgram.run(["clone", "-q", a, local], in: sandbox.folder.path)
    try GitProgram.run(["remote", "remove", "origin"], in: local)
    let other = sandbox.host("other")
    let outcome = try other.agent(["crs", "load", "--folder", local, "--store", host.store])
    #expect(outcome.code == 64 && outcome.errorOutput.contains("git:h/fork"), "\(outcome)")
  }
}
