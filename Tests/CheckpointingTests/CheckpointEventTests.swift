import CRDT
import Checkpointing
import Testing

@Suite struct CheckpointEventTests {
  @Test func subscribersHearOfTheirSessionWithTheTrueCounts() async throws {
    let scene = CheckpointScene()
    let before = try scene.create()
    let (one, two) = (try scene.service.startSession(), try scene.service.startSession())
    let (all, ofOne) = (try scene.service.subscribe(), try scene.service.subscribe(session: one.id))
    let a = try scene.create(session: one.id)
    let b = try scene.create(session: two.id)
    let c = try scene.create(session: one.id)
    _ = try scene.service.restore(a.id)
    _ = try scene.service.delete([before.id, b.id])
    _ = try scene.service.compact(.keepRecent(1))
    // What this service has told is not told again.
    #expect(try scene.service.refresh().isEmpty)
    scene.service.stop()
    let expectedOfOne: [CheckpointEvent] = [
      .created(a), .created(c), .restored(a), .compacted(session: one.id, removed: [a.id], keptCount: 1),
    ]
    #expect(await Array(ofOne) == expectedOfOne)
    let deleted: [CheckpointEvent] = [
      .deleted(session: before.session, checkpoints: [before.id]), .deleted(session: two.id, checkpoints: [b.id]),
    ]
    let heard = await Array(all)
    #expect(heard.count == 7 && Set(heard).isSuperset(of: expectedOfOne) && Set(heard).isSuperset(of: deleted))
  }

  @Test func whatOthersDidIsToldByRefresh() async throws {
    let clock = TestClock()
    let (a, b) = (CheckpointScene("a", clock: clock), CheckpointScene("b", clock: clock))
    let old = try b.create()
    a.store.merge(b.store)
    let stream = try a.service.subscribe()
    #expect(try a.service.refresh().isEmpty)
    let new = try b.create()
    try b.service.delete([old.id])
    a.store.merge(b.store)
    let events = try a.service.refresh()
    #expect(events == [.created(new), .deleted(session: old.session, checkpoints: [old.id])])
    #expect(try a.service.refresh().isEmpty)
    a.service.stop()
    #expect(await Array(stream) == events)
  }

  @Test func aSlowSubscriberLosesItsOldestAndHoldsUpNobody() async throws {
    let scene = CheckpointScene()
    let (slow, quick) = (try scene.service.subscribe(bufferLimit: 3), try scene.service.subscribe(bufferLimit: 100))
    var headers: [CheckpointHeader] = []
    for _ in 0..<20 { headers.append(try scene.create()) }
    scene.service.stop()
    #expect(await Array(slow) == headers.suffix(3).map { .created($0) })
    #expect(await Array(quick) == headers.map { .created($0) })
  }

  @Test func aSubscriberThatGoesAwayIsForgotten() async throws {
    let scene = CheckpointScene()
    do {
      let stream = try scene.service.subscribe()
      #expect(try scene.service.metrics().subscriberCount == 1)
      let task = Task { for await _ in stream { return } }
      try scene.create()
      await task.value
    }
    #expect(try scene.service.metrics().subscriberCount == 0)
    try scene.create()
  }
}

extension Array where Element: Sendable {
  /// Everything a stream still holds.
  init(_ stream: AsyncStream<Element>) async {
    self = []
    for await element in stream { append(element) }
  }
}
