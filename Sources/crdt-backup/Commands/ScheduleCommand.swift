import ArgumentParser
import CRDT
import CommandSupport
import Memory
import Processes
import Replication

struct ScheduleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Back up every few minutes: by cron, or by a systemd user timer.",
    discussion: """
      Uses cron where there is a `crontab`, else systemd. Only our own lines or units are written and removed. What a run \
      says goes to $XDG_STATE_HOME/crdt-backup/log (else ~/.local/state/crdt-backup/log), at most 1 MiB and an older one.
      """,
    subcommands: [ScheduleInstall.self, ScheduleUninstall.self, ScheduleStatus.self, ScheduleRun.self])
}

struct ScheduleInstall: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Add a scheduled backup of the store. Running it again changes nothing.")

  @Option(help: ArgumentHelp("How often: 1m to 30m, 1h to 12h, 1d; a part of an hour or a day.", valueName: "time"))
  var every: String = ScheduleInterval.standard.text
  @Flag(help: "Use cron.")
  var cron = false
  @Flag(help: "Use a systemd user timer.")
  var systemd = false
  @Flag(help: "Print what would be written, and write nothing.")
  var dryRun = false
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if cron && systemd { throw ValidationError("--cron and --systemd exclude each other") }
    if ScheduleInterval(every) == nil {
      throw ValidationError("--every takes a part of an hour or a day, such as 5m, 15m, 1h, 6h or 1d")
    }
  }

  func run() throws {
    let console = Console(output)
    try console.run("schedule install", printsResult: dryRun) {
      let store = try storeOptions.open()
      let command = try ScheduledCommand.current(store: store.paths.folder)
      let interval = ScheduleInterval(every) ?? .standard
      // Hosts are spread, and a host keeps its minutes.
      let seed = "\(store.settings.host?.text ?? Machine.defaultHost.text) \(store.paths.folder)"
      switch try backend() {
      case .cron(let crontab): return try install(command, interval, seed, crontab, console)
      case .systemd: return try install(command, interval, seed, console)
      }
    }
  }

  private enum Backend {
    case cron(Crontab)
    case systemd
  }

  private func backend() throws(ReplicationError) -> Backend {
    if !systemd, let crontab = Crontab() { return .cron(crontab) }
    if cron {
      throw ReplicationError(
        .configuration, "there is no `crontab` on the PATH",
        remedy: "Install cron (Debian: apt install cron), or use --systemd")
    }
    if systemd || Executable.find("systemctl") != nil { return .systemd }
    throw ReplicationError(
      .configuration, "there is neither cron nor systemd here",
      remedy: "Install cron (Debian: apt install cron), or have something else run: crdt-backup --quiet")
  }

  private func install(
    _ command: ScheduledCommand, _ interval: ScheduleInterval, _ seed: String, _ crontab: Crontab, _ console: Console
  ) throws -> Int32 {
    let block = try CronBlock.block(command, interval: interval, seed: seed)
    let old = try crontab.read()
    let new = CronBlock.putting(block, key: command.key, into: old)
    if !dryRun, new != old { try crontab.write(new, replacing: old) }
    report("cron", CronBlock.job(of: command.key, in: new) ?? "", changed: new != old, console)
    if dryRun {
      sayLines(block, console)
    } else {
      console.say(
        new == old ? "Nothing to do: the crontab has it already" : "Added to the crontab: every \(interval.text)")
      if !Crontab.isDaemonRunning { console.warn("no cron daemon seems to run here, so nothing will start it") }
    }
    return 0
  }

  private func install(_ command: ScheduledCommand, _ interval: ScheduleInterval, _ seed: String, _ console: Console)
    throws
    -> Int32
  {
    let unit = try SystemdTimer(key: command.key)
    let service = SystemdTimer.service(command)
    let timer = SystemdTimer.timer(interval, seed: seed)
    if dryRun {
      report("systemd", interval.calendar(seed: seed), changed: !unit.isInstalled, console)
      console.say("\(unit.servicePath):")
      sayLines(service, console)
      console.say("\(unit.timerPath):")
      sayLines(timer, console)
      return 0
    }
    let isWritten = try unit.write(service: service, timer: timer)
    let isReachable = SystemdTimer.isReachable
    if isReachable { try unit.start() }
    report("systemd", interval.calendar(seed: seed), changed: isWritten, console)
    console.say(
      isWritten
        ? "Wrote \(unit.timerPath): every \(interval.text)" : "Nothing to do: \(unit.timerPath) is there already")
    if isReachable {
      console.say("It runs while you are logged in; to keep it when you are not: loginctl enable-linger")
    } else {
      console.warn(
        "this user's systemd cannot be reached from here; to start the timer run: "
          + unit.startCommands.joined(separator: " && "))
    }
    return 0
  }

  /// Says what would be written; what is written has no other control characters than its line ends.
  private func sayLines(_ text: String, _ console: Console) {
    text.split(separator: "\n", omittingEmptySubsequences: false).forEach { console.say(String($0)) }
  }

  private func report(_ backend: String, _ line: String, changed: Bool, _ console: Console) {
    guard output.json else { return }
    console.object("schedule install") { object in
      object.member("scheduler", backend)
      object.member("line", line)
      object.member("every", every)
      object.member("changed", changed && !dryRun)
      object.member("dryRun", dryRun)
      object.member("exitCode", 0)
    }
  }
}

struct ScheduleUninstall: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uninstall", abstract: "Remove the store's scheduled backup, from cron and from systemd.")

  @Flag(help: "Tell what would be removed, and remove nothing.")
  var dryRun = false
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("schedule uninstall", printsResult: dryRun) {
      let found = try ScheduleState.read(store: try storeOptions.folder())
      if !dryRun {
        if let crontab = Crontab(), found.cronJob != nil {
          let old = try crontab.read()
          try crontab.write(CronBlock.removing(found.key, from: old), replacing: old)
        }
        if found.timer.isInstalled {
          found.timer.stop()
          _ = try found.timer.remove()
          found.timer.reload()
        }
      }
      let names = [found.cronJob == nil ? nil : "cron", found.hasTimer ? "systemd" : nil].compactMap(\.self)
      if output.json {
        console.object("schedule uninstall") { object in
          object.array("removed") { array in if !dryRun { names.forEach { array.element($0) } } }
          object.member("dryRun", dryRun)
          object.member("exitCode", 0)
        }
      }
      let verb = dryRun ? "Would remove" : "Removed"
      console.say(
        names.isEmpty ? "Nothing is scheduled" : "\(verb) the backup from " + names.joined(separator: " and "))
      return 0
    }
  }
}

struct ScheduleStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Tell what is scheduled, and how the last run ended.",
    discussion: "Writes nothing. Exits 0 whatever it finds.")

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let console = Console(output)
    try console.run("schedule status") {
      let folder = try storeOptions.folder()
      let found = try ScheduleState.read(store: folder)
      let last = LastRunReport(store: folder)
      if output.json {
        console.object("schedule status") { object in
          object.member("cron", found.cronJob)
          object.member("systemd", found.hasTimer ? found.timer.timerPath : nil)
          object.member("systemdActive", found.hasTimer && found.timer.isActive)
          object.member("cronDaemon", Crontab.isDaemonRunning)
          last.json(&object)
          object.member("exitCode", 0)
        }
      }
      if let job = found.cronJob { console.say("cron     \(job)") }
      if found.hasTimer {
        console.say("systemd  \(found.timer.timerPath)" + (found.timer.isActive ? ", active" : ", not active"))
      }
      if !found.isScheduled { console.say("Nothing is scheduled (crdt-backup schedule install)") }
      last.lines.forEach { console.say($0) }
      if found.cronJob != nil, !Crontab.isDaemonRunning {
        console.warn("no cron daemon seems to run here, so nothing will start it")
      }
      return 0
    }
  }
}

/// What is scheduled for a store.
struct ScheduleState {
  let key: String
  let cronJob: String?
  let timer: SystemdTimer
  let hasTimer: Bool

  var isScheduled: Bool { cronJob != nil || hasTimer }

  static func read(store: String) throws(ReplicationError) -> ScheduleState {
    let key = ScheduledCommand.key(store)
    let timer = try SystemdTimer(key: key)
    let crontab = try Crontab()?.read() ?? []
    return ScheduleState(
      key: key, cronJob: CronBlock.job(of: key, in: crontab), timer: timer, hasTimer: timer.isInstalled)
  }
}

/// What a scheduler calls: a quiet sync, with the log and `status` told how it ended.
struct ScheduleRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Back up with nobody watching; what cron and systemd call.", shouldDisplay: false)

  @OptionGroup var storeOptions: StoreOptions
  @Option(help: "The log to write to.")
  var log: String?

  func run() throws {
    ThisProgram.clearGitVariables()
    let path = log ?? BoundedLog.defaultPath(environment: Environment.current.variables)
    let background = BackgroundRun(
      trigger: "schedule", folder: try storeOptions.folder(), log: path.map { BoundedLog(path: $0) })
    let code = background.run()
    if code != 0 { throw ExitCode(code) }
  }
}
