import CRDT

/// Why a checkpoint was made.
public enum CheckpointTrigger: Hashable, Sendable, CustomStringConvertible {
  /// Somebody asked for it.
  case manual
  /// Its time had come.
  case scheduled
  /// Something happened.
  case automatic(Cause)

  /// What can happen.
  public enum Cause: String, Hashable, Sendable, CaseIterable {
    case hypothesisStatusChange = "hypothesis-status-change"
    case contradiction
    case verificationComplete = "verification-complete"
    case branchSwitch = "branch-switch"
    case gapFilled = "gap-filled"
    case codeModified = "code-modified"
    case timePassed = "time-passed"
    case contextCompactionWarning = "context-compaction-warning"
    case error
    case toolCall = "tool-call"
  }

  public static let allCases: [CheckpointTrigger] = [.manual, .scheduled] + Cause.allCases.map { .automatic($0) }

  /// The form in files and on the command line: `manual`, `scheduled`, or the cause.
  public var description: String {
    switch self {
    case .manual: "manual"
    case .scheduled: "scheduled"
    case .automatic(let cause): cause.rawValue
    }
  }

  public init?(_ text: String) {
    switch text {
    case "manual": self = .manual
    case "scheduled": self = .scheduled
    default:
      guard let cause = Cause(rawValue: text) else { return nil }
      self = .automatic(cause)
    }
  }
}
