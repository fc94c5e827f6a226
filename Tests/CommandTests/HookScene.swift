import Durability
import Foundation
import Processes
import TestKit
import Testing

/// A machine of its own: a HOME, a memory file, a store, a bare repository as remote, and a project somebody works in.
final class HookScene {
  let root: String
  var environment: Environment
  let store: String

  var home: String { root + "/home" }
  var memory: String { root + "/memory.json" }
  var remote: String { root + "/remote.git" }
  var project: String { root + "/project" }
  var log: String { home + "/.local/state/crdt-backup/log" }
  static let program = Executables.path("crdt-backup")

  /// - Parameter storeName: the name of the store's folder.
  init(storeName: String = "store") throws {
    var template = Array((NSTemporaryDirectory() + "/crdt-hook-XXXXXX").utf8CString)
    let made = try #require(mkdtemp(&template))
    // Links resolved, as git shows paths.
    root = URL(fileURLWithPath: String(cString: made)).resolvingSymlinksInPath().path
    store = root + "/" + storeName
    environment = Environment([
      "HOME": root + "/home", "PATH": root + "/bin:/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C",
    ])
    for folder in ["home", "bin", "project"] {
      try FileManager.default.createDirectory(atPath: root + "/" + folder, withIntermediateDirectories: true)
    }
    try write("home/.gitconfig", "[user]\nname = T\nemail = t@example.org\n[init]\ndefaultBranch = main\n")
    try git("init", "-q", "--bare", remote, in: root)
    try git("init", "-q", project, in: root)
    try remember("first")
    try backup("--memory", memory, "--remote", remote, "--host", "hosta", "--store", store)
  }

  deinit {
    // A worker that is still at it would write into the folder again.
    let state = store + "/.git/crdt/"
    let deadline = Deadline.after(seconds: 20)
    while FileManager.default.fileExists(atPath: state + "hook.lock"), !deadline.hasPassed {
      let isRequested = FileManager.default.fileExists(atPath: state + "hook.request")
      if !isRequested, let lock = try? FileLock.tryAcquire(state + "hook.lock") {
        _ = consume lock
        break
      }
      usleep(50_000)
    }
    try? FileManager.default.removeItem(atPath: root)
  }

  // MARK: Files

  func write(_ path: String, _ text: String, mode: Int = 0o644) throws {
    let whole = path.hasPrefix("/") ? path : root + "/" + path
    try FileManager.default.createDirectory(
      atPath: (whole as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try? FileManager.default.removeItem(atPath: whole)
    if mode & 0o111 != 0 { return writeProgram(whole, text, mode: UInt32(mode)) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: whole))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: whole)
  }

  func read(_ path: String) -> String? {
    (try? Data(contentsOf: URL(fileURLWithPath: path))).map { String(decoding: $0, as: UTF8.self) }
  }

  func mode(_ path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
  }

  /// One more entry in the memory file.
  func remember(_ id: String) throws {
    let old =
      read(memory).flatMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) } as? [[String: String]] ?? []
    let entries = (old.compactMap { $0["id"] } + [id]).map { "{\"id\":\"\($0)\",\"content\":\"c\"}" }
    try write(memory, "[" + entries.joined(separator: ",") + "]")
  }

  // MARK: Programs

  @discardableResult
  func run(_ program: String, _ arguments: [String], in folder: String? = nil, expecting status: Int32? = 0) throws
    -> ProcessResult
  {
    let result = try Command(program, arguments, environment: environment, folder: folder ?? root)
      .run(deadline: .after(seconds: 120))
    if let status {
      #expect(
        result.termination == .exited(status), "\(program) \(arguments): \(result.outputText) \(result.errorText)")
    }
    return result
  }

  @discardableResult
  func backup(_ arguments: String..., in folder: String? = nil, expecting status: Int32? = 0) throws -> ProcessResult {
    try run(Self.program, arguments, in: folder, expecting: status)
  }

  @discardableResult
  func git(_ arguments: String..., in folder: String? = nil) throws -> String {
    try run("git", arguments, in: folder ?? project).outputText
  }

  func commit(_ message: String = "c", in folder: String? = nil) throws {
    try git("commit", "-q", "--allow-empty", "-m", message, in: folder ?? project)
  }

  // MARK: What came of it

  func remoteHolds(_ id: String) -> Bool {
    let shown = try? Command("git", ["-C", remote, "show", "main:memory-hosta.json"], environment: environment)
      .run(deadline: .after(seconds: 30))
    return shown?.outputText.contains("\"\(id)\"") ?? false
  }

  var runsInLog: [Substring] { (read(log) ?? "").split(separator: "\n").filter { !$0.hasPrefix(" ") } }

  /// Looks until it is so, for a minute at most.
  func eventually(_ what: Comment, _ condition: () throws -> Bool) throws {
    let deadline = Deadline.after(seconds: 60)
    while !deadline.hasPassed {
      if try condition() { return }
      usleep(50_000)
    }
    Issue.record(what)
  }
}
