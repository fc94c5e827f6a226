import Processes
import Synchronization

/// What the sockets of a running http call need to know. libgit2 makes them without telling for whom, on the
/// thread of the call; a task-local value finds the call again.
final class NetworkContext: Sendable {
  @TaskLocal static var current: NetworkContext?

  let operation: String
  let deadline: Deadline
  private let firstFailure = Mutex<GitError?>(nil)

  init(operation: String, deadline: Deadline) {
    self.operation = operation
    self.deadline = deadline
  }

  /// The first failure counts: what follows is its consequence.
  func record(_ error: GitError) {
    firstFailure.withLock { if $0 == nil { $0 = error } }
  }

  var failure: GitError? { firstFailure.withLock { $0 } }
}
