import Foundation
import Processes
import TestKit
import Testing

/// The README's tour, followed word for word: every command is run and every line of output compared.
@Suite struct ReadmeTourTests {
  struct Step: Equatable {
    var command: String
    var output: [String]
  }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The ```console blocks: lines that start with `$ ` are commands, the others what they print.
  static func steps(of text: String) -> [Step] {
    var steps: [Step] = []
    var isInside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("```") {
        isInside = line == "```console"
      } else if isInside, line.hasPrefix("$ ") {
        steps.append(Step(command: String(line.dropFirst(2)), output: []))
      } else if isInside, !steps.isEmpty {
        steps[steps.count - 1].output.append(line)
      }
    }
    return steps
  }

  /// What differs from one run to the next: commits, times, and the folder it all happens in.
  static func normalised(_ text: String, folder: String) -> [String] {
    var text = text.replacingOccurrences(of: folder, with: "/home/ada/tour")
    let volatile = [
      (#"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(\.[0-9]+)?Z"#, "TIME"), (#"\b[0-9a-f]{10}\b"#, "COMMIT"),
      (#"\(([0-9]+ (s|minutes?) ago)\)"#, "(AGO)"),
      (#"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"#, "UUID"), (#"\b[0-9a-f]{8}\b"#, "UUID"),
    ]
    for (pattern, name) in volatile {
      text = text.replacingOccurrences(of: pattern, with: name, options: .regularExpression)
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while lines.last == "" { lines.removeLast() }
    return lines
  }

  @Test func theTourPrintsWhatItShows() throws {
    guard try Requirement.programs("git", "bash") else { return }
    let readme = try String(contentsOf: Self.root.appendingPathComponent("README.md"), encoding: .utf8)
    let steps = Self.steps(of: readme)
    try #require(steps.count >= 12, "the README's tour is gone")

    let folder = TemporaryFolder("crdt-tour")
    let tools = Executables.path("crdt-backup").split(separator: "/").dropLast().joined(separator: "/")
    let environment = Environment([
      "HOME": folder.path, "PATH": "/" + tools + ":/usr/bin:/bin", "NO_COLOR": "1", "LC_ALL": "C.UTF-8",
    ])
    for step in steps {
      let result = try Command("bash", ["-c", step.command + " 2>&1"], environment: environment, folder: folder.path)
        .run(deadline: .after(seconds: 60))
      let printed = Self.normalised(String(decoding: result.output, as: UTF8.self), folder: folder.path)
      let shown = Self.normalised(step.output.joined(separator: "\n"), folder: "/home/ada/tour")
      #expect(printed == shown, "$ \(step.command)")
    }
  }
}
