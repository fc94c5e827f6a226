import Glibc
import Processes

/// `git daemon` on a free loopback port, for fetch and (unless read-only) push.
public final class GitDaemon {
  private let process: ServerProcess
  public let port: UInt16

  /// Serves all repositories below `root`.
  public init(root: String, allowsPush: Bool = true) throws {
    port = Loopback.freePort()
    var arguments = [
      "daemon", "--listen=127.0.0.1", "--port=\(port)", "--reuseaddr", "--export-all", "--base-path=\(root)",
    ]
    if allowsPush { arguments.append("--enable=receive-pack") }
    process = try ServerProcess(
      Command("git", arguments + [root], environment: GitProgram.environment(home: root)))
    try process.waitUntilListening(port: port, deadline: .after(seconds: 20))
  }

  public func url(_ path: String) -> String { "git://127.0.0.1:\(port)/\(path)" }

  /// Whether git's daemon is installed.
  public static var isAvailable: Bool {
    let result = try? Command("git", ["--exec-path"]).run(deadline: .after(seconds: 10))
    return result.map { access($0.outputText + "/git-daemon", X_OK) == 0 } ?? false
  }
}
