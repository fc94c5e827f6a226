import Durability
import Glibc
import Processes
import Replication

/// The user's crontab, through the `crontab` program.
struct Crontab {
  private let program: String

  /// `nil` where there is no `crontab`.
  init?() {
    guard let program = Executable.find("crontab") else { return nil }
    self.program = program
  }

  /// All of it; empty when the user has none. Anything else that goes wrong is an error: it must never read as empty.
  func read() throws(ReplicationError) -> [UInt8] {
    let result = try run(["-l"], input: [])
    if result.termination.isSuccess {
      guard !result.isTruncated else { throw ReplicationError(.configuration, "the crontab is too large to be edited") }
      return result.output
    }
    let words = result.errorText.lowercased()
    // busybox names the missing file instead.
    if words.contains("no crontab for") || (words.contains("can't open") && words.contains("no such file")) {
      return []
    }
    throw refusal(result, "read the crontab")
  }

  /// Replaces it, and reads it back. What was there before is kept in the state folder.
  func write(_ new: [UInt8], replacing old: [UInt8]) throws(ReplicationError) {
    if let folder = BoundedLog.stateFolder(environment: Environment.current.variables) {
      do {
        try RealFileSystem().createFolder(folder)
        try RealFileSystem().replace(folder + "/crontab.before", with: old)
      } catch {
        throw ReplicationError(.storage, "the crontab was not changed: no copy of it could be kept (\(error))")
      }
    }
    let result = try run(["-"], input: new)
    guard result.termination.isSuccess else { throw refusal(result, "write the crontab") }
    let now = try read()
    guard now == new else {
      throw ReplicationError(
        .configuration, "the crontab does not hold what was written to it", remedy: "Look at it with: crontab -l")
    }
  }

  /// Whether a cron daemon runs, as far as /proc tells.
  static var isDaemonRunning: Bool {
    let files = RealFileSystem()
    guard let names = try? files.list("/proc") else { return true }
    for name in names where name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard let bytes = readSmall("/proc/\(name)/comm") else { continue }
      if ["cron", "crond", "fcron", "anacron", "systemd-cron"].contains(bytes) { return true }
    }
    return false
  }

  private static func readSmall(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count].prefix { $0 != 0x0A }, as: UTF8.self) : nil
  }

  private func run(_ arguments: [String], input: [UInt8]) throws(ReplicationError) -> ProcessResult {
    var environment = Environment.current
    // Its words are read here.
    environment["LC_ALL"] = "C"
    do {
      return try Command(program, arguments, environment: environment).run(input: input, deadline: .after(seconds: 30))
    } catch {
      throw ReplicationError(.configuration, "\(error)")
    }
  }

  private func refusal(_ result: ProcessResult, _ what: String) -> ReplicationError {
    let words = result.errorText.split(separator: "\n").last.map(String.init) ?? "\(result.termination)"
    let isForbidden = words.lowercased().contains("not allowed")
    return ReplicationError(
      isForbidden ? .permission : .configuration, "cannot \(what): \(words)",
      remedy: isForbidden ? "Ask for an entry in cron.allow, or use --systemd" : "")
  }
}
