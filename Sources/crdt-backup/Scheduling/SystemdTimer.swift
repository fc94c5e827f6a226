import Durability
import Processes
import Replication

/// A timer of the user's own systemd.
struct SystemdTimer {
  let name: String
  /// `$XDG_CONFIG_HOME/systemd/user`, else `~/.config/systemd/user`.
  let folder: String
  private let files = RealFileSystem()

  init(key: String, environment: Environment = .current) throws(ReplicationError) {
    name = "crdt-backup-\(key)"
    if let config = environment["XDG_CONFIG_HOME"], config.hasPrefix("/") {
      folder = config + "/systemd/user"
    } else if let home = environment["HOME"], home.hasPrefix("/") {
      folder = home + "/.config/systemd/user"
    } else {
      throw ReplicationError(.configuration, "HOME is not set", remedy: "Units of a user are kept below it")
    }
  }

  var timerPath: String { "\(folder)/\(name).timer" }
  var servicePath: String { "\(folder)/\(name).service" }

  // MARK: Text

  static func service(_ command: ScheduledCommand) -> String {
    let words = (["/usr/bin/env", "HOME=" + command.home, "PATH=" + command.path] + command.words).map(word)
    return """
      # Written by `crdt-backup schedule install --systemd`.
      [Unit]
      Description=Back up AI agents' memory with crdt-backup

      [Service]
      Type=oneshot
      UMask=0077
      Nice=10
      ExecStart=\(words.joined(separator: " "))

      """
  }

  static func timer(_ interval: ScheduleInterval, seed: String) -> String {
    """
    # Written by `crdt-backup schedule install --systemd`.
    [Unit]
    Description=Back up AI agents' memory every \(interval.text)

    [Timer]
    OnCalendar=\(interval.calendar(seed: seed))
    Persistent=true

    [Install]
    WantedBy=timers.target

    """
  }

  /// One word of a command line as systemd.service(5) reads it.
  private static func word(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": out += "\\\(scalar)"
      case "%": out += "%%"
      case "$": out += "$$"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  // MARK: Files

  var isInstalled: Bool { ((try? files.information(timerPath)) ?? nil) != nil }

  /// Returns whether anything was written.
  func write(service: String, timer: String) throws(ReplicationError) -> Bool {
    do {
      try files.createFolder(folder)
      let first = try files.replaceIfChanged(servicePath, with: Array(service.utf8), mode: .exact(0o644))
      return try files.replaceIfChanged(timerPath, with: Array(timer.utf8), mode: .exact(0o644)) || first
    } catch {
      throw ReplicationError(error.code == .permission ? .permission : .storage, "\(error)")
    }
  }

  /// Returns whether anything was there.
  func remove() throws(ReplicationError) -> Bool {
    do {
      var removed = try files.remove(timerPath)
      removed = try files.remove(servicePath) || removed
      // What `enable` made, for when systemctl cannot be asked to take it away.
      let wanted = "\(folder)/timers.target.wants/\(name).timer"
      if try files.information(wanted, followingLinks: false) != nil { try files.remove(wanted) }
      return removed
    } catch {
      throw ReplicationError(error.code == .permission ? .permission : .storage, "\(error)")
    }
  }

  // MARK: systemctl

  /// Whether this user's systemd can be spoken to from here.
  static var isReachable: Bool { (try? systemctl(["show-environment"]))?.termination.isSuccess ?? false }

  /// What a person has to run where it cannot.
  var startCommands: [String] { ["systemctl --user daemon-reload", "systemctl --user enable --now \(name).timer"] }

  func start() throws(ReplicationError) {
    try SystemdTimer.expect(["daemon-reload"])
    try SystemdTimer.expect(["enable", "--now", "\(name).timer"])
  }

  func stop() { _ = try? SystemdTimer.systemctl(["disable", "--now", "\(name).timer"]) }

  func reload() { _ = try? SystemdTimer.systemctl(["daemon-reload"]) }

  var isActive: Bool {
    (try? SystemdTimer.systemctl(["is-active", "--quiet", "\(name).timer"]))?.termination.isSuccess ?? false
  }

  private static func expect(_ arguments: [String]) throws(ReplicationError) {
    let result: ProcessResult
    do { result = try systemctl(arguments) } catch { throw ReplicationError(.configuration, "\(error)") }
    guard result.termination.isSuccess else {
      let words = result.errorText.split(separator: "\n").last.map(String.init) ?? "\(result.termination)"
      throw ReplicationError(.configuration, "systemctl --user \(arguments.joined(separator: " ")): \(words)")
    }
  }

  private static func systemctl(_ arguments: [String]) throws(ProcessError) -> ProcessResult {
    try Command("systemctl", ["--user"] + arguments).run(deadline: .after(seconds: 30), limitBytes: 1 << 20)
  }
}
