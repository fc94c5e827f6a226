/// Why an operation on reasoning state did not end well: what happened, what is safe, what to do.
///
/// The one error of this module. ``Code`` decides the exit code.
public struct CRSError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// A delta that the rules refuse. Nothing was changed.
    case invalidDelta
    /// Bytes that are not what they should be: JSON, a delta, a state.
    case badData
    /// The journal, session or manager was closed.
    case closed
    /// A record, a backup or its metadata fails its checksum.
    case corrupted
    /// A record of the journal is missing.
    case gap
    /// The journal has no room: the disk is full, or its limit reached.
    case full
    /// What was applied lives in memory only.
    case degraded
    /// No such project, backup or generation.
    case notFound
    /// Written in a form that this version does not know.
    case versionMismatch
    /// Somebody else holds the lock, also after the wait.
    case lockFailed
    /// The file system or the database failed.
    case storage
    /// What is to be written cannot be made, as where a file stands in the place of a folder.
    case cannotCreate
    /// The operating system refuses access.
    case permission
    /// Something in the data looks like a secret. Nothing was changed.
    case secretFound
    /// A setting, or a program that has to be there, stands in the way.
    case configuration
    /// A request that makes no sense.
    case usage
  }

  public var code: Code
  /// What happened: one line without a full stop at its end.
  public var message: String
  /// What is safe and what to do: one line, or empty.
  public var remedy: String
  /// The journal's record that is meant, for `corrupted` and `gap`.
  public var sequence: UInt64?

  public init(_ code: Code, _ message: String, remedy: String = "", sequence: UInt64? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.sequence = sequence
  }

  public var description: String { remedy.isEmpty ? message : "\(message). \(remedy)" }

  /// Whether the same call may succeed later without anybody repairing anything.
  public var isRetryable: Bool { code == .lockFailed }

  /// The sysexits number a command ends with.
  public var exitCode: Int32 {
    switch code {
    case .usage: 64
    case .invalidDelta, .badData, .secretFound, .corrupted, .gap: 65
    case .notFound: 66
    case .closed: 70
    case .cannotCreate: 73
    case .full, .degraded, .storage: 74
    case .lockFailed: 75
    case .permission: 77
    case .configuration, .versionMismatch: 78
    }
  }
}

extension CRSError {
  /// The same, with what became of the request in front of its remedy.
  func told(_ outcome: String) -> CRSError {
    var error = self
    error.remedy = remedy.isEmpty ? outcome : "\(outcome). \(remedy)"
    return error
  }
}
