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
    /// Whether it may be no writing at all, but a value that was recognised, or is not written again.
    var isPerhapsNone = false
    /// Whether it is an earlier value of its host, written again.
    var isAgain = false
  }

  private(set) var events: [Event] = []
  private(set) var byID: [ByteString: [Int]] = [:]

  mutating func add(_ event: Event) -> Int {
    byID[event.id, default: []].append(events.count)
    events.append(event)
    return events.count - 1
  }

  /// What a host may write again when it has heard of deletions, or of conflicts settled, that had not seen it: every such value nobody has
  /// replaced or deleted, as far as it knows. Who has seen the value itself only may not have seen this.
  /// - Returns: the new events.
  mutating func writeAgain(_ host: Int, knowing known: Knowledge) -> [Int] {
    var new: [Int] = []
    for (id, own) in byID.sorted(by: { $0.key < $1.key }) {
      let others = own.filter(known.perhaps.contains)
      for write in others where events[write].host == host {
        let deletions = others.filter { events[$0].content == nil || maySettle($0, beside: write, own) }
        guard let content = events[write].content, !isOver(write, own, for: known),
          deletions.contains(where: { mayHide($0, write, own) }),
          !own.contains(where: {
            events[$0].isAgain && events[$0].host == host && events[$0].content == content
              && deletions.allSatisfy(events[$0].seen.perhaps.contains)
          })
        else { continue }
        let seen = Knowledge(sure: [], perhaps: known.perhaps)
        new.append(add(Event(host: host, id: id, content: content, seen: seen, isPerhapsNone: true, isAgain: true)))
      }
    }
    return new
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
      for other in others where other != write && !events[other].isAgain {
        if events[other].seen.perhaps.contains(write) { return nil }
        if hidesDeleted, mayHide(other, write, own) { return nil }
      }
      return content
    }
  }

  /// Contents of an id that may live for one who has `known`.
  func possible(_ id: ByteString, for known: Knowledge) -> Set<[UInt8]> {
    let own = byID[id] ?? []
    return Set(
      own.compactMap { write in
        guard known.perhaps.contains(write), let content = events[write].content else { return nil }
        return isOver(write, own, for: known) ? nil : content
      })
  }

  /// Whether somebody who had seen a value replaced or deleted it.
  private func isOver(_ write: Int, _ own: [Int], for known: Knowledge) -> Bool {
    own.contains { other in
      other != write && known.sure.contains(other) && events[other].seen.sure.contains(write)
        && !wasHidden(write, from: other, own)
    }
  }

  /// Whether one is a deletion of an id that happened beside the writing of a value.
  private func isUnseenDeletion(_ deletion: Int, of write: Int) -> Bool {
    let before = events[write].isAgain ? events[write].seen.perhaps : events[write].seen.sure
    return events[deletion].content == nil && !events[deletion].seen.sure.contains(write) && !before.contains(deletion)
  }

  /// Whether one is an edit that settled a conflict of an id beside the writing of a value: it deletes the values that
  /// its author had before the eyes and did not take, and so hides what was written on top of one of them.
  private func maySettle(_ edit: Int, beside write: Int, _ own: [Int]) -> Bool {
    let seen = own.filter {
      events[edit].seen.perhaps.contains($0) && events[$0].content != nil && !events[$0].isAgain
    }
    func isBeside(_ one: Int, _ other: Int) -> Bool {
      !events[one].seen.sure.contains(other) && !events[other].seen.sure.contains(one)
    }
    // What is written again settles nothing, and its author had before the eyes what it may have seen.
    let before = events[write].isAgain ? events[write].seen.perhaps : events[write].seen.sure
    return events[edit].content != nil && !events[edit].isAgain && edit != write
      && !events[edit].seen.sure.contains(write) && !before.contains(edit)
      && seen.contains { one in seen.contains { $0 != one && isBeside(one, $0) } }
  }

  /// Whether an event may hide a value that its author had not seen, until the value's host writes it again.
  private func mayHide(_ event: Int, _ write: Int, _ own: [Int]) -> Bool {
    isUnseenDeletion(event, of: write) || maySettle(event, beside: write, own)
  }

  /// Whether the author of an event may have had a value only as one that another event hid. Its host writes it again
  /// when it hears of that deletion; until then nobody else can see it, and so not delete it.
  private func wasHidden(_ write: Int, from event: Int, _ own: [Int]) -> Bool {
    let host = events[write].host
    return own.contains { deletion in
      guard deletion != event, mayHide(deletion, write, own),
        events[event].seen.perhaps.contains(deletion), events[event].host != host
      else { return false }
      // Whatever its host did later on it did having written the value again.
      return !events[event].seen.sure.contains {
        events[$0].host == host && events[$0].seen.sure.contains(deletion)
      }
    }
  }
}
