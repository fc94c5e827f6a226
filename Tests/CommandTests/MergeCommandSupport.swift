import Foundation
import Testing

/// A folder of its own for one test, removed at its end, and the commands run in it.
final class Workplace {
  let folder: URL
  /// Variables for every command, over those of this process.
  var environment: [String: String] = [:]

  init() throws {
    folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("crdt-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let file = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
  }

  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Runs a program to its end.
  @discardableResult
  func run(_ program: String, _ arguments: [String], input: String = "", in place: String = "") throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = folder.appendingPathComponent(place)
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GIT_") }
      .merging(environment) { $1 }
    // Files, not pipes: nothing to drain while waiting.
    let name = UUID().uuidString
    let streams = ["in", "out", "err"].map {
      FileManager.default.temporaryDirectory.appendingPathComponent("\(name).\($0)")
    }
    defer { for stream in streams { try? FileManager.default.removeItem(at: stream) } }
    try Data(input.utf8).write(to: streams[0])
    for stream in streams[1...] { try Data().write(to: stream) }
    process.standardInput = try FileHandle(forReadingFrom: streams[0])
    process.standardOutput = try FileHandle(forWritingTo: streams[1])
    process.standardError = try FileHandle(forWritingTo: streams[2])
    try process.run()
    process.waitUntilExit()
    func text(_ stream: URL) throws -> String { String(decoding: try Data(contentsOf: stream), as: UTF8.self) }
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
      output: try text(streams[1]), errors: try text(streams[2]))
  }

  /// Runs crdt-merge.
  @discardableResult
  func merge(_ arguments: String..., input: String = "") throws -> Outcome {
    try run(Workplace.mergeExecutable, arguments, input: input)
  }

  /// Runs a line of shell, with `$MERGE` for crdt-merge.
  @discardableResult
  func shell(_ line: String) throws -> Outcome {
    environment["MERGE"] = Workplace.mergeExecutable
    return try run("/bin/sh", ["-c", line])
  }

  /// The built command, beside the test bundle.
  static let mergeExecutable: String = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return bundle.deletingLastPathComponent().appendingPathComponent("crdt-merge").path
  }()
}

/// Memory entries for the tests of commands.
enum Example {
  static func entry(_ id: String, _ content: String, host: String, second: Int, key: String? = nil) -> String {
    let stamp = "2026-01-02T03:04:\(second < 10 ? "0" : "")\(second).000000001Z"
    return #"{"id":"\#(id)","content":"\#(content)","_crdt_metadata":{"host":"\#(host)","timestamp":"\#(stamp)","#
      + #""version":1,"unique_id":"\#(key ?? "\(host)_\(id)_2026-01-02T03:04:00.000000000Z")"}}"#
  }

  static func tombstone(_ key: String, host: String, second: Int) -> String {
    #"{"_crdt_metadata":{"host":"\#(host)","timestamp":"2026-01-02T03:04:\#(second).000000001Z","version":2,"#
      + #""unique_id":"\#(key)","deleted":true}}"#
  }

  static func state(_ entries: [String]) -> String {
    entries.isEmpty ? "[]\n" : "[\n" + entries.joined(separator: ",\n") + "\n]\n"
  }
}
