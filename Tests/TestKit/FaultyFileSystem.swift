import Durability
import Glibc
import Synchronization

/// Real files with a fault at a chosen step.
///
/// Steps are the single system calls inside the operations, counted from 1, so that a loop over `n` visits every
/// point at which a disk can fill up or the power can go.
public final class FaultyFileSystem: FileSystem {
  public enum Fault: Sendable, Hashable {
    /// The nth step fails with this errno, once.
    case fail(step: Int, errno: Int32)
    /// All steps of this kind fail with this errno.
    case failKind(RealFileSystem.Step, errno: Int32)
    /// The nth step and all after it fail and do nothing, clean-up too: as after a power cut.
    case crash(step: Int)
  }

  private final class Plan: Sendable {
    let state: Mutex<(fault: Fault?, count: Int, log: [RealFileSystem.Step])>
    init(_ fault: Fault?) { state = Mutex((fault, 0, [])) }

    func before(_ step: RealFileSystem.Step, _ path: String) throws(StorageError) {
      let failure: Int32? = state.withLock { state in
        state.count += 1
        state.log.append(step)
        switch state.fault {
        case .fail(let wanted, let number) where wanted == state.count: return number
        case .failKind(let kind, let number) where kind == step: return number
        case .crash(let wanted) where state.count >= wanted: return EIO
        default: return nil
        }
      }
      if let failure {
        throw StorageError(errno: failure, operation: "\(step.rawValue) (injected)", path: path)
      }
    }
  }

  private let plan: Plan
  private let real: RealFileSystem

  public init(_ fault: Fault? = nil) {
    let plan = Plan(fault)
    self.plan = plan
    real = RealFileSystem { (step, path) throws(StorageError) in try plan.before(step, path) }
  }

  /// Sets the fault and starts counting anew.
  public func arm(_ fault: Fault?) { plan.state.withLock { $0 = (fault, 0, []) } }

  /// Steps since the start or the last `arm`.
  public var stepCount: Int { plan.state.withLock { $0.count } }
  public var steps: [RealFileSystem.Step] { plan.state.withLock { $0.log } }

  public func read(_ path: String, limitBytes: Int) throws(StorageError) -> [UInt8]? {
    try real.read(path, limitBytes: limitBytes)
  }
  public func information(_ path: String, followingLinks: Bool) throws(StorageError) -> FileInformation? {
    try real.information(path, followingLinks: followingLinks)
  }
  public func replace(
    _ path: String, with bytes: [UInt8], mode: ReplacementMode, ifStill expected: FileInformation?
  ) throws(StorageError) {
    try real.replace(path, with: bytes, mode: mode, ifStill: expected)
  }
  public func overwrite(_ path: String, with bytes: [UInt8]) throws(StorageError) {
    try real.overwrite(path, with: bytes)
  }
  public func target(of path: String) throws(StorageError) -> String { try real.target(of: path) }
  public func createFolder(_ path: String) throws(StorageError) { try real.createFolder(path) }
  public func list(_ path: String) throws(StorageError) -> [String] { try real.list(path) }
  @discardableResult
  public func remove(_ path: String) throws(StorageError) -> Bool { try real.remove(path) }
  public func rename(_ path: String, to newPath: String) throws(StorageError) {
    try real.rename(path, to: newPath)
  }
}
