import CRDT
import Testing

@testable import Checkpointing

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

  @Test func whatAnotherProcessDidIsToldAsWhatItWas() async throws {
    let scene = CheckpointScene()
    let old = try scene.create()
    let other = scene.restarted()
    let (all, elsewhere) = (
      try scene.service.subscribe(), try scene.service.subscribe(session: other.startSession().id)
    )
    func draft() throws -> CheckpointDraft {
      CheckpointDraft(session: old.session, state: try CheckpointState(json: Array("{}".utf8)))
    }
    let (a, b, c) = (try other.create(draft()), try other.create(draft()), try other.create(draft()))
    _ = try other.restore(old.id)
    try other.delete([a.id])
    _ = try other.compact(.keepRecent(1), session: old.session)
    _ = try other.restore(c.id)
    let expected: [CheckpointEvent] = [
      .created(a), .created(b), .created(c), .restored(old),
      .deleted(session: old.session, checkpoints: [a.id]),
      .compacted(session: old.session, removed: [old.id, b.id], keptCount: 1), .restored(c),
    ]
    #expect(try scene.service.refresh() == expected)
    #expect(try scene.service.refresh().isEmpty)
    // Nobody hears of itself again, nor of what was before it subscribed.
    #expect(try other.refresh().isEmpty)
    #expect(try other.refresh().isEmpty)
    scene.service.stop()
    #expect(await Array(all) == expected)
    #expect(await Array(elsewhere).isEmpty)
  }

  @Test func theRecordOfNoticesIsBoundedAndLosesItsOldest() throws {
    let scene = CheckpointScene()
    let header = try scene.create(ByteString(String(repeating: "m", count: 4_000)))
    let notice = CheckpointNotice(.restored(header), service: header.id)
    var record = NoticeRecord(id: header.session)
    let start = record.end
    for _ in 0..<10 { record.append([notice]) }
    let tenth = record.end
    #expect(record.notices(since: start) == Array(repeating: notice, count: 10))
    for _ in 0..<200 { record.append([notice, notice]) }
    #expect(record.bytes.count < NoticeRecord.limitBytes + 200)
    #expect(record.notices(since: record.end).isEmpty)
    #expect(record.notices(since: tenth).count == record.lines.count)
    // One that is larger than all stays.
    let ids = (0..<20_000).map { _ in header.id }
    let large = CheckpointNotice(
      .compacted(session: header.session, removed: ids, keptCount: 3), service: header.id)
    let before = record.end
    record.append([large])
    #expect(record.notices(since: before) == [large] && record.lines.count == 1)
    // As it comes back from a file: whole, with its last line cut off, and damaged.
    record.append([notice])
    let bytes = record.bytes
    #expect(NoticeRecord(bytes)?.notices(since: before) == [notice])
    #expect(NoticeRecord(Array(bytes.dropLast(5)))?.lines.isEmpty == true)
    #expect(NoticeRecord(Array(bytes.dropFirst(5))) == nil && NoticeRecord([]) == nil)
    // Another record's place: all of this one is new.
    #expect(NoticeRecord(bytes)?.notices(since: NoticeRecord(id: header.id).end) == [notice])
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
