import CRDT
import Checkpointing
import Memory
import Synchronization
import Testing

/// A host of its own: an in-memory store, a clock the test sets, random numbers from a counter.
final class CheckpointScene: Sendable {
  let host: HostName
  let store: InMemoryCheckpointStore
  let clock: TestClock
  let service: CheckpointService

  init(_ name: String = "a", clock: TestClock = TestClock(), policy: AutoCheckpointPolicy = AutoCheckpointPolicy()) {
    host = EntryIdentity.hostName(folding: name)
    self.clock = clock
    store = InMemoryCheckpointStore(host: host, wallClock: clock.now)
    service = CheckpointScene.service(over: store, clock: clock, seed: name, policy: policy)
    service.start()
  }

  /// A service as a new process would make it.
  static func service(
    over store: any CheckpointStore, clock: TestClock, seed: String,
    policy: AutoCheckpointPolicy = AutoCheckpointPolicy()
  ) -> CheckpointService {
    CheckpointService(
      store: store, wallClock: clock.now,
      randomBytes: { count in
        let digest = Array(EntryIdentity.hexDigest(of: Array("\(seed) \(clock.nextNumber())".utf8)).utf8)
        return Array(digest.prefix(count))
      }, policy: policy)
  }

  func restarted() -> CheckpointService {
    let service = CheckpointScene.service(over: store, clock: clock, seed: host.text)
    service.start()
    return service
  }

  @discardableResult
  func create(
    _ message: ByteString = "", tags: Set<ByteString> = [], session: CheckpointID? = nil, state: String = "{}"
  ) throws -> CheckpointHeader {
    try service.create(
      CheckpointDraft(
        message: message, tags: tags, session: session, state: try CheckpointState(json: Array(state.utf8))))
  }
}

/// A wall clock that stands still until it is moved.
final class TestClock: Sendable {
  private let state = Mutex((instant: Instant(unixSeconds: 1_767_322_800), number: 0))

  var now: @Sendable () -> Instant {
    { self.state.withLock { $0.instant } }
  }

  func move(seconds: Int64) { state.withLock { $0.instant = $0.instant.advanced(bySeconds: seconds) } }

  /// Never the same twice.
  func nextNumber() -> Int {
    state.withLock { state in
      state.number += 1
      return state.number
    }
  }
}

/// The code of the error that `body` throws; `nil` when it throws none.
func code(_ body: () throws -> some Any) -> CheckpointError.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? CheckpointError)?.code
  }
}
