import Foundation
import Processes
import TestKit
import Testing

/// Death in the middle: kill -9 at any moment, with and without the git programs it runs.
@Suite struct SceneKillTests {
  @Test func killedAtAnyMomentTheNextRunEndsWellAndNothingIsLost() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("victim")
    let witness = sandbox.host("witness")
    host.remember("counter", "value 0")
    #expect(try host.setUp().code == 0)
    witness.remember("w", "here")
    #expect(try witness.setUp().code == 0)

    let start = ContinuousClock.now
    #expect(try host.backup().code == 0)
    let usual = max(20, Int((ContinuousClock.now - start) / .milliseconds(1)))

    let rounds = 24
    var kills = 0
    for round in 1...rounds {
      host.remember([("counter", "value \(round)"), ("entry-\(round)", "entry \(round)")])
      // Now and then the remote moves too, so that death meets joins.
      if round % 4 == 0 {
        witness.remember("w", "here \(round)")
        #expect(try witness.backup().code == 0)
      }
      let delay = usual * 1_200 * (round - 1) / rounds + Int.random(in: 0...5_000)
      if try killed(sandbox.command(["--store", host.store]), afterMicroseconds: delay, withChildren: round % 2 == 0) {
        kills += 1
        if round % 2 == 0 { try age(locksIn: sandbox.remote) }
      }
      let outcome = try host.backup()
      #expect(outcome.code == 0, "round \(round), killed after \(delay) µs: \(outcome)")
      let file = try sandbox.remoteFile("memory-victim.json")
      #expect(file.contains("\"value \(round)\"") && file.contains("\"entry \(round)\""))
      if round % 6 == 0 { try host.check() }
    }
    #expect(kills >= rounds / 2)
    #expect(try host.history("counter") == Set((0...rounds).map { "value \($0)" }))
    // Dying and starting again stamped nothing twice.
    let unified = String(decoding: try host.unified(), as: UTF8.self)
    #expect(unified.components(separatedBy: "\"id\":\"counter\"").count == 2)
    for round in 1...rounds {
      #expect(unified.components(separatedBy: "\"id\":\"entry-\(round)\"").count == 2)
    }
    #expect(try witness.backup().code == 0)
    #expect(try witness.unified() == host.unified())
    try host.check()
    try GitProgram.run(["fsck", "--strict", "--no-dangling"], in: sandbox.remote)
  }

  /// Starts a command and kills it. Returns whether it was still running.
  private func killed(_ command: Command, afterMicroseconds delay: Int, withChildren: Bool) throws -> Bool {
    let process = try command.spawnDetached()
    usleep(useconds_t(delay))
    let children = withChildren ? Self.children(of: process) : []
    kill(process, SIGKILL)
    for child in children { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == SIGKILL
  }

  /// Lets a minute pass for the locks that git's server left when it was killed: until then they may be a living one's.
  private func age(locksIn remote: String) throws {
    for name in ["HEAD.lock", "refs/heads/main.lock"] where access(remote + "/" + name, F_OK) == 0 {
      var times = [timeval(tv_sec: time(nil) - 90, tv_usec: 0), timeval(tv_sec: time(nil) - 90, tv_usec: 0)]
      try #require(utimes(remote + "/" + name, &times) == 0)
    }
  }

  private static func children(of process: pid_t) -> [pid_t] {
    let text = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
    return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
  }

  @Test func lockFilesOfADeadRunDoNotBlockTheNext() throws {
    let sandbox = try Sandbox()
    let host = sandbox.host("a")
    host.remember("a", "one")
    #expect(try host.setUp().code == 0)
    // As a process leaves them that was killed while it held the store: its lock still names it.
    for name in [
      "refs/heads/main.lock", "refs/remotes/origin/main.lock", "HEAD.lock", "config.lock", "packed-refs.lock",
    ] {
      try Data().write(to: URL(fileURLWithPath: host.store + "/.git/" + name))
    }
    try Data("\(try deadProcess())\n".utf8).write(to: URL(fileURLWithPath: host.store + "/.git/crdt/lock"))
    try Data("torn".utf8).write(to: URL(fileURLWithPath: host.store + "/.git/crdt/clock.tmp-1"))
    host.remember("a", "two")
    let outcome = try host.backup()
    #expect(outcome.code == 0, "\(outcome)")
    #expect(try sandbox.remoteFile("memory-a.json").contains("\"two\""))
  }

  private func deadProcess() throws -> pid_t {
    let process = try Command("true").spawnDetached()
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return process
  }
}
