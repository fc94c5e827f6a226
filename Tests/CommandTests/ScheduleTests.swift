import Foundation
import Processes
import Testing

@testable import crdt_backup

@Suite("schedule: cron and systemd")
struct ScheduleTests {
  private static let otherLines = "# mine\nPATH=/odd\n5 * * * * true # 50\\% \n\n@reboot x"

  /// A `crontab` that keeps its table in a file.
  private func withCrontab(_ scene: HookScene, table: String?) throws -> String {
    let file = scene.root + "/crontab.txt"
    if let table { try scene.write(file, table) }
    try scene.write(
      "bin/crontab",
      """
      #!/bin/sh
      case $1 in
      -l) [ -f '\(file)' ] || { echo 'no crontab for somebody' >&2; exit 1; }; cat '\(file)' ;;
      -) cat > '\(file).new' && mv '\(file).new' '\(file)' ;;
      *) exit 2 ;;
      esac

      """, mode: 0o755)
    return file
  }

  @Test("the block goes in once, is renewed in its place, and comes out; every other byte stays")
  func crontabBlock() throws {
    let scene = try HookScene()
    let table = Self.otherLines + "\n"
    let file = try withCrontab(scene, table: table)
    try scene.backup("schedule", "install", "--store", scene.store)
    let first = try #require(scene.read(file))
    #expect(first.hasPrefix(table))
    let again = try scene.backup("schedule", "install", "--store", scene.store)
    #expect(again.outputText.contains("Nothing to do"))
    #expect(scene.read(file) == first)
    try scene.write(file, first + "9 9 * * * later\n")
    try scene.backup("schedule", "install", "--every", "6h", "--store", scene.store)
    let renewed = try #require(scene.read(file))
    #expect(renewed != first && renewed.hasPrefix(table) && renewed.hasSuffix("9 9 * * * later\n"))
    let status = try scene.backup("schedule", "status", "--json", "--store", scene.store)
    #expect(status.outputText.contains("schedule run"))
    try scene.backup("schedule", "uninstall", "--store", scene.store)
    try scene.backup("schedule", "uninstall", "--store", scene.store)
    #expect(scene.read(file) == table + "9 9 * * * later\n")
  }

  @Test("no crontab yet is an empty one; a crontab that cannot be read is never taken for empty")
  func unreadableCrontab() throws {
    let scene = try HookScene()
    let file = try withCrontab(scene, table: nil)
    try scene.backup("schedule", "install", "--dry-run", "--store", scene.store)
    #expect(scene.read(file) == nil)
    try scene.backup("schedule", "install", "--store", scene.store)
    #expect(scene.read(file) != nil)
    let before = scene.read(file)
    let script = (scene.read(scene.root + "/bin/crontab") ?? "").replacingOccurrences(
      of: "-l) ", with: "-l) echo 'disk on fire' >&2; exit 1; ")
    try scene.write("bin/crontab", script, mode: 0o755)
    try scene.backup("schedule", "install", "--every", "1h", "--store", scene.store, expecting: 78)
    #expect(scene.read(file) == before)
  }

  @Test("the scheduled line makes a real backup with cron's environment")
  func realRun() throws {
    let scene = try HookScene(storeName: "it's 100% $HOME")
    let file = try withCrontab(scene, table: nil)
    try scene.backup("schedule", "install", "--cron", "--store", scene.store)
    let line = try #require((scene.read(file) ?? "").split(separator: "\n").first { !$0.hasPrefix("#") })
    // What cron does: five fields off, `\%` is a percent sign, the rest to a shell.
    let command = line.split(separator: " ", maxSplits: 5)[5].replacingOccurrences(of: "\\%", with: "%")
    try scene.remember("second")
    scene.environment = Environment(["HOME": "/", "LOGNAME": "x", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"])
    try scene.run("/bin/sh", ["-c", command], in: "/")
    #expect(scene.remoteHolds("second"))
    #expect(scene.runsInLog.count == 1)
    #expect(scene.mode(scene.log) == 0o600)
    try FileManager.default.removeItem(atPath: scene.remote)
    let failed = try scene.run("/bin/sh", ["-c", command], in: "/", expecting: nil)
    #expect(!failed.termination.isSuccess)
    #expect(failed.output.isEmpty && failed.errorOutput.isEmpty)
    #expect(scene.runsInLog.count == 2)
  }

  @Test("a path with a line break is refused, also in a dry run")
  func lineBreak() throws {
    let scene = try HookScene(storeName: "two\nlines")
    let file = try withCrontab(scene, table: nil)
    try scene.backup("schedule", "install", "--store", scene.store, expecting: 78)
    #expect(scene.read(file) == nil)
  }

  @Test("systemd units are written, named, and removed, also where systemd cannot be reached")
  func systemd() throws {
    let scene = try HookScene(storeName: "100% \"mine\" $x")
    try scene.write("bin/systemctl", "#!/bin/sh\necho 'Failed to connect to bus' >&2; exit 1\n", mode: 0o755)
    let said = try scene.backup("schedule", "install", "--systemd", "--store", scene.store)
    #expect(said.errorText.contains("systemctl --user enable --now"))
    let folder = scene.home + "/.config/systemd/user"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names.count == 2 && names[0].hasSuffix(".service") && names[1].hasSuffix(".timer"))
    let service = scene.read(folder + "/" + names[0]) ?? ""
    #expect(service.contains("UMask=0077"))
    #expect(service.contains("\"\(scene.root)/100%% \\\"mine\\\" $$x\""))
    #expect(
      try scene.backup("schedule", "install", "--systemd", "--store", scene.store).outputText.contains("Nothing to do"))
    try scene.backup("schedule", "uninstall", "--store", scene.store)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test("intervals are parts of an hour or a day, spread by host")
  func intervals() throws {
    #expect(ScheduleInterval("7m") == nil && ScheduleInterval("5h") == nil && ScheduleInterval("0m") == nil)
    #expect(ScheduleInterval("60m") == ScheduleInterval("1h"))
    for minutes in ScheduleInterval.allowed {
      let interval = try #require(ScheduleInterval("\(minutes)m"))
      for seed in ["a", "b", "c"] {
        let times = interval.times(seed: seed)
        #expect(times.minutes.count * (times.hours?.count ?? 24) == 1440 / minutes)
        #expect(
          times.minutes.allSatisfy { (0..<60).contains($0) } && (times.hours ?? []).allSatisfy { (0..<24).contains($0) }
        )
      }
    }
    let quarters = ScheduleInterval.standard
    #expect(Set((0..<50).map { quarters.cronFields(seed: "host\($0)") }).count > 8)
  }

  @Test("the log keeps to its size, with one older file")
  func boundedLog() throws {
    let scene = try HookScene()
    let log = BoundedLog(path: scene.root + "/state/log", limitBytes: 1000)
    for number in 0..<100 { try log.append("line \(number) " + String(repeating: "x", count: 90)) }
    let sizes = [log.path, log.path + ".1"].map { (scene.read($0) ?? "").utf8.count }
    #expect(sizes.allSatisfy { $0 > 0 && $0 <= 1000 })
    #expect(scene.read(log.path)?.contains("line 99 ") == true)
    #expect(scene.mode(log.path) == 0o600 && scene.mode(scene.root + "/state") == 0o700)
  }
}
