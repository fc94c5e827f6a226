import Glibc
import Processes
import TestKit
import Testing

@Suite struct RunTests {
  private func sh(_ script: String, input: [UInt8] = [], seconds: Double = 30, limitBytes: Int = 8 << 20)
    throws
    -> ProcessResult
  {
    try Command("sh", ["-c", script]).run(
      input: input, deadline: .after(seconds: seconds), limitBytes: limitBytes)
  }

  @Test func collectsOutputsAndExitCode() throws {
    let result = try sh("echo out; echo err >&2; exit 3")
    #expect(result.outputText == "out")
    #expect(result.errorText == "err")
    #expect(result.termination == .exited(3))
  }

  @Test func passesMegabytesThroughBothWays() throws {
    let input = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let result = try Command("cat").run(input: input, deadline: .after(seconds: 30))
    #expect(result.output == input)
  }

  @Test func childThatReadsNothingRaisesNoSignal() throws {
    let result = try sh("exit 0", input: [UInt8](repeating: 65, count: 3_000_000))
    #expect(result.termination == .exited(0))
  }

  @Test func boundsWhatItKeeps() throws {
    let result = try sh("head -c 100000 /dev/zero; echo done >&2", limitBytes: 1000)
    #expect(result.output.count == 1000)
    #expect(result.isTruncated)
    #expect(result.errorText == "done")
  }

  @Test func killsTheWholeGroupAtTheDeadline() throws {
    let folder = TemporaryFolder()
    var grandchild: Int32?
    // However slow the machine: long enough for the child to have said who its child is.
    for seconds in [0.5, 4, 32] where grandchild == nil {
      let result = try Command("sh", ["-c", "sleep 300 & echo $! > child; sleep 300"], folder: folder.path)
        .run(deadline: .after(seconds: seconds))
      #expect(result.termination == .timedOut)
      grandchild = Int32(try sh("cat \(folder("child")) 2>/dev/null || true").outputText)
    }
    let killed = try #require(grandchild)
    // Gone, or a zombie that its new parent has not looked at yet; the kernel may take a moment to deliver the signal.
    let deadline = Deadline.after(seconds: 60)
    var state = "?"
    while !["", "Z", "X"].contains(state), !deadline.hasPassed {
      state = try sh("cat /proc/\(killed)/stat 2>/dev/null | cut -d' ' -f3").outputText
    }
    #expect(["", "Z", "X"].contains(state), "the grandchild is still there: \(state)")
  }

  @Test func doesNotWaitForABackgroundJobOfTheChild() throws {
    let result = try sh("sleep 300 & echo started; kill -0 $! && echo $! ", seconds: 60)
    #expect(result.termination == .exited(0))
    let lines = result.outputText.split(separator: "\n")
    #expect(lines.first == "started")
    if let job = lines.last.flatMap({ Int32($0) }) { kill(job, SIGKILL) }
  }

  @Test func reportsTheSignalThatEndedIt() throws {
    #expect(try sh("kill -TERM $$").termination == .signaled(SIGTERM))
  }

  @Test func childStartsWithDefaultSignalsAndNoStrayDescriptors() throws {
    let result = try sh("ls /proc/self/fd | wc -l; grep SigIgn /proc/self/status")
    let lines = result.outputText.split(separator: "\n")
    // 0, 1, 2 and the one ls reads the folder through.
    #expect(lines.first?.trimmingPrefix(" ") == "4")
  }

  @Test func usesFolderAndExactEnvironment() throws {
    let folder = TemporaryFolder()
    let result = try Command(
      "/bin/sh", ["-c", "pwd; echo $A"], environment: Environment(["A": "b c"]), folder: folder.path
    )
    .run(deadline: .after(seconds: 10))
    #expect(result.outputText == "\(folder.path)\nb c")
  }

  @Test func missingProgramBadFolderAndNULAreTypedErrors() {
    func code(_ command: Command) -> ProcessError.Code? {
      do throws(ProcessError) {
        _ = try command.run(deadline: .after(seconds: 5))
        return nil
      } catch {
        return error.code
      }
    }
    #expect(code(Command("no-such-program-anywhere")) == .notFound)
    #expect(code(Command("/etc/passwd")) == .notFound)
    #expect(code(Command("true", folder: "/no/such/folder")) == .notFound)
    #expect(code(Command("true", ["a\0b"])) == .invalid)
  }

  @Test func detachedJobRunsInItsOwnSessionAndLogs() throws {
    let folder = TemporaryFolder()
    let process = try Command("sh", ["-c", "echo hello; ps -o sid= -p $$"]).spawnDetached(log: folder("log"))
    var status: Int32 = 0
    #expect(waitpid(process, &status, 0) == process)
    let text = try Command("cat", [folder("log")]).run(deadline: .after(seconds: 5)).outputText
    #expect(text.hasPrefix("hello"))
  }

  @Test func environmentWithoutGitDropsOnlyGit() {
    let environment = Environment(["GIT_DIR": "x", "GITHUB": "y", "PATH": "z"]).withoutGit
    #expect(environment.variables == ["GITHUB": "y", "PATH": "z"])
    #expect(Environment.current["PATH"] != nil)
  }

  @Test func deadlineNeverGoesNegativeAndRoundsUp() {
    #expect(Deadline.after(seconds: -5).remainingMilliseconds == 0)
    #expect(Deadline.after(seconds: 0.0001).remainingMilliseconds <= 1)
    #expect(Deadline.after(seconds: 1e9).remainingMilliseconds == 2_000_000_000)
    #expect(Deadline.after(seconds: 100).atMost(seconds: 1).remainingMilliseconds <= 1000)
  }
}
