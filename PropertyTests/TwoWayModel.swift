import CRDT
import Memory

/// What is written and deleted on hosts, and which earlier of that its author had before the eyes. It knows nothing of
/// stamps, unique_ids or files: a value lives as long as nobody who had seen it replaced or deleted it.
///
/// A power cut leaves open whether something was taken in. So there are two answers: what must be, and what may be.
struct TwoWayModel {
  /// Events that somebody has.
  struct Knowledge {
    var sure: Set<Int> = []
    /// Those, and what may have come along before a power cut.
    var perhaps: Set<Int> = []

    mutating func formUnion(_ other: Knowledge) {
      sure.formUnion(other.sure)
      perhaps.formUnion(other.perhaps)
    }

    mutating func insert(_ event: Int) {
      sure.insert(event)
      perhaps.insert(event)
    }
  }

  /// One write or deletion.
  struct Event {
    var host: Int
    var id: ByteString
    /// `nil`: deleted.
    var content: [UInt8]?
    var seen: Knowledge
    /// Whether it may be no writing at all, but a value that was recognised.
    var isPerhapsNone = false
  }

  private(set) var events: [Event] = []
  private(set) var byID: [ByteString: [Int]] = [:]

  mutating func add(_ event: Event) -> Int {
    byID[event.id, default: []].append(events.count)
    events.append(event)
    return events.count - 1
  }

  /// Contents of an id that must live for one who has `known`: nobody can have replaced or deleted them.
  /// - Parameter hidesDeleted: without what a deletion that had not seen it may hide until its host writes it again.
  func certain(_ id: ByteString, for known: Knowledge, hidesDeleted: Bool) -> [[UInt8]] {
    let own = byID[id] ?? []
    let others = own.filter(known.perhaps.contains)
    return own.compactMap { write in
      guard known.sure.contains(write), let content = events[write].content, !events[write].isPerhapsNone else {
        return nil
      }
      for other in others where other != write {
        if events[other].seen.perhaps.contains(write) { return nil }
        if hidesDeleted, isUnseenDeletion(other, of: write) { return nil }
      }
      return content
    }
  }

  /// Contents of an id that may live for one who has `known`.
  func possible(_ id: ByteString, for known: Knowledge) -> Set<[UInt8]> {
    let own = byID[id] ?? []
    let others = own.filter(known.sure.contains)
    return Set(
      own.compactMap { write in
        guard known.perhaps.contains(write), let content = events[write].content else { return nil }
        let isOver = others.contains { other in
          other != write && events[other].seen.sure.contains(write) && !wasHidden(write, from: other, own)
        }
        return isOver ? nil : content
      })
  }

  /// Whether one is a deletion of an id that happened beside the writing of a value.
  private func isUnseenDeletion(_ deletion: Int, of write: Int) -> Bool {
    events[deletion].content == nil && !events[deletion].seen.sure.contains(write)
      && !events[write].seen.sure.contains(deletion)
  }

  /// Whether the author of an event may have had a value only as one that another deletion hid. Its host writes it again
  /// when it hears of that deletion; until then nobody else can see it, and so not delete it.
  private func wasHidden(_ write: Int, from event: Int, _ own: [Int]) -> Bool {
    let host = events[write].host
    return own.contains { deletion in
      guard deletion != event, isUnseenDeletion(deletion, of: write),
        events[event].seen.perhaps.contains(deletion), events[event].host != host
      else { return false }
      // Whatever its host did later on it did having written the value again.
      return !events[event].seen.sure.contains {
        events[$0].host == host && events[$0].seen.sure.contains(deletion)
      }
    }
  }
}
