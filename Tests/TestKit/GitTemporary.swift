import Git
import Glibc
import Processes

/// A folder below the system's temporary folder that is removed with the value.
public final class TemporaryFolder: Sendable {
  /// Absolute, without a slash at the end.
  public let path: String

  public init(_ name: String = "crdt-test") {
    let base = Environment.current["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
    var template = Array("\(base)/\(name).XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("cannot create a temporary folder: \(errno)") }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { removeTree(path) }

  /// A path inside.
  public func callAsFunction(_ name: String) -> String { path + "/" + name }

  /// Writes a file inside and returns its path.
  @discardableResult
  public func write(_ name: String, _ text: String, mode: UInt32 = 0o600) -> String {
    let target = self(name)
    if mode & 0o111 != 0 {
      writeProgram(target, text, mode: mode)
      return target
    }
    let descriptor = open(target, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode_t(mode))
    guard descriptor >= 0 else { fatalError("cannot write \(target): \(errno)") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { fatalError("short write") }
    fchmod(descriptor, mode_t(mode))
    return target
  }

}

/// Writes a file that is to be run.
///
/// Another process writes it: a child that some other thread starts meanwhile would keep the descriptor of ours open for a
/// moment, and a program that is open for writing cannot be run ("text file busy").
public func writeProgram(_ path: String, _ text: String, mode: UInt32) {
  let command = Command(
    "/bin/sh", ["-c", "cat > \"$1\" && chmod \"$2\" \"$1\"", "sh", path, String(mode, radix: 8)])
  let result = try? command.run(input: Array(text.utf8), deadline: .after(seconds: 60))
  guard result?.termination.isSuccess == true else { fatalError("cannot write \(path)") }
}

private func removeTree(_ path: String) {
  var status = stat()
  guard lstat(path, &status) == 0 else { return }
  if status.st_mode & S_IFMT == S_IFDIR {
    chmod(path, 0o700)
    if let stream = opendir(path) {
      var names: [String] = []
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
      }
      closedir(stream)
      for name in names { removeTree(path + "/" + name) }
    }
    rmdir(path)
  } else {
    unlink(path)
  }
}

/// The real git, for arranging and checking: no settings of this machine or its user reach it.
public enum GitProgram {
  /// An environment in which git and ssh see nothing of the user's.
  public static func environment(home: String = "/nonexistent") -> Environment {
    var environment = Environment.current.withoutGit
    environment["HOME"] = home
    environment["XDG_CONFIG_HOME"] = nil
    environment["SSH_AUTH_SOCK"] = nil
    environment["GIT_CONFIG_NOSYSTEM"] = "1"
    environment["GIT_AUTHOR_NAME"] = "Test"
    environment["GIT_AUTHOR_EMAIL"] = "test@example.org"
    environment["GIT_COMMITTER_NAME"] = "Test"
    environment["GIT_COMMITTER_EMAIL"] = "test@example.org"
    environment["LC_ALL"] = "C"
    return environment
  }

  /// Runs git in `folder` and returns its output; throws ``Failure`` on any exit but 0.
  @discardableResult
  public static func run(_ arguments: [String], in folder: String) throws -> String {
    let command = Command("git", arguments, environment: environment(), folder: folder)
    let result = try command.run(deadline: .after(seconds: 60))
    guard result.termination.isSuccess else {
      throw Failure(description: "git \(arguments): \(result.termination) \(result.errorText)")
    }
    return result.outputText
  }

  public struct Failure: Error, CustomStringConvertible {
    public var description: String
  }
}

/// Things a machine may lack. A test that needs one asks here and ends early when it is not there; the run's
/// output then has a line `SKIPPED: …`. With `CRDT_TESTS_REQUIRE_ALL=1` (as CI sets) it throws instead.
public enum Requirement {
  public struct Missing: Error, CustomStringConvertible {
    public var description: String
  }

  /// Whether all these programs are there.
  public static func programs(_ names: String..., test: String = #function) throws -> Bool {
    let missing = names.filter { Executable.find($0) == nil && Executable.find("/usr/sbin/" + $0) == nil }
    return try check(missing.isEmpty, "\(missing.joined(separator: ", ")) not installed", test: test)
  }

  /// Whether `isThere` holds; `what` says what is missing.
  public static func check(_ isThere: Bool, _ what: @autoclosure () -> String, test: String = #function)
    throws
    -> Bool
  {
    if isThere { return true }
    if Environment.current["CRDT_TESTS_REQUIRE_ALL"] == "1" {
      throw Missing(description: "\(test): \(what())")
    }
    print("SKIPPED: \(test): \(what())")
    return false
  }
}
