import Memory
import Processes
import Replication

/// What a schedule runs, with all it needs said: a scheduler's environment holds next to nothing.
struct ScheduledCommand: Hashable {
  /// Absolute.
  var executable: String
  /// The store's folder, absolute.
  var store: String
  var home: String
  /// The folders of `git` and `ssh` as they are found now, then the standard ones.
  var path: String
  /// Where the log is, when it is not where HOME alone would put it.
  var log: String?

  /// Throws `.configuration` for a path that no crontab line can hold.
  static func current(store: String) throws(ReplicationError) -> ScheduledCommand {
    let environment = Environment.current
    guard let home = environment["HOME"], home.hasPrefix("/") else {
      throw ReplicationError(
        .configuration, "HOME is not set", remedy: "A schedule needs it to find your settings and keys")
    }
    var folders: [String] = []
    let standard = ["/usr/local/bin", "/usr/bin", "/bin"]
    for program in ["git", "ssh"] {
      guard let found = Executable.find(program, in: environment), let slash = found.lastIndex(of: "/") else {
        continue
      }
      let folder = String(found[..<slash])
      // A folder of relative or odd name is somebody's experiment, and a colon would split it.
      if folder.hasPrefix("/"), !folder.contains(":"), !standard.contains(folder), !folders.contains(folder) {
        folders.append(folder)
      }
    }
    let log = BoundedLog.defaultPath(environment: environment.variables)
    let plain = BoundedLog.defaultPath(environment: ["HOME": home])
    let command = ScheduledCommand(
      executable: try ThisProgram.path(), store: store, home: home, path: (folders + standard).joined(separator: ":"),
      log: log == plain ? nil : log)
    for text in command.words + [home, command.path] where text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      throw ReplicationError(
        .configuration, "a path with a line break or control character cannot be put into a schedule",
        remedy: "Use a store, HOME and installation without such characters")
    }
    return command
  }

  /// Program and arguments.
  var words: [String] { [executable, "schedule", "run", "--store", store] + (log.map { ["--log", $0] } ?? []) }

  /// Tells the schedules of two stores apart.
  var key: String { Self.key(store) }

  static func key(_ store: String) -> String { String(EntryIdentity.hexDigest(of: Array(store.utf8)).prefix(8)) }
}
