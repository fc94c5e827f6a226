import CRDT
import Checkpointing
import Testing

@Suite struct CheckpointTransferTests {
  private func full() throws -> CheckpointScene {
    let scene = CheckpointScene()
    let one = try scene.create("one", tags: ["t"], state: "{\"text\":\"\(String(repeating: "x", count: 9_000))\"}")
    try scene.create("two", state: #"{"metrics":{"m":1.50}}"#)
    _ = try scene.service.annotate(one.id, .warning, "n\no\u{2028}te")
    return scene
  }

  @Test func anExportCarriesEverythingAndASecondImportIsNoChange() throws {
    let (a, b) = (try full(), CheckpointScene("b"))
    let export = try a.service.export()
    let report = try b.service.importing(export, source: "x")
    #expect(report.imported.count == 2 && report.sessionCount == 1 && report.annotationCount == 1)
    #expect(try b.service.export() == export)
    #expect(try b.service.validateAll().allSatisfy { $0.verdict == .valid })
    #expect(try b.service.sessions() == a.service.sessions())
    let revision = b.store.snapshot().revision
    let again = try b.service.importing(export, source: "x")
    #expect(again.imported.isEmpty && again.existing.count == 2 && again.annotationCount == 0)
    #expect(b.store.snapshot().revision == revision)
    // Imported on two hosts and joined, each counts once; and one deletion takes all of it.
    a.store.merge(b.store)
    #expect(try a.service.list().count == 2)
    try a.service.delete(Set(a.service.list().map(\.header.id)))
    #expect(try a.service.list().isEmpty)
    #expect(try b.create().sequence == 3)
  }

  @Test func anOldExportDoesNotBringDeletedCheckpointsBack() throws {
    let (a, b) = (try full(), CheckpointScene("b"))
    let export = try a.service.export()
    let one = try #require(try a.service.list().first?.header)
    b.store.merge(a.store)
    try a.service.delete([one.id])
    b.store.merge(a.store)
    // Neither where it was deleted, nor where the deletion came from another host; what is named is what is left out.
    for scene in [a, b] {
      let revision = scene.store.snapshot().revision
      let report = try scene.service.importing(export, source: "x")
      #expect(report.deleted == [one] && report.imported.isEmpty && report.existing.count == 1)
      #expect(report.annotationCount == 0 && report.invalid.isEmpty)
      #expect(scene.store.snapshot().revision == revision)
      #expect(try scene.service.list().map(\.header.message) == ["two"])
    }
  }

  @Test func aDeletedCheckpointIsRevivedForAllHostsWhenItIsAskedFor() throws {
    let (a, b) = (try full(), CheckpointScene("b"))
    let export = try a.service.export()
    b.store.merge(a.store)
    try a.service.delete(Set(a.service.list().map(\.header.id)))
    b.store.merge(a.store)
    let report = try b.service.importing(export, source: "x", revivesDeleted: true)
    #expect(report.imported.count == 2 && report.deleted.isEmpty && report.annotationCount == 1)
    a.store.merge(b.store)
    #expect(try a.service.export() == export && b.service.export() == export)
    // Back again, it is here like any other; deleted again, it stays away again.
    #expect(try a.service.importing(export, source: "x").existing.count == 2)
    try a.service.delete(Set(a.service.list().map(\.header.id)))
    #expect(try a.service.importing(export, source: "x").deleted.count == 2)
    #expect(try a.service.list().isEmpty)
  }

  @Test func compactedCheckpointsStayAwayFromAnImportToo() throws {
    let a = try full()
    let export = try a.service.export()
    _ = try a.service.compact(.keepRecent(1))
    #expect(try a.service.importing(export, source: "x").deleted.map(\.message) == ["one"])
    #expect(try a.service.list().count == 1)
  }

  @Test func aQueryNarrowsTheExport() throws {
    let (a, b) = (try full(), CheckpointScene("b"))
    var query = CheckpointQuery()
    query.sequences = 2...2
    let report = try b.service.importing(try a.service.export(query), source: "x")
    #expect(report.imported.map(\.message) == ["two"] && report.annotationCount == 0 && report.sessionCount == 1)
  }

  @Test func damageAndTruncationMeanThatNothingIsImported() throws {
    let (a, b) = (try full(), CheckpointScene("b"))
    let export = String(decoding: try a.service.export(), as: UTF8.self)
    let damaged = export.replacing("1.50", with: "1.51")
    let report = try b.service.importing(Array(damaged.utf8), source: "x")
    #expect(report.invalid.map(\.header?.message) == ["two"] && report.imported.isEmpty)
    #expect(try b.service.list().isEmpty && b.service.sessions().isEmpty)
    let some = try b.service.importing(Array(damaged.utf8), source: "x", skipsInvalid: true)
    #expect(some.imported.map(\.message) == ["one"] && some.invalid.count == 1)

    let c = CheckpointScene("c")
    let lines = export.split(separator: "\n")
    for bad in [
      "", "{}\n", "[]\n", "{\"format\":\"other\"}\n", lines.dropLast().joined(separator: "\n"),
      String(export.dropLast(3)),
      String(export.prefix(export.count / 2)), export + "{\"end\":4}\n",
      export.replacing("\"version\":1", with: "\"version\":2"),
      lines.dropLast(2).joined(separator: "\n") + "\n" + lines.last!,
      export.replacing("{\"annotation\":", with: "{\"other\":"),
      export.replacing("\"level\":\"warning\"", with: "\"level\":\"w\""),
    ] {
      #expect(
        code { try c.service.importing(Array(bad.utf8), source: "x", skipsInvalid: true) } == .badData,
        "\(bad.suffix(60))")
    }
    #expect(try c.service.list().isEmpty)
  }

  @Test func anotherCheckpointOfTheSameIDNeverTakesItsPlace() throws {
    let (a, b) = (CheckpointScene("a"), CheckpointScene("b"))
    let header = try a.create("true")
    var forged = try a.service.get(header.id)
    forged.header.message = "forged"
    let line = String(decoding: forged.json, as: UTF8.self)
    let export = Array("{\"format\":\"crdt-checkpoints\",\"version\":1}\n{\"checkpoint\":\(line)}\n{\"end\":1}\n".utf8)
    #expect(try a.service.importing(export, source: "x").conflicting == [header.id])
    // Brought in elsewhere and merged, the first one written stays.
    b.clock.move(seconds: 60)
    #expect(try b.service.importing(export, source: "x").imported.count == 1)
    for _ in 0..<2 {
      a.store.merge(b.store)
      b.store.merge(a.store)
    }
    #expect(try a.service.get(header.id).header.message == "true")
    #expect(try b.service.get(header.id).header.message == "true")
  }

  @Test func aSoundCopyStandsInForADamagedOne() throws {
    let (a, b) = (CheckpointScene("a"), CheckpointScene("b"))
    let header = try a.create("true")
    b.clock.move(seconds: 60)
    _ = try b.service.importing(try a.service.export(), source: "x")
    a.store.damage { content in
      Array(String(decoding: content, as: UTF8.self).replacing(#""true""#, with: #""trve""#).utf8)
    }
    #expect(code { try a.service.get(header.id) } == .checksumMismatch)
    a.store.merge(b.store)
    #expect(try a.service.get(header.id).header.message == "true")
  }

  @Test func theDeepestStateThatIsTakenTravelsToo() throws {
    var deepest: CheckpointHeader?
    let a = CheckpointScene("a")
    for depth in 480...515 {
      let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      do {
        deepest = try a.create(ByteString("\(depth)"), state: "{\"x\":\(nested)}")
      } catch {
        #expect((error as? CheckpointError)?.code == .badData)
      }
    }
    let header = try #require(deepest)
    #expect(header.message > "490" && header.message < "510")
    let b = CheckpointScene("b")
    #expect(try b.service.importing(try a.service.export(), source: "x").invalid.isEmpty)
    #expect(try b.service.get(header.id) == a.service.get(header.id))
  }
}
