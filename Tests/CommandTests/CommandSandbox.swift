import Foundation
import Processes
import TestKit
import Testing

/// How one run of a command ended.
struct Outcome: Sendable, CustomStringConvertible {
  /// The exit code; the negated signal number where a signal ended it.
  var code: Int32
  var output: String
  var errorOutput: String

  var description: String { "exit \(code)\nstdout: \(output)\nstderr: \(errorOutput)" }

  /// The one JSON object on stdout. Throws where stdout is anything else.
  func json() throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
    return try #require(value as? [String: Any], "stdout is no JSON object: \(output)")
  }

  /// The lines on stderr.
  var errorLines: [Substring] { errorOutput.split(separator: "\n") }
}

/// A world of its own: an empty HOME, stores, a bare remote, and the real executables. Removed with the value.
final class Sandbox: Sendable {
  let folder = TemporaryFolder("crdt-scene")

  init(remote: Bool = true) throws {
    try makeFolder(folder("home"))
    if remote { try makeRemote("remote.git") }
  }

  var remote: String { folder("remote.git") }

  func host(_ name: String) -> SceneHost { SceneHost(sandbox: self, name: name) }

  /// Makes a bare repository and returns its path.
  @discardableResult
  func makeRemote(_ name: String) throws -> String {
    try GitProgram.run(["init", "-q", "--bare", "-b", "main", folder(name)], in: folder.path)
    return folder(name)
  }

  func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// What a child sees: nothing of this machine's user.
  var environment: Environment {
    var environment = Environment.current.withoutGit
    for name in ["CRDT_STORE", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK"] { environment[name] = nil }
    environment["HOME"] = folder("home")
    environment["LC_ALL"] = "C"
    environment["SWIFT_BACKTRACE"] = "enable=no"
    return environment
  }

  /// A command line for `crdt-backup`.
  func command(
    _ arguments: [String], with variables: [String: String] = [:], through prefix: [String] = [],
    in place: String? = nil
  ) -> Command {
    var environment = environment
    for (name, value) in variables { environment[name] = value }
    let line = prefix + [Executables.path("crdt-backup")] + arguments
    return Command(line[0], Array(line.dropFirst()), environment: environment, folder: place ?? folder.path)
  }

  /// Runs `crdt-backup` to its end.
  @discardableResult
  func run(
    _ arguments: [String], with variables: [String: String] = [:], through prefix: [String] = [],
    in place: String? = nil
  ) throws -> Outcome {
    let result = try command(arguments, with: variables, through: prefix, in: place).run(deadline: .after(seconds: 90))
    let code: Int32 =
      switch result.termination {
      case .exited(let code): code
      case .signaled(let signal): -signal
      case .timedOut: -1000
      }
    return Outcome(code: code, output: result.outputText, errorOutput: result.errorText)
  }

  /// Runs a shell line in the sandbox's folder, with the executable as `$B`.
  func shell(_ line: String, with variables: [String: String] = [:]) throws -> Outcome {
    var environment = environment
    for (name, value) in variables { environment[name] = value }
    environment["B"] = Executables.path("crdt-backup")
    let result = try Command("sh", ["-c", line], environment: environment, folder: folder.path)
      .run(deadline: .after(seconds: 90))
    let code: Int32 = if case .exited(let code) = result.termination { code } else { -1 }
    return Outcome(code: code, output: result.outputText, errorOutput: result.errorText)
  }

  // MARK: The remote

  func remoteTip(_ branch: String = "main", of remote: String? = nil) throws -> String {
    try GitProgram.run(["rev-parse", "refs/heads/\(branch)"], in: remote ?? self.remote)
  }

  func remoteFile(_ path: String, branch: String = "main") throws -> String {
    try GitProgram.run(["show", "\(branch):\(path)"], in: remote)
  }

  /// All refs of a repository and their commits.
  func refs(_ repository: String) throws -> String {
    try GitProgram.run(["for-each-ref", "--format=%(refname) %(objectname)"], in: repository)
  }

  /// A person's clone of the remote; commit there by hand with ``GitProgram``.
  func clone(_ name: String = "clone") throws -> String {
    try GitProgram.run(["clone", "-q", remote, folder(name)], in: folder.path)
    return folder(name)
  }

  /// Commits and pushes everything in a clone.
  func push(_ clone: String, force: Bool = false) throws {
    try GitProgram.run(["add", "-A"], in: clone)
    try GitProgram.run(["commit", "-q", "-m", "by hand"], in: clone)
    try GitProgram.run(["push", "-q"] + (force ? ["--force"] : []) + ["origin", "HEAD:main"], in: clone)
  }
}

/// One host: a store, a memory file, a name.
struct SceneHost: Sendable {
  let sandbox: Sandbox
  let name: String

  var store: String { sandbox.folder("store-\(name)") }
  var memory: String { sandbox.folder("memory-of-\(name).json") }
  var unifiedPath: String { store + "/unified-memory.json" }
  /// This host's file in its store.
  var statePath: String { store + "/memory-\(name).json" }

  /// Writes the memory file: entries with these ids and contents, in order.
  func remember(_ entries: [(id: String, content: String)]) {
    let lines = entries.map { "{\"id\":\"\($0.id)\",\"content\":\"\($0.content)\"}" }
    sandbox.folder.write("memory-of-\(name).json", "[\n" + lines.joined(separator: ",\n") + "\n]\n")
  }

  func remember(_ id: String, _ content: String) { remember([(id, content)]) }

  /// The first use.
  @discardableResult
  func setUp(_ more: String..., host: String? = nil) throws -> Outcome {
    try sandbox.run(
      ["--store", store, "--memory", memory, "--remote", sandbox.remote, "--host", host ?? name] + more)
  }

  /// A later use.
  @discardableResult
  func backup(_ more: String...) throws -> Outcome { try sandbox.run(["--store", store] + more) }

  /// Another command.
  @discardableResult
  func run(_ command: String, _ more: String...) throws -> Outcome {
    try sandbox.run([command] + more + ["--store", store])
  }

  func unified() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: unifiedPath)) }

  func tip(_ branch: String = "main") throws -> String {
    try GitProgram.run(["rev-parse", "refs/heads/\(branch)"], in: store)
  }

  /// Commits below the store's branch.
  func commitCount() throws -> Int {
    Int(try GitProgram.run(["rev-list", "--count", "refs/heads/main"], in: store)) ?? -1
  }

  /// The live memory, id to content.
  func view() throws -> [String: String] {
    let outcome = try run("restore", "--format", "json")
    try #require(outcome.code == 0, "\(outcome)")
    return try contents(of: Data(outcome.output.utf8))
  }

  /// Every content an id ever had.
  func history(_ id: String) throws -> Set<String> {
    let outcome = try run("log", id, "--json")
    try #require(outcome.code == 0, "\(outcome)")
    let versions = try #require(try outcome.json()["versions"] as? [[String: Any]])
    return Set(versions.compactMap { ($0["value"] as? [String: Any])?["content"] as? String })
  }

  /// Throws where the store's repository is damaged.
  func check() throws { try GitProgram.run(["fsck", "--strict", "--no-dangling"], in: store) }

  /// The host names the store knows, and which is its own.
  func ownName() throws -> String { try GitProgram.run(["config", "crdt.host"], in: store) }
}

/// Contents by id of a JSON array of entries.
func contents(of data: Data) throws -> [String: String] {
  let array = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
  var found: [String: String] = [:]
  for entry in array {
    guard let id = entry["id"] as? String, let content = entry["content"] as? String else { continue }
    found[id] = content
  }
  return found
}

/// The executables under test: siblings of the test binary.
enum Executables {
  static func path(_ name: String) -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    var folder = URL(fileURLWithPath: own).deletingLastPathComponent()
    // A test bundle runs inside a helper in some toolchains: then the folder of the first argument.
    if !FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent(name).path) {
      for argument in CommandLine.arguments where argument.contains(".xctest") {
        folder = URL(fileURLWithPath: argument).deletingLastPathComponent()
        if FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent(name).path) { break }
      }
    }
    return folder.appendingPathComponent(name).path
  }
}

/// Everything below a folder: kind, mode, size, time of the last change and bytes.
func snapshot(_ path: String) throws -> [String: String] {
  var found: [String: String] = [:]
  for name in try FileManager.default.subpathsOfDirectory(atPath: path) + ["."] {
    var status = stat()
    guard lstat(path + "/" + name, &status) == 0 else { continue }
    var text = "\(status.st_mode) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    if status.st_mode & S_IFMT == S_IFREG, let data = FileManager.default.contents(atPath: path + "/" + name) {
      text += " " + data.base64EncodedString()
    }
    found[name] = text
  }
  return found
}

/// Runs a body on `count` threads of their own, and waits for all of them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let group = DispatchGroup()
  for index in 0..<count {
    group.enter()
    Thread.detachNewThread {
      body(index)
      group.leave()
    }
  }
  group.wait()
}
