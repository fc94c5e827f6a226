import Git

/// The remote that simulated repositories share: refs under compare-and-swap, and faults on order.
public final class SimulatedServer {
  public enum Operation: Hashable, Sendable {
    case list, fetch, push
  }

  public enum Fault: Sendable {
    /// The call throws this and does nothing.
    case fail(GitError)
    /// The server accepts the connection and says nothing: `.timedOut`.
    case silent
    /// A push is refused for this reason.
    case reject(String)
    /// A push is acknowledged and not done.
    case acceptWithoutDoing
    /// A push is done, but the connection breaks before the answer: `.unreachable`.
    case doWithoutAnswering
  }

  var store = SimulatedObjects()
  public private(set) var refs: [String: ObjectID] = [:]
  private var faults: [Operation: [Fault]] = [:]
  /// Runs between a push's look at the refs and its compare-and-swap: the place for somebody who is faster.
  public var beforeNextPush: (() -> Void)?
  /// Calls so far.
  public private(set) var calls: [Operation] = []

  public init() {}

  /// Queues a fault for the next such call that has none yet.
  public func order(_ fault: Fault, for operation: Operation) { faults[operation, default: []].append(fault) }

  /// Sets or deletes a ref as its owner may, history or not. A commit has to have been pushed before.
  public func rewrite(_ ref: String, to id: ObjectID?) { refs[ref] = id }

  /// Loses everything.
  public func empty() {
    refs = [:]
    store = SimulatedObjects()
  }

  fileprivate func enter(_ operation: Operation, _ deadline: Deadline) throws(GitError) -> Fault? {
    calls.append(operation)
    let name = "\(operation) (simulated)"
    let late = GitError(
      .timedOut, operation: name, message: "no answer before the deadline", isRetryable: true)
    guard !deadline.hasPassed else { throw late }
    guard var queue = faults[operation], !queue.isEmpty else { return nil }
    let fault = queue.removeFirst()
    faults[operation] = queue
    switch fault {
    case .fail(let error): throw error
    case .silent: throw late
    default: return fault
    }
  }

  fileprivate func compareAndSwap(_ ref: String, _ expected: ObjectID?, _ id: ObjectID) -> Bool {
    guard refs[ref] == expected else { return false }
    refs[ref] = id
    return true
  }
}

/// A connection of one simulated repository to a server.
public final class SimulatedRemote: Remote {
  private let repository: SimulatedRepository
  private let server: SimulatedServer

  init(_ repository: SimulatedRepository, _ server: SimulatedServer) {
    self.repository = repository
    self.server = server
  }

  public func list(deadline: Deadline) throws(GitError) -> [String: ObjectID] {
    _ = try server.enter(.list, deadline)
    return server.refs
  }

  public func fetch(branch: String, deadline: Deadline) throws(GitError) -> ObjectID? {
    _ = try server.enter(.fetch, deadline)
    guard let tip = server.refs["refs/heads/\(branch)"] else { return nil }
    repository.store.objects.merge(server.store.closure(tip)) { old, _ in old }
    repository.pin("refs/crdt/fetched/\(branch)", tip)
    return tip
  }

  public func push(_ commit: ObjectID, branch: String, deadline: Deadline) throws(GitError) -> PushOutcome {
    _ = try repository.readCommit(commit)
    let fault = try server.enter(.push, deadline)
    let ref = "refs/heads/\(branch)"
    let seen = server.refs[ref]
    if case .reject(let reason) = fault { return .rejected(reason: reason) }
    if case .acceptWithoutDoing = fault { return .accepted }
    if let seen, !repository.store.history([commit]).contains(seen) {
      return .rejected(reason: "the remote has commits that are not here")
    }
    let faster = server.beforeNextPush
    server.beforeNextPush = nil
    faster?()
    server.store.objects.merge(repository.store.closure(commit)) { old, _ in old }
    guard server.compareAndSwap(ref, seen, commit) else { return .rejected(reason: "failed to update ref") }
    if case .doWithoutAnswering = fault {
      throw GitError(
        .unreachable, operation: "push (simulated)", message: "the connection broke", isRetryable: true)
    }
    return .accepted
  }
}
