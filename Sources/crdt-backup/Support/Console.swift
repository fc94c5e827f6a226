import ArgumentParser
import Glibc
import Memory
import Replication

/// What the user sees: results on stdout, talk on stderr, progress and colour on a terminal only.
struct Console {
  let options: OutputOptions
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let hasColor: Bool

  init(_ options: OutputOptions) {
    self.options = options
    hasColor = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil && getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  /// A line of the result.
  func say(_ line: String = "") {
    if options.quiet || options.json { return }
    write(line + "\n", to: STDOUT_FILENO)
  }

  /// A result that is always printed: what was asked for, or the one JSON object.
  func result(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  /// The one JSON object of `--json`.
  func object(_ command: String, _ body: (inout JSONWriter) -> Void) {
    var writer = JSONWriter()
    writer.object { object in
      object.member("schema", 1)
      object.member("command", command)
      body(&object)
    }
    result(writer.bytes + [0x0A])
  }

  /// A step on the way: on a terminal the last one only, with `--verbose` each on a line of its own.
  func progress(_ step: String) {
    if options.verbose {
      write("crdt-backup: \(step)\n", to: STDERR_FILENO)
    } else if isTerminal, !options.quiet, !options.json {
      write("\r\u{1B}[K\(step)", to: STDERR_FILENO)
    }
  }

  /// Takes the last step off the terminal.
  func endProgress() {
    if isTerminal, !options.verbose, !options.quiet, !options.json { write("\r\u{1B}[K", to: STDERR_FILENO) }
  }

  func warn(_ line: String) { write("crdt-backup: warning: \(line)\n", to: STDERR_FILENO) }

  func fail(_ line: String) { write("crdt-backup: \(line)\n", to: STDERR_FILENO) }

  func bold(_ text: String) -> String { hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

  private func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

  private func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Runs a command's work and turns what it throws into one line (or one JSON object) and an exit code.
  func run(_ command: String, _ body: () throws -> Int32) throws {
    let code: Int32
    do {
      code = try body()
    } catch let error as ReplicationError {
      endProgress()
      if options.json {
        object(command) { object in
          object.object("error") { object in
            object.member("code", error.code.rawValue)
            object.member("message", error.message)
            object.member("remedy", error.remedy)
          }
          object.member("exitCode", Int(error.exitCode))
        }
      }
      fail(error.description)
      throw ExitCode(error.exitCode)
    } catch let error as MemoryError {
      endProgress()
      fail(error.description)
      throw ExitCode(65)
    }
    if code != 0 { throw ExitCode(code) }
  }
}
