import Glibc
import Processes
import Replication

/// This very program, for lines that call it later.
enum ThisProgram {
  /// Its absolute path, links resolved. Throws `.configuration` where the system does not tell.
  static func path() throws(ReplicationError) -> String {
    guard let resolved = realpath("/proc/self/exe", nil) else {
      throw ReplicationError(
        .configuration, "cannot tell where this program is",
        remedy: "It needs /proc, and must not be deleted while it runs")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Set for all that a background run starts: a hook that sees it starts no other run.
  static let guardVariable = "CRDT_BACKUP_HOOK"

  /// Takes every `GIT_*` variable out of this process: what git sets for a hook names the user's repository.
  static func clearGitVariables() {
    for name in Environment.current.variables.keys where name.hasPrefix("GIT_") { unsetenv(name) }
  }
}
