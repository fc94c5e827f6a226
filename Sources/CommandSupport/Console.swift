import ArgumentParser
import CommandText
import Glibc
import Memory
import Replication

/// What the user sees: results on stdout, talk on stderr, progress and colour on a terminal only.
package struct Console {
  package let options: OutputOptions
  /// The command that speaks, in front of every line on stderr.
  private let program: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let hasColor: Bool
  private let outputFailure = OutputFailure()

  /// The errno of the first result that could not be printed; 0 while all could.
  private final class OutputFailure {
    var number: Int32 = 0
  }

  package init(_ options: OutputOptions, program: String = "crdt-backup") {
    self.options = options
    self.program = program
    hasColor =
      isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil && getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  /// Whether a result could not be printed, as when its reader has gone away.
  package var hasOutputFailed: Bool { outputFailure.number != 0 }

  /// A line of the result: `bold` and what follows it. What is data in it cannot become more than text.
  package func say(bold: String = "", _ line: String = "") {
    if options.quiet || options.json { return }
    let start = TerminalText.shown(bold)
    let marked = hasColor && !start.isEmpty ? "\u{1B}[1m\(start)\u{1B}[0m" : start
    result(Array((marked + TerminalText.shown(line) + "\n").utf8))
  }

  /// A result that is always printed: what was asked for, or the one JSON object.
  package func result(_ bytes: [UInt8]) {
    let failure = write(bytes, to: STDOUT_FILENO)
    if failure != 0, outputFailure.number == 0 { outputFailure.number = failure }
  }

  /// The one JSON object of `--json`.
  package func object(_ command: String, _ body: (inout JSONWriter) -> Void) {
    var writer = JSONWriter()
    writer.object { object in
      object.member("schema", 1)
      object.member("command", command)
      body(&object)
    }
    result(writer.bytes + [0x0A])
  }

  /// A step on the way: on a terminal the last one only, with `--verbose` each on a line of its own.
  package func progress(_ step: String) {
    if options.verbose {
      fail(step)
    } else if isTerminal, !options.quiet, !options.json {
      write("\r\u{1B}[K\(TerminalText.shown(step))", to: STDERR_FILENO)
    }
  }

  /// Takes the last step off the terminal.
  package func endProgress() {
    if isTerminal, !options.verbose, !options.quiet, !options.json { write("\r\u{1B}[K", to: STDERR_FILENO) }
  }

  package func warn(_ line: String) { fail("warning: \(line)") }

  package func fail(_ line: String) { write("\(program): \(TerminalText.shown(line))\n", to: STDERR_FILENO) }

  private func write(_ text: String, to descriptor: Int32) { _ = write(Array(text.utf8), to: descriptor) }

  /// Returns 0, or the errno of what kept it from writing all.
  private func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      rest = rest.dropFirst(count)
    }
    return 0
  }

  /// Makes sure that the standard streams are open, be it on nothing: where one is closed, the next file opened would
  /// take its number, and what is meant for people would be written into it. Writing to such a stream fails.
  package static func openStandardStreams() {
    for number: Int32 in 0...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
      // The lowest free number is the one looked at. Without /dev/null there is nothing better to do.
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// Runs a command's work and turns what it throws into one line (or one JSON object) and an exit code.
  /// - Parameter printsResult: what is printed is all the command does, so that failing to print it is a failure. A
  ///   backup that nobody reads about is still one: there it is a warning, and a failure only where a program waits for
  ///   the answer of `--json`.
  package func run(_ command: String, printsResult: Bool = true, _ body: () throws -> Int32) throws {
    let code: Int32
    do {
      code = try body()
    } catch let error as any CommandError {
      throw ended(command, error)
    } catch let error as MemoryError {
      throw ended(command, ReplicationError(.badData, error.description))
    }
    let isLost = tellLostOutput(printsResult: printsResult, isDone: code == 0)
    if code != 0 { throw ExitCode(code) }
    if isLost { throw ExitCode(74) }
  }

  /// Says that the result did not arrive, and what became of the request; returns whether that is a failure.
  private func tellLostOutput(printsResult: Bool, isDone: Bool) -> Bool {
    let number = outputFailure.number
    if number == 0 { return false }
    // A reader that has gone away has read what it wanted.
    if number == EPIPE { return printsResult }
    // Who closed it wants no report.
    if number == EBADF, !printsResult, !options.json { return false }
    let why = "cannot write to stdout: \(String(cString: strerror(number)))"
    if printsResult {
      fail("\(why). Nothing was changed")
    } else if !isDone {
      fail(why)
    } else if options.json {
      fail("\(why). What was asked for is done; only the answer is lost")
    } else {
      warn("\(why). What was asked for is done")
    }
    return printsResult || options.json
  }

  /// Tells an error as one line, and with `--json` as one object; returns what to end with.
  private func ended(_ command: String, _ error: any CommandError) -> ExitCode {
    endProgress()
    if options.json {
      object(command) { object in
        object.object("error") { object in
          object.member("code", error.codeName)
          object.member("message", error.message)
          object.member("remedy", error.remedy)
        }
        object.member("exitCode", Int(error.exitCode))
      }
    }
    fail(error.remedy.isEmpty ? error.message : "\(error.message). \(error.remedy)")
    return ExitCode(error.exitCode)
  }
}
