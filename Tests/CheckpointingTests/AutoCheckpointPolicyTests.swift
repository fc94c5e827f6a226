import CRDT
import Checkpointing
import Testing

@Suite struct AutoCheckpointPolicyTests {
  private let start = Instant(unixSeconds: 1_767_322_800)

  private func run(_ policy: AutoCheckpointPolicy, _ signals: [(Int64, AutoCheckpointPolicy.Signal)])
    -> [CheckpointTrigger?]
  {
    var policy = policy
    return signals.map { policy.decide($0.1, now: start.advanced(bySeconds: $0.0)) }
  }

  @Test func theIntervalMakesOneWhenItHasGoneBy() {
    let policy = AutoCheckpointPolicy(intervalSeconds: 100, minimumGapSeconds: 10)
    #expect(
      run(policy, [(0, .tick), (89, .tick), (90, .tick), (91, .tick), (189, .tick), (190, .tick)]).map { $0 != nil }
        == [false, false, true, false, false, true])
    #expect(run(AutoCheckpointPolicy(intervalSeconds: nil), [(0, .tick), (1_000_000, .tick)]) == [nil, nil])
  }

  @Test func errorsAreThrottledAndMadeUpFor() {
    let policy = AutoCheckpointPolicy(intervalSeconds: nil, minimumGapSeconds: 30)
    let error = CheckpointTrigger.automatic(.error)
    // A burst: one at once, the rest held back, one after the gap, and then quiet.
    #expect(
      run(policy, [(0, .error), (1, .error), (2, .error), (29, .tick), (30, .tick), (31, .tick), (99, .tick)])
        == [error, nil, nil, nil, error, nil, nil])
    #expect(
      run(AutoCheckpointPolicy(intervalSeconds: nil, isOnError: false), [(0, .error), (99, .error)]) == [nil, nil])
  }

  @Test func toolCallsCount() {
    let policy = AutoCheckpointPolicy(intervalSeconds: nil, toolCallCount: 3, minimumGapSeconds: 0)
    let made = run(policy, (0..<7).map { (Int64($0), .toolCall) })
    #expect(made.map { $0 != nil } == [false, false, true, false, false, true, false])
    #expect(made[2] == .automatic(.toolCall))
    #expect(run(policy, [(0, .cause(.contradiction))]) == [.automatic(.contradiction)])
  }

  @Test func aClockSetBackHoldsNothingOffForLong() {
    let policy = AutoCheckpointPolicy(intervalSeconds: 100, minimumGapSeconds: 10)
    #expect(
      run(policy, [(1000, .error), (-5000, .tick), (-4901, .tick), (-4900, .tick)]).map { $0 != nil }
        == [true, false, false, true])
  }

  @Test func theServiceMakesWhatThePolicyAsksFor() throws {
    let scene = CheckpointScene(
      policy: AutoCheckpointPolicy(intervalSeconds: 60, toolCallCount: 2, minimumGapSeconds: 5))
    func signal(_ signal: AutoCheckpointPolicy.Signal) throws -> CheckpointTrigger? {
      try scene.service.observe(signal) { CheckpointDraft(message: "auto", state: CheckpointState()) }?.trigger
    }
    #expect(try signal(.toolCall) == nil)
    #expect(try signal(.toolCall) == .automatic(.toolCall))
    #expect(try signal(.error) == nil)
    scene.clock.move(seconds: 5)
    #expect(try signal(.tick) == .automatic(.error))
    scene.clock.move(seconds: 59)
    #expect(try signal(.tick) == nil)
    // One made by hand begins the interval anew.
    try scene.create()
    scene.clock.move(seconds: 1)
    #expect(try signal(.tick) == nil)
    scene.clock.move(seconds: 59)
    #expect(try signal(.tick) == .scheduled)
    #expect(try scene.service.list().count == 4)
  }

  @Test func aGapAskedForByADraftHoldsAcrossProcesses() throws {
    let scene = CheckpointScene()
    var draft = CheckpointDraft(trigger: .automatic(.toolCall), state: CheckpointState())
    draft.minimumGapSeconds = 60
    #expect(try scene.service.createIfDue(draft) != nil)
    scene.clock.move(seconds: 59)
    #expect(try scene.restarted().createIfDue(draft) == nil)
    scene.clock.move(seconds: 1)
    #expect(try scene.restarted().createIfDue(draft) != nil)
  }

  @Test func whatCouldNotBeMadeIsStillDue() throws {
    let scene = CheckpointScene(
      policy: AutoCheckpointPolicy(intervalSeconds: nil, toolCallCount: 2, minimumGapSeconds: 60))
    func toolCall(_ message: ByteString) throws -> CheckpointHeader? {
      try scene.service.observe(.toolCall) { CheckpointDraft(message: message, state: CheckpointState()) }
    }
    #expect(try toolCall("") == nil)
    let tooLong = ByteString(String(repeating: "x", count: 5_000))
    #expect(code { try toolCall(tooLong) as Any } == .tooLarge)
    #expect(try toolCall("fine")?.trigger == .automatic(.toolCall))
  }
}
