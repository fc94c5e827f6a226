import CommandSupport
import Memory
import Replication

/// Our lines in a crontab. Pure: every other byte of it stays.
enum CronBlock {
  private static func start(_ key: String) -> String { "# >>> crdt-backup schedule \(key) >>>" }
  private static func end(_ key: String) -> String { "# <<< crdt-backup schedule \(key) <<<" }
  /// Cron implementations cut or refuse longer commands.
  static let maximumLineBytes = 990

  /// The block. The settings are in the command itself: a line such as `PATH=…` would change the user's other lines too.
  static func block(_ command: ScheduledCommand, interval: ScheduleInterval, seed: String) throws(ReplicationError)
    -> String
  {
    let settings = ["HOME=" + command.home, "PATH=" + command.path]
    let words = (["/usr/bin/env"] + settings + command.words).map(word).joined(separator: " ")
    // Through sh, whatever SHELL= the crontab sets, for the umask.
    let line = "umask 077; exec \(words)"
    let job = "\(interval.cronFields(seed: seed)) * * * " + escaped("/bin/sh -c " + ShellText.quoted(line))
    guard job.utf8.count <= maximumLineBytes else {
      throw ReplicationError(
        .configuration, "the crontab line would have \(job.utf8.count) bytes, and cron takes \(maximumLineBytes)",
        remedy: "Use shorter paths, or --systemd")
    }
    return """
      \(start(command.key))
      # Every \(interval.text): backs up \(command.store). Remove with: crdt-backup schedule uninstall
      \(job)
      \(end(command.key))

      """
  }

  /// Plain words stay plain, so that a person can read the line.
  private static func word(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2F, 0x2E, 0x2D, 0x5F, 0x3D, 0x3A, 0x2C, 0x2B: true
        default: false
        }
      }
    return isPlain ? text : ShellText.quoted(text)
  }

  /// Cron ends a command at a bare `%`.
  private static func escaped(_ text: String) -> String {
    String(decoding: text.utf8.flatMap { $0 == 0x25 ? [0x5C, 0x25] : [$0] }, as: UTF8.self)
  }

  /// The range of our lines; `nil` when there are none.
  static func range(of key: String, in crontab: [UInt8]) -> Range<Int>? {
    var first: Int?
    var at = 0
    while at < crontab.count {
      let next = crontab[at...].firstIndex(of: 0x0A).map { $0 + 1 } ?? crontab.count
      let line = String(
        decoding: crontab[at..<next].last == 0x0A ? crontab[at..<(next - 1)] : crontab[at..<next], as: UTF8.self)
      if line == start(key) { first = at }
      if line == end(key), let first { return first..<next }
      at = next
    }
    return nil
  }

  /// The crontab with the block in the place of an older one, else at its end.
  static func putting(_ block: String, key: String, into crontab: [UInt8]) -> [UInt8] {
    if let range = range(of: key, in: crontab) {
      return crontab[..<range.lowerBound] + Array(block.utf8) + crontab[range.upperBound...]
    }
    let separator: [UInt8] = crontab.isEmpty || crontab.last == 0x0A ? [] : [0x0A]
    return crontab + separator + Array(block.utf8)
  }

  /// The crontab without our lines.
  static func removing(_ key: String, from crontab: [UInt8]) -> [UInt8] {
    guard let range = range(of: key, in: crontab) else { return crontab }
    return Array(crontab[..<range.lowerBound] + crontab[range.upperBound...])
  }

  /// The line that runs the backup.
  static func job(of key: String, in crontab: [UInt8]) -> String? {
    guard let range = range(of: key, in: crontab) else { return nil }
    return String(decoding: crontab[range], as: UTF8.self).split(separator: "\n").first { !$0.hasPrefix("#") }.map(
      String.init)
  }
}
