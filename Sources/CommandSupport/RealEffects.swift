import CRDT
import Durability
import Glibc
import Memory
import Processes
import Replication

extension Effects {
  /// The real world.
  package static let real = Effects(
    fileSystem: RealFileSystem(),
    wallClock: {
      var now = timespec()
      guard clock_gettime(CLOCK_REALTIME, &now) == 0 else { return .epoch }
      return min(.latest, max(.earliest, Instant(unixSeconds: Int64(now.tv_sec), nanoseconds: Int64(now.tv_nsec))))
    },
    randomBytes: { count in
      var generator = SystemRandomNumberGenerator()
      return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    },
    sleepMilliseconds: { milliseconds in
      var wanted = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
      var left = timespec()
      while nanosleep(&wanted, &left) == -1, errno == EINTR { wanted = left }
    },
    machineIdentity: {
      for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
        if let bytes = try? RealFileSystem().read(path, limitBytes: 4096), bytes.count >= 16 { return bytes }
      }
      return nil
    })
}

/// Facts of this process that become arguments of pure code.
package enum Machine {
  /// This machine's name as a host name.
  package static var defaultHost: HostName {
    var buffer = [CChar](repeating: 0, count: 256)
    let length = gethostname(&buffer, buffer.count - 1) == 0 ? strlen(buffer) : 0
    let name = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return EntryIdentity.hostName(folding: name.isEmpty ? "host" : name)
  }

  /// Who runs this, and the files git reads settings from besides a store's own (git-config, FILES).
  package static var runContext: RunContext {
    let variables = Environment.current.variables
    func value(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
    let home = value("HOME")
    let files = [
      "/etc/gitconfig", home.map { $0 + "/.gitconfig" },
      value("XDG_CONFIG_HOME").map { $0 + "/git/config" } ?? home.map { $0 + "/.config/git/config" },
      value("GIT_CONFIG_GLOBAL"), value("GIT_CONFIG_SYSTEM"),
    ]
    return RunContext(configurationFiles: Set(files.compactMap(\.self)).sorted(), userID: geteuid())
  }

  /// A path made absolute against the working folder, without `.` and empty parts. Links and `..` are left to the kernel.
  package static func absolute(_ path: String) -> String {
    var whole = path
    if !path.hasPrefix("/") {
      guard let folder = getcwd(nil, 0) else { return path }
      defer { free(folder) }
      whole = String(cString: folder) + "/" + path
    }
    return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }

  /// A remote as it is stored: URLs and scp forms as given, paths absolute.
  package static func remote(_ text: String) -> String {
    if text.contains("://") { return text }
    let beforeSlash = text.prefix { $0 != "/" }
    if beforeSlash.contains(":") { return text }
    return absolute(text)
  }
}
