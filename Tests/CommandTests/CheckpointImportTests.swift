import Foundation
import TestKit
import Testing

/// What `crdt-agent checkpoint import` and `restore` take, and what they leave out.
@Suite struct CheckpointImportTests {
  @Test func anOldExportBringsNothingBackUnlessRevived() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember("x", "of a")
    b.remember("y", "of b")
    for host in [a, b] { #expect(try host.setUp().code == 0) }
    for message in ["one", "two"] { #expect(try a.checkpoint("create", "-m", message).code == 0) }
    let export = try a.checkpoint("export").output
    for host in [a, b] { #expect(try host.backup().code == 0) }
    #expect(try a.checkpoint("delete", "1").code == 0)
    for host in [a, b, a, b] { #expect(try host.backup().code == 0) }

    for host in [a, b] {
      let left = try host.checkpoint("import", "-", input: export)
      #expect(left.code == 0 && left.output == "0 imported, 1 here already", "\(left)")
      #expect(left.errorLines.count == 1 && left.errorOutput.contains("checkpoint 1@a"), "\(left)")
      #expect(left.errorOutput.contains("was deleted and is left out; --revive brings it back"), "\(left)")
      let json = try host.checkpoint("import", "-", "--json", input: export).json()
      #expect((json["deleted"] as? [[String: Any]])?.compactMap { $0["message"] as? String } == ["one"])
    }
    // The tombstone ends; what it said holds.
    var collected = 0
    for host in [b, a] {
      collected += try host.run("gc", "--json").json()["tombstones"] as? Int ?? 0
      for host in [b, a] { #expect(try host.backup().code == 0) }
    }
    #expect(collected == 1)
    #expect(!String(decoding: try a.unified(), as: UTF8.self).contains(#""deleted":true"#))
    #expect(try a.checkpoint("import", "-", input: export).output == "0 imported, 1 here already")
    #expect(try a.checkpoints().compactMap { $0["message"] as? String } == ["two"])

    #expect(try a.checkpoint("import", "-", "--revive", input: export).output == "1 imported, 1 here already")
    for host in [a, b] { #expect(try host.backup().code == 0) }
    #expect(try b.checkpoints().compactMap { $0["message"] as? String } == ["one", "two"])
    try a.check()
  }

  @Test func aLegacyCheckpointNeedsAFlagAndIsWarnedOf() throws {
    let sandbox = try Sandbox(remote: false)
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    #expect(try a.checkpoint("create", "-m", "one", "--host", "a", "--state", "-", input: #"{"n":1}"#).code == 0)
    let export = try a.checkpoint("export").output
    let stripped = export.replacing(/"checksum":"[0-9a-f]{64}",/, with: "")
    #expect(stripped != export)
    // Taken away, the checksum is missing; it does not make the checkpoint an old one.
    let forged = try b.checkpoint("import", "-", "--accept-legacy", "--host", "b", input: stripped)
    #expect(forged.code == 65 && forged.errorOutput.contains("its checksum is missing"), "\(forged)")

    let legacy = stripped.replacing(#""form":1,"#, with: "")
    let refused = try b.checkpoint("import", "-", input: legacy)
    #expect(refused.code == 65 && refused.errorOutput.contains("--accept-legacy"), "\(refused)")
    let taken = try b.checkpoint("import", "-", "--accept-legacy", input: legacy)
    #expect(taken.code == 0 && taken.errorOutput.contains("warning: 1 without a checksum"), "\(taken)")
    for arguments in [["restore", "1"], ["at", "2100-01-01T00:00:00Z"]] {
      let plain = try sandbox.agent(["checkpoint"] + arguments + ["--store", b.store])
      #expect(plain.code == 65 && plain.output == "" && plain.errorOutput.contains("--accept-legacy"), "\(plain)")
      let given = try sandbox.agent(["checkpoint"] + arguments + ["--accept-legacy", "--store", b.store])
      #expect(given.code == 0 && given.output.contains(#""n":1"#), "\(given)")
      #expect(given.errorOutput.contains("warning: checkpoint 1@a"), "\(given)")
    }
    let json = try b.checkpoint("restore", "1", "--accept-legacy", "--json").json()
    #expect(json["legacy"] as? Bool == true)
    #expect(try a.checkpoint("restore", "1", "--accept-legacy").errorOutput == "")
  }
}
