import Foundation
import TestKit
import Testing

/// Settings that were mistyped, and repositories that are no place for a backup.
@Suite struct BadInputSettingTests {
  private func settled() throws -> (Sandbox, SceneHost) {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "one")
    #expect(try host.setUp().code == 0)
    return (sandbox, host)
  }

  @Test func aMistypedPathDoesNotReplaceARemoteThatWorks() throws {
    let (sandbox, host) = try settled()
    for remote in [sandbox.folder("gone.git"), "file://" + sandbox.folder("gone.git")] {
      let outcome = try host.backup("--remote", remote)
      #expect(outcome.code == 66 && outcome.errorLines.count == 1, "\(outcome)")
      #expect(outcome.errorOutput.contains(sandbox.remote), "\(outcome)")
    }
    host.remember("a", "two")
    #expect(try host.backup().code == 0)
    #expect(try sandbox.remoteFile("memory-h.json").contains("\"two\""))
  }

  @Test func aFullRefNameIsNoBranch() throws {
    let (sandbox, host) = try settled()
    let outcome = try host.backup("--branch", "refs/heads/main")
    #expect(outcome.code == 64 && outcome.errorOutput.contains("--branch main"), "\(outcome)")
    #expect(try !sandbox.refs(host.store).contains("refs/heads/refs"))
    #expect(try host.backup().code == 0)
  }

  @Test func aFileIsNoRemote() throws {
    let (sandbox, host) = try settled()
    sandbox.folder.write("big", String(repeating: "x", count: 2 << 20))
    for file in [host.memory, sandbox.folder("big")] {
      let outcome = try host.backup("--remote", file)
      #expect(outcome.code == 78 && outcome.errorLines.count == 1, "\(outcome)")
    }
  }

  @Test func aShallowStoreSaysWhatItIs() throws {
    let (sandbox, host) = try settled()
    host.remember("a", "two")
    #expect(try host.backup().code == 0)
    let shallow = sandbox.folder("shallow")
    try GitProgram.run(["clone", "-q", "--depth", "1", "file://" + sandbox.remote, shallow], in: sandbox.folder.path)
    sandbox.host("other").remember("b", "1")
    let lines = [
      ["log", "a"],
      ["--memory", sandbox.host("other").memory, "--remote", sandbox.remote, "--host", "other"],
    ]
    for line in lines {
      let outcome = try sandbox.run(line + ["--store", shallow])
      #expect(outcome.code == 78 && outcome.errorOutput.contains("git fetch --unshallow"), "\(line): \(outcome)")
    }
    try GitProgram.run(["fetch", "-q", "--unshallow"], in: shallow)
    #expect(try sandbox.run(["--store", shallow]).code == 0)
  }
}
