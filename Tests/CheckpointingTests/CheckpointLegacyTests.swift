import CRDT
import Checkpointing
import Memory
import Testing

/// Checkpoints without a checksum: those of a time before checksums, and those it was taken away from.
@Suite struct CheckpointLegacyTests {
  /// Takes members out of canonical JSON as a forger would, and changes the message.
  private func stripped(_ bytes: [UInt8], of names: Set<String>) -> [UInt8] {
    var text = String(decoding: bytes, as: UTF8.self)
    if names.contains("checksum") { text.replace(/"checksum":"[0-9a-f]{64}",/, with: "") }
    if names.contains("form") { text.replace(#""form":1,"#, with: "") }
    return Array(text.replacing(#""message":"true""#, with: #""message":"forged""#).utf8)
  }

  private func scene(stripping names: Set<String>) throws -> (scene: CheckpointScene, header: CheckpointHeader) {
    let scene = CheckpointScene()
    let header = try scene.create("true", state: #"{"metrics":{"m":1}}"#)
    scene.store.damage { stripped($0, of: names) }
    return (scene, header)
  }

  @Test func aCheckpointWhoseChecksumWasTakenAwayIsInvalidAndNotLegacy() throws {
    let (scene, header) = try scene(stripping: ["checksum"])
    #expect(try scene.service.list().map(\.header.message) == ["forged"])
    #expect(try scene.service.validate(header.id).verdict == .invalid)
    #expect(try scene.service.health().status == .unhealthy)
    for acceptsLegacy in [false, true] {
      #expect(
        code { try scene.service.restore(header.id, acceptsLegacy: acceptsLegacy) } == .checksumMismatch)
      #expect(code { try scene.service.get(header.id, acceptsLegacy: acceptsLegacy) } == .checksumMismatch)
    }
    #expect(code { try scene.service.export() } == .checksumMismatch)
  }

  @Test func anImportRefusesACheckpointWhoseChecksumWasTakenAway() throws {
    let (a, b) = (CheckpointScene("a"), CheckpointScene("b"))
    try a.create("true")
    let forged = stripped(try a.service.export(), of: ["checksum"])
    let report = try b.service.importing(forged, source: "x", acceptsLegacy: true)
    #expect(report.invalid.map(\.verdict) == [.invalid] && report.imported.isEmpty && report.legacyCount == 0)
    #expect(try b.service.list().isEmpty)
  }

  @Test func aNullInPlaceOfTheChecksumOrFormDoesNotMakeALegacyOne() throws {
    let scene = CheckpointScene()
    let header = try scene.create("true")
    let whole = String(decoding: try scene.service.get(header.id).json, as: UTF8.self)
    let bare = String(decoding: stripped(Array(whole.utf8), of: ["checksum", "form"]), as: UTF8.self).dropFirst()
    #expect(try StoredCheckpoint(json: Array("{\(bare)".utf8)).isLegacy)
    for trace in [#""checksum":null,"#, #""form":null,"#, #""form":1,"#] {
      let stored = try StoredCheckpoint(json: Array("{\(trace)\(bare)".utf8))
      #expect(!stored.isLegacy && stored.verdict(state: Array("{}".utf8)).verdict == .invalid, "\(trace)")
    }
  }

  @Test func aLegacyCheckpointIsGivenBackOnlyWhereItIsAccepted() throws {
    let (scene, header) = try scene(stripping: ["checksum", "form"])
    #expect(try scene.service.validate(header.id).verdict == .legacy)
    #expect(try scene.service.health().status == .degraded)
    let now = scene.clock.now()
    #expect(code { try scene.service.get(header.id) } == .unverified)
    #expect(code { try scene.service.restore(header.id) } == .unverified)
    #expect(code { try scene.service.checkpoint(at: now) } == .unverified)
    #expect(code { try scene.service.diff(from: header.id, to: header.id) } == .unverified)
    #expect(try scene.service.metrics().operations.restored == 0)
    #expect(try scene.service.restore(header.id, acceptsLegacy: true).header.id == header.id)
    #expect(try scene.service.checkpoint(at: now, acceptsLegacy: true).header.id == header.id)
    #expect(try scene.service.diff(from: header.id, to: header.id, acceptsLegacy: true).differences.isEmpty)
  }

  @Test func aLegacyCheckpointIsImportedOnlyWhereItIsAccepted() throws {
    let (scene, header) = try scene(stripping: ["checksum", "form"])
    let export = try scene.service.export()
    let other = CheckpointScene("b")
    let refused = try other.service.importing(export, source: "x")
    #expect(refused.invalid.map(\.verdict) == [.legacy] && refused.imported.isEmpty)
    #expect(try other.service.list().isEmpty)
    let report = try other.service.importing(export, source: "x", acceptsLegacy: true)
    #expect(report.legacyCount == 1 && report.imported.map(\.id) == [header.id])
    #expect(try other.service.validate(header.id).verdict == .legacy)
    // What is here already, or was deleted, is skipped without a question.
    #expect(try other.service.importing(export, source: "x").existing == [header.id])
    #expect(code { try other.service.restore(header.id) } == .unverified)
    try other.service.delete([header.id])
    #expect(try other.service.importing(export, source: "x").deleted.map(\.id) == [header.id])
  }
}
