import CRDT
import Checkpointing
import Memory
import Testing

@Suite struct CheckpointServiceTests {
  @Test func nothingWorksBeforeStartAndAfterStop() throws {
    let scene = CheckpointScene()
    let header = try scene.create()
    let service = scene.service
    func check(_ expected: CheckpointError.Code?) {
      let (id, draft) = (header.id, CheckpointDraft(state: CheckpointState()))
      let operations: [(String, () throws -> Any)] = [
        ("create", { try service.create(draft) }), ("list", { try service.list() }), ("get", { try service.get(id) }),
        ("restore", { try service.restore(id) }), ("find", { try service.find("latest") }),
        ("diff", { try service.diff(from: id, to: id) }), ("at", { try service.checkpoint(at: .latest) }),
        ("timeline", { try service.timeline() }), ("annotate", { try service.annotate(id, .info, "x") }),
        ("annotations", { try service.annotations(of: id) }), ("sessions", { try service.sessions() }),
        ("start", { try service.startSession() }), ("export", { try service.export() }),
        ("import", { try service.importing(try scene.restarted().export(), source: "x") }),
        ("validate", { try service.validate(id) }), ("validateAll", { try service.validateAll() }),
        ("health", { try service.health() }), ("metrics", { try service.metrics() }),
        ("subscribe", { try service.subscribe() }), ("refresh", { try service.refresh() }),
        ("compact", { try service.compact(.keepRecent(99)) }), ("plan", { try service.compactionPlan(.keepRecent(9)) }),
        ("observe", { try service.observe(.tick) { draft } as Any }),
        ("end", { try service.endSession(header.session) }),
        ("delete", { try service.delete([id]) }),
      ]
      for (name, operation) in operations { #expect(code(operation) == expected, "\(name)") }
    }
    service.stop()
    check(.notRunning)
    service.start()
    check(nil)
  }

  @Test func numbersGoOnAfterRestartAndAboveWhatOthersHave() throws {
    let (a, b) = (CheckpointScene("a"), CheckpointScene("b"))
    #expect(try a.create().sequence == 1)
    #expect(try a.create().sequence == 2)
    #expect(try b.create().sequence == 1)
    b.store.merge(a.store)
    #expect(try b.create().sequence == 3)
    a.store.merge(b.store)
    let again = a.restarted()
    #expect(try again.create(CheckpointDraft(state: CheckpointState())).sequence == 4)
    // Both kept number 1; the order is (number, host).
    let order = try again.list().map { "\($0.header.sequence)@\($0.header.stamp.host)" }
    #expect(order == ["1@a", "1@b", "2@a", "3@b", "4@a"])
    #expect(code { try again.find("1") } == .usage)
    #expect(try again.find("1@b").header.stamp.host == "b")
    // Deleting the newest does not give its number again, not even on the other host.
    try again.delete(Set(try again.list().map(\.header.id)))
    b.store.merge(a.store)
    #expect(try b.service.list().isEmpty)
    #expect(try b.create().sequence == 5)
  }

  @Test func aBrokenCounterElsewhereDoesNotUseOursUp() throws {
    let (a, b) = (CheckpointScene("a"), CheckpointScene("b"))
    var draft = try a.service.get(a.create().id)
    draft.header.sequence = CheckpointLimits.greatestSequence
    draft.header.id = CheckpointID(random: Array(1...16))
    let line = String(decoding: draft.json, as: UTF8.self)
    let export = "{\"format\":\"crdt-checkpoints\",\"version\":1}\n{\"checkpoint\":\(line)}\n{\"end\":1}\n"
    #expect(try b.service.importing(Array(export.utf8), source: "x").imported.count == 1)
    #expect(try b.create().sequence == 1)
  }

  @Test func timesOfOneHostAreStrictlyOrderedAlsoWhenTheClockIsSetBack() throws {
    let scene = CheckpointScene()
    try scene.create()
    try scene.create()
    scene.clock.move(seconds: -3600)
    try scene.create()
    let instants = try scene.service.list().map(\.header.stamp.instant)
    #expect(instants == instants.sorted() && Set(instants).count == 3)
  }

  @Test func sessionsSurviveARestartAndTakeCheckpointsUntilTheyEnd() throws {
    let scene = CheckpointScene()
    let first = try scene.create().session
    let named = try scene.service.startSession(name: "bug 12")
    let service = scene.restarted()
    #expect(try service.sessions().map(\.id) == [first, named.id])
    #expect(try service.create(CheckpointDraft(state: CheckpointState())).session == named.id)
    #expect(try service.session("bug 12") == named)
    #expect(try service.session(ByteString(named.id.short)) == named)
    _ = try service.endSession(named.id)
    #expect(code { try scene.create(session: named.id) } == .usage)
    #expect(code { try scene.create(session: CheckpointID(random: Array(1...16))) } == .notFound)
    #expect(try scene.create().session == first)
    // Another host has a session of its own where none is named.
    let other = CheckpointScene("b", clock: scene.clock)
    other.store.merge(scene.store)
    #expect(try other.create().session != first)
    #expect(try other.service.endSession(first).ended != nil)
    scene.store.merge(other.store)
    #expect(try scene.service.sessions().allSatisfy { $0.id != first || $0.ended != nil })
  }

  @Test func listFindAtDiffTimeline() throws {
    let scene = CheckpointScene()
    let one = try scene.create("one", tags: ["x"], state: #"{"metrics":{"m":1},"a":1}"#)
    scene.clock.move(seconds: 60)
    let two = try scene.create(
      "two", tags: ["x", "y"], state: #"{"metrics":{"m":1.0},"hypotheses":[{"id":"h","statement":"s"}]}"#)
    scene.clock.move(seconds: 60)
    let other = try scene.service.startSession()
    let three = try scene.create("three")
    let note = try scene.service.annotate(one.id, .critical, "look")
    func list(_ change: (inout CheckpointQuery) -> Void) throws -> [ByteString] {
      var query = CheckpointQuery()
      change(&query)
      return try scene.service.list(query).map(\.header.message)
    }
    #expect(try list { _ in } == ["one", "two", "three"])
    #expect(try list { $0.sequences = 2...9 } == ["two", "three"])
    #expect(try list { $0.tags = ["x"] } == ["one", "two"])
    #expect(try list { $0.tags = ["x", "y"] } == ["two"])
    #expect(try list { $0.session = other.id } == ["three"])
    #expect(try list { $0.limit = 1 } == ["three"])
    #expect(try list { $0.trigger = .scheduled } == [])
    #expect(try list { $0.host = "b" } == [])
    for (reference, id) in [
      ("1", one.id), ("2@a", two.id), ("latest", three.id), (two.id.text.uppercased(), two.id), (two.id.short, two.id),
    ] { #expect(try scene.service.find(reference).header.id == id, "\(reference)") }
    for reference in ["", "9", "1@b", "zzzz", "ab", "@", "-1"] {
      #expect(code { try scene.service.find(reference) } == .notFound, "\(reference)")
    }
    #expect(try scene.service.checkpoint(at: two.stamp.instant).header.id == two.id)
    #expect(try scene.service.checkpoint(at: two.stamp.instant.advanced(bySeconds: -1)).header.id == one.id)
    #expect(try scene.service.checkpoint(at: .latest, session: one.session).header.id == two.id)
    #expect(code { try scene.service.checkpoint(at: .epoch) } == .notFound)
    let differences = try scene.service.diff(from: one.id, to: two.id).differences
    #expect(differences.map(\.path) == [["hypotheses", "h"], ["metrics", "m"], ["state", "a"]])
    #expect(differences.map { $0.before == nil } == [true, false, false])
    #expect(try scene.service.diff(from: two.id, to: two.id).differences.isEmpty)
    let events = try scene.service.timeline().map(\.event)
    guard case .sessionStarted = events[0], case .checkpoint(one) = events[1], case .checkpoint(two) = events[2],
      events.contains(.annotation(note)), events.count == 6
    else {
      Issue.record("\(events)")
      return
    }
    #expect(try scene.service.timeline(session: other.id).count == 2)
    #expect(try scene.service.annotations(of: one.id) == [note])
    #expect(code { try scene.service.annotate(CheckpointID(random: Array(1...16)), .info, "x") } == .notFound)
    #expect(code { try scene.service.annotate(one.id, .info, "") } == .usage)
  }

  @Test func whatWasDeletedStaysDeletedAfterRestartAndOnOtherHosts() throws {
    let (a, b) = (CheckpointScene("a"), CheckpointScene("b"))
    let (one, two) = (try a.create(), try a.create())
    _ = try a.service.annotate(one.id, .info, "note")
    b.store.merge(a.store)
    #expect(code { try a.service.delete([one.id, CheckpointID(random: Array(1...16))]) } == .notFound)
    #expect(try a.service.list().count == 2)
    #expect(try a.service.delete([one.id]) == [one])
    for _ in 0..<2 {
      a.store.merge(b.store)
      b.store.merge(a.store)
    }
    for service in [a.restarted(), b.restarted()] {
      #expect(try service.list().map(\.header) == [two])
      #expect(try service.annotations(of: one.id).isEmpty)
      #expect(code { try service.get(one.id) } == .notFound)
    }
    // Deleted by the other host likewise.
    try b.service.delete([two.id])
    a.store.merge(b.store)
    #expect(try a.service.list().isEmpty)
  }

  @Test func compactionKeepsWhatItsStrategySays() throws {
    for (strategy, expected) in [
      (CompactionStrategy.keepRecent(2), ["a2", "a3", "b1", "b2"]), (.preserveTagged, ["a0", "a3", "b2"]),
      (.hybrid(2), ["a0", "a2", "a3", "b1", "b2"]), (.keepRecent(99), ["a0", "a1", "a2", "a3", "b0", "b1", "b2"]),
    ] as [(CompactionStrategy, [ByteString])] {
      let scene = CheckpointScene()
      for session: ByteString in ["a", "b"] {
        let id = try scene.service.startSession(name: session).id
        for index in 0..<(session == "a" ? 4 : 3) {
          try scene.create(
            ByteString("\(session)\(index)"), tags: session == "a" && index == 0 ? ["keep"] : [], session: id)
        }
      }
      let plan = try scene.service.compactionPlan(strategy)
      #expect(try scene.service.list().count == 7)
      #expect(try scene.service.compact(strategy) == plan)
      #expect(try scene.restarted().list().map(\.header.message) == expected, "\(strategy)")
      #expect(plan.kept.map(\.message) == expected && plan.kept.count + plan.removed.count == 7)
      // Once more is no change.
      #expect(try scene.service.compact(strategy).removed.isEmpty)
    }
    let scene = CheckpointScene()
    #expect(code { try scene.service.compact(.keepRecent(0)) } == .usage)
  }

  @Test func largeStatesAreBlobsAndDamageIsNeverRestored() throws {
    let scene = CheckpointScene()
    let text = String(repeating: "x", count: 100_000)
    let large = try scene.create("large", state: "{\"text\":\"\(text)\"}")
    let small = try scene.create("small", state: #"{"metrics":{"m":1}}"#)
    let stored = try scene.service.list()
    guard case .blob(let digest, let count) = stored[0].payload, case .inline = stored[1].payload else {
      Issue.record("\(stored.map(\.payload))")
      return
    }
    #expect(count > 100_000 && scene.store.blob(digest)?.count == count)
    #expect(try scene.service.restore(large.id).state.json.count == count)
    #expect(try scene.service.validateAll().map(\.verdict) == [.valid, .valid])
    #expect(try scene.service.health().status == .healthy)

    // A wrong byte in the entry of one, and the payload of the other gone.
    scene.store.damage(
      { content in
        Array(String(decoding: content, as: UTF8.self).replacing(#""m":1"#, with: #""m":2"#).utf8)
      }, blob: { _ in nil })
    #expect(code { try scene.service.restore(small.id) } == .checksumMismatch)
    #expect(code { try scene.service.restore(large.id) } == .payloadMissing)
    #expect(code { try scene.service.diff(from: small.id, to: small.id) } == .checksumMismatch)
    #expect(code { try scene.service.export() } == .payloadMissing)
    #expect(try scene.service.validateAll().map(\.verdict) == [.invalid, .invalid])
    #expect(try scene.service.health().status == .unhealthy)
    #expect(try scene.service.health().readBack.count == 2)
    #expect(try scene.service.metrics().operations.failed == 4)
    // The sound checkpoints are still found beside one that cannot be read at all.
    try scene.create("sound")
    scene.store.damage({ content in
      Array(String(decoding: content, as: UTF8.self).replacing(small.id.text, with: "no-id").utf8)
    })
    #expect(try scene.service.list().map(\.header.message) == ["large", "sound"])
    #expect(try scene.service.validateAll().map(\.verdict) == [.invalid, .valid, .invalid])
    #expect(try scene.service.metrics().unreadableCount == 1)
  }

  @Test func sessionsAndCountersThatCannotBeReadAreTold() throws {
    let scene = CheckpointScene()
    let session = try scene.service.startSession(name: "work")
    let one = try scene.create(session: session.id)
    try scene.create(session: session.id)
    try scene.service.delete([one.id])
    scene.store.damage({ content in
      var text = String(decoding: content, as: UTF8.self)
      if text.contains("checkpoint-sequence") { text.replace(#""sequence":2"#, with: #""sequence":"two""#) }
      if text.contains("\"work\"") { text.replace(session.id.text, with: "no-id") }
      return Array(text.utf8)
    })
    let invalid = try scene.service.validateAll().filter { $0.verdict == .invalid }
    #expect(Set(invalid.map(\.id)) == [session.id.bytes, "checkpoint-sequence"])
    #expect(invalid.allSatisfy { $0.reason.contains("session") || $0.reason.contains("counter") })
    #expect(try scene.service.health().status == .degraded)
    #expect(try scene.service.metrics().unreadableCount == 2)
  }

  @Test func aSecretIsRefusedUnlessItsRuleIsLetThrough() throws {
    let scene = CheckpointScene()
    let state = #"{"log":"used ghp_012345678901234567890123456789AbCdEf"}"#
    #expect(code { try scene.create(state: state) } == .secretFound)
    #expect(code { try scene.create("ghp_012345678901234567890123456789AbCdEf") } == .secretFound)
    #expect(try scene.service.list().isEmpty)
    var draft = CheckpointDraft(state: try CheckpointState(json: Array(state.utf8)))
    draft.allowedSecretRules = ["github-token"]
    let header = try scene.service.create(draft)
    #expect(code { try scene.service.annotate(header.id, .info, "password=Tr0ub4dor&3xy9Q") } != nil)
    let other = CheckpointScene("b")
    let export = try scene.service.export()
    #expect(code { try other.service.importing(export, source: "x") } == .secretFound)
    #expect(try other.service.importing(export, source: "x", allowedSecretRules: ["github-token"]).imported.count == 1)
  }

  @Test func limitsHold() throws {
    let scene = CheckpointScene()
    func text(_ count: Int) -> ByteString { ByteString(String(repeating: "m", count: count)) }
    try scene.create(text(CheckpointLimits.messageBytes), tags: [text(CheckpointLimits.tagBytes)])
    #expect(code { try scene.create(text(CheckpointLimits.messageBytes + 1)) } == .tooLarge)
    #expect(code { try scene.create(tags: [text(CheckpointLimits.tagBytes + 1)]) } == .tooLarge)
    #expect(code { try scene.create(tags: [""]) } == .usage)
    #expect(code { try scene.create(tags: Set((0...64).map { ByteString("\($0)") })) } == .tooLarge)
    #expect(code { try scene.service.startSession(name: text(257)) } == .tooLarge)
    #expect(try scene.service.list().count == 1)
  }

  @Test func metricsCountWhatIsThereAndWhatWasDone() throws {
    let scene = CheckpointScene()
    let one = try scene.create()
    try scene.create()
    _ = try scene.service.restore(one.id)
    _ = try scene.service.annotate(one.id, .info, "x")
    try scene.service.delete([one.id])
    let metrics = try scene.service.metrics()
    #expect(metrics.checkpointCount == 1 && metrics.sessionCount == 1 && metrics.annotationCount == 0)
    #expect(metrics.countByTrigger == ["manual": 1] && metrics.countByHost == ["a": 1] && metrics.greatestSequence == 2)
    var expected = CheckpointMetrics.Operations()
    (expected.created, expected.restored, expected.annotated, expected.deleted) = (2, 1, 1, 1)
    #expect(metrics.operations == expected)
  }
}
