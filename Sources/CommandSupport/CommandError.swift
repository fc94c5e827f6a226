import Replication

/// An error a command can end with: one line for people, one object with `--json`, one exit code.
package protocol CommandError: Error {
  /// The code as `--json` names it.
  var codeName: String { get }
  /// What happened: one line without a full stop at its end.
  var message: String { get }
  /// What is safe and what to do: one line, or empty.
  var remedy: String { get }
  /// After sysexits.h.
  var exitCode: Int32 { get }
}

extension ReplicationError: CommandError {
  package var codeName: String { code.rawValue }
}
