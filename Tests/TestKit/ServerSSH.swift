import Glibc
import Processes

/// A real sshd on a free loopback port, with throwaway keys, that lets the user who runs the test in.
public final class SSHServer {
  private let folder = TemporaryFolder("crdt-sshd")
  private let process: ServerProcess
  public let port: UInt16
  public let user: String

  /// Needs `sshd`, `ssh`, `ssh-keygen`.
  public init() throws {
    user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"
    let key: (String) throws -> Void = { [folder] name in
      let command = Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder(name)])
      let result = try command.run(deadline: .after(seconds: 30))
      guard result.termination.isSuccess else { throw ServerProcess.Failure(result.errorText) }
    }
    try key("host")
    try key("client")
    try key("stranger")
    // sshd refuses to start as root without its privilege-separation folder.
    if getuid() == 0 { mkdir("/run/sshd", 0o755) }
    port = Loopback.freePort()
    folder.write("authorized", try Self.read(folder("client.pub")))
    let hostKey = try Self.read(folder("host.pub"))
    folder.write("known_hosts", "[127.0.0.1]:\(port) \(hostKey)")
    folder.write("known_nothing", "")
    folder.write(
      "config",
      """
      Port \(port)
      ListenAddress 127.0.0.1
      HostKey \(folder("host"))
      AuthorizedKeysFile \(folder("authorized"))
      PidFile \(folder("pid"))
      StrictModes no
      UsePAM no
      PasswordAuthentication no
      KbdInteractiveAuthentication no
      PermitRootLogin yes
      LogLevel ERROR
      """ + "\n")
    let sshd = Executable.find("sshd") ?? "/usr/sbin/sshd"
    process = try ServerProcess(Command(sshd, ["-D", "-e", "-f", folder("config")]))
    try process.waitUntilListening(port: port, deadline: .after(seconds: 20))
  }

  private static func read(_ path: String) throws -> String {
    let result = try Command("cat", [path]).run(deadline: .after(seconds: 5))
    return result.outputText
  }

  /// `ssh://user@127.0.0.1:port/path`.
  public func url(_ path: String) -> String { "ssh://\(user)@127.0.0.1:\(port)\(path)" }
  /// `[user@127.0.0.1:port]:path`, the scp form with a port.
  public func scpURL(_ path: String) -> String { "\(user)@[127.0.0.1:\(port)]:\(path)" }

  /// For `GIT_SSH_COMMAND`: the key that is let in, and only this server's host key trusted.
  public var sshCommand: String { command(key: "client", knownHosts: "known_hosts") }
  /// With a key that is not let in.
  public var strangerCommand: String { command(key: "stranger", knownHosts: "known_hosts") }
  /// Knowing no host key.
  public var untrustingCommand: String { command(key: "client", knownHosts: "known_nothing") }

  private func command(key: String, knownHosts: String) -> String {
    "ssh -F /dev/null -i \(folder(key)) -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes "
      + "-o UserKnownHostsFile=\(folder(knownHosts)) -o GlobalKnownHostsFile=/dev/null"
  }
}
