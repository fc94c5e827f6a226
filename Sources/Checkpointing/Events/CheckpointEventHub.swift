import CRDT
import Synchronization

/// Hands events to subscribers. Never waits for one: each has a buffer of its own that keeps the newest.
final class CheckpointEventHub: Sendable {
  private struct Subscriber {
    /// `nil` hears of every session.
    var session: CheckpointID?
    var continuation: AsyncStream<CheckpointEvent>.Continuation
  }

  private struct State {
    var nextKey = 0
    var subscribers: [Int: Subscriber] = [:]
  }

  private let state = Mutex(State())

  /// A stream of the events of a session from now on; it ends with ``finish()``.
  func subscribe(session: CheckpointID?, bufferLimit: Int) -> AsyncStream<CheckpointEvent> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: CheckpointEvent.self, bufferingPolicy: .bufferingNewest(max(1, bufferLimit)))
    let key = state.withLock { state in
      state.nextKey += 1
      state.subscribers[state.nextKey] = Subscriber(session: session, continuation: continuation)
      return state.nextKey
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.subscribers.removeValue(forKey: key) }
    }
    return stream
  }

  var subscriberCount: Int { state.withLock { $0.subscribers.count } }

  func send(_ events: [CheckpointEvent]) {
    guard !events.isEmpty else { return }
    // Outside the lock: what a continuation runs may come back here.
    let subscribers = state.withLock { Array($0.subscribers.values) }
    for event in events {
      for subscriber in subscribers where subscriber.session == nil || subscriber.session == event.session {
        subscriber.continuation.yield(event)
      }
    }
  }

  func finish() {
    let subscribers = state.withLock { state in
      defer { state.subscribers = [:] }
      return Array(state.subscribers.values)
    }
    for subscriber in subscribers { subscriber.continuation.finish() }
  }
}
