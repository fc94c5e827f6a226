/// Why an operation on checkpoints did not end well: what happened and what to do.
public struct CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Classes of failure; each has one exit code.
  public enum Code: String, Hashable, Sendable, CaseIterable {
    /// An argument that makes no sense.
    case usage
    /// Bytes that are no checkpoint, or not of the form asked for.
    case badData
    /// A checkpoint whose bytes are not those its checksum was taken of.
    case checksumMismatch
    /// A checkpoint of a time before checksums: nothing says that its bytes are those that were written.
    case unverified
    /// No checkpoint, session or annotation of that name.
    case notFound
    /// A checkpoint's payload is not in the store.
    case payloadMissing
    /// A change of a hypothesis's status that the machine does not know.
    case invalidTransition
    /// Something that looks like a secret.
    case secretFound
    /// Beyond a stated bound.
    case tooLarge
    /// The service is not started, or was stopped.
    case notRunning
    /// The store failed; ``underlyingExitCode`` says how.
    case store
  }

  public var code: Code
  /// One line without a full stop at its end.
  public var message: String
  /// What is safe and what to do: one line, or empty.
  public var remedy: String
  /// For `.store`: the exit code of the failure below.
  public var underlyingExitCode: Int32

  public init(_ code: Code, _ message: String, remedy: String = "", underlyingExitCode: Int32 = 70) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.underlyingExitCode = underlyingExitCode
  }

  public var description: String { remedy.isEmpty ? message : "\(message). \(remedy)" }

  /// The sysexits number a command ends with.
  public var exitCode: Int32 {
    switch code {
    case .usage: 64
    case .badData, .checksumMismatch, .unverified, .invalidTransition, .secretFound, .tooLarge: 65
    case .notFound, .payloadMissing: 66
    case .notRunning: 70
    case .store: underlyingExitCode
    }
  }
}
