import Foundation
import TestKit
import Testing

/// What killed runs leave lying about.
@Suite struct SceneLeftoverTests {
  @Test func temporaryFilesOfKilledRunsAreRemovedAndNoOthers() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("h")
    host.remember("a", "one")
    #expect(try host.setUp().code == 0)
    let ours = [
      ".memory-h.json.0123456789abcdef.tmp", ".unified-memory.json.fedcba9876543210.tmp",
      "hosts/.h.json.0123456789abcde.tmp", ".git/crdt/.clock.0123456789abcdef.tmp", ".git/crdt-clock-12345",
    ]
    let others = [".note.tmp", "draft.0123456789abcdef.tmp", ".memory-h.json.backup.tmp", ".git/crdt-clock-x"]
    func leave(_ names: [String]) throws {
      try sandbox.makeFolder(host.store + "/hosts")
      for name in names {
        let path = host.store + "/" + name
        try Data("torn".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -120)], ofItemAtPath: path)
      }
    }
    func left(_ names: [String]) -> [String] {
      names.filter { FileManager.default.fileExists(atPath: host.store + "/" + $0) }
    }
    try leave(ours + others)
    // A run that knows of no death does not look.
    #expect(try host.run("doctor", "--offline").output.contains("leftovers"))
    #expect(try host.run("doctor", "--offline", "--fix").output.contains("leftovers"))
    #expect(left(ours) == [] && left(others) == others)
    try leave(ours)
    try Data("4194304\n".utf8).write(to: URL(fileURLWithPath: host.store + "/.git/crdt/lock"))
    #expect(try host.backup().code == 0)
    #expect(left(ours) == [] && left(others) == others)
  }
}
