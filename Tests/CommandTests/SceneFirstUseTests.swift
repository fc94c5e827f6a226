import Foundation
import Processes
import TestKit
import Testing

/// The first use: cut off anywhere it can be done again, and it takes nothing that is somebody else's.
@Suite struct SceneFirstUseTests {
  @Test func killedAtAnyMomentTheSameLineSetsTheStoreUp() throws {
    let sandbox = try Sandbox()
    for round in 0..<8 {
      let host = sandbox.host("h\(round)")
      host.remember("a\(round)", "one")
      let line = ["--store", host.store, "--memory", host.memory, "--remote", sandbox.remote, "--host", host.name]
      let process = try sandbox.command(line).spawnDetached()
      usleep(useconds_t(4_000 + round * 3_000))
      kill(process, SIGKILL)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      let outcome = try sandbox.run(line)
      #expect(outcome.code == 0, "round \(round): \(outcome)")
      #expect(try sandbox.remoteFile("memory-\(host.name).json").contains("\"one\""))
    }
  }

  @Test func aRepositoryMadeByHalfIsFinishedWithOptionsAndNamedWithout() throws {
    let sandbox = try Sandbox()
    for leftovers in [[], ["HEAD.lock", "config.lock"], ["crdt/lock"]] {
      let host = sandbox.host("h\(leftovers.count)")
      host.remember("a", "one")
      for folder in ["objects/pack", "refs/heads", "crdt"] { try sandbox.makeFolder(host.store + "/.git/" + folder) }
      for name in leftovers { try Data().write(to: URL(fileURLWithPath: host.store + "/.git/" + name)) }
      for line in [[], ["status"], ["doctor", "--offline", "--fix"]] {
        let outcome = try sandbox.run(line + ["--store", host.store])
        #expect(outcome.code == 78, "\(line): \(outcome)")
        #expect((outcome.output + outcome.errorOutput).contains("--memory FILE --remote URL"), "\(outcome)")
      }
      let outcome = try host.setUp()
      #expect(outcome.code == 0, "\(leftovers): \(outcome)")
      try host.check()
    }
  }

  @Test func settingsWrittenByHalfAreNoSetup() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "one")
    // As a first use leaves it that died after its first setting.
    try GitProgram.run(["init", "-q", "-b", "main", host.store], in: sandbox.folder.path)
    try sandbox.makeFolder(host.store + "/.git/crdt")
    try GitProgram.run(["config", "crdt.memory", host.memory], in: host.store)
    let bare = try host.backup()
    #expect(bare.code == 78 && bare.errorOutput.contains("interrupted"), "\(bare)")
    #expect(try host.setUp().code == 0)
    #expect(try host.backup().code == 0)
    #expect(try sandbox.remoteFile("memory-h.json").contains("\"one\""))
  }

  @Test func aFreshProjectIsNotTakenOver() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "one")
    let options = ["--memory", host.memory, "--remote", sandbox.remote]
    for kind in ["files", "staged", "empty"] {
      let project = sandbox.folder("project-\(kind)")
      try GitProgram.run(["init", "-q", "-b", "main", project], in: sandbox.folder.path)
      if kind != "empty" { sandbox.folder.write("project-\(kind)/.gitattributes", "* text\n") }
      if kind == "staged" {
        try GitProgram.run(["add", "."], in: project)
        try FileManager.default.removeItem(atPath: project + "/.gitattributes")
      }
      let before = try snapshot(project)
      var lines = [["status"], ["log", "a"], ["hosts"], ["doctor", "--offline", "--fix"], ["--dry-run"], []]
      if kind != "empty" { lines.append(options) }
      for line in lines {
        let outcome = try sandbox.run(line + ["--store", project])
        #expect([64, 66, 78].contains(outcome.code), "\(kind) \(line): \(outcome)")
      }
      #expect(try snapshot(project) == before, "\(kind)")
    }
    // An empty one holds nothing to lose.
    #expect(try sandbox.run(options + ["--store", sandbox.folder("project-empty")]).code == 0)
  }

  @Test func aCloneOfAStoreIsReadWithoutWriting() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "one")
    #expect(try host.setUp().code == 0)
    let clone = try sandbox.clone()
    let before = try snapshot(clone)
    #expect(try sandbox.run(["status", "--store", clone]).code == 0)
    #expect(try snapshot(clone) == before)
  }
}
