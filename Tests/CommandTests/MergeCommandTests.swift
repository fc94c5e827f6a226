import Foundation
import TestKit
import Testing

/// crdt-merge from outside: arguments, streams, files, exit codes.
struct MergeCommandTests {
  private let place: Workplace
  private let a = Example.entry("x", "one", host: "hosta", second: 1)
  private let b = Example.entry("y", "two", host: "hostb", second: 2)
  private let newer = Example.entry(
    "x", "three", host: "hostb", second: 3, key: "hosta_x_2026-01-02T03:04:00.000000000Z")

  init() throws {
    place = try Workplace()
    try place.write("memory-hosta.json", Example.state([a]))
    try place.write("memory-hostb.json", Example.state([b, newer]))
  }

  @Test func `merges files and folders in any order, and its own output again`() throws {
    let expected = Example.state([b, newer])
    for arguments in [
      ["."], ["memory-hosta.json", "memory-hostb.json"], ["memory-hostb.json", "memory-hosta.json"], [".", "."],
      ["memory-hosta.json", "memory-hosta.json", "memory-hostb.json"], ["merge", "."],
    ] {
      let outcome = try place.run(Workplace.mergeExecutable, arguments)
      #expect(outcome.output == expected, "\(arguments)")
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
    }
    try place.write("out.json", expected)
    #expect(try place.merge("out.json").output == expected)
    #expect(try place.merge("-", "memory-hosta.json", input: expected).output == expected)
    #expect(try place.merge("-", "-", input: expected).output == expected)
  }

  @Test func `a folder stands for its host files, in both layouts, and for nothing else`() throws {
    let sharded = Example.entry("z", "four", host: "hostc", second: 4)
    try place.write("memory-hostc/0f.json", Example.state([sharded]))
    try place.write("memory-hostc/README.md", "no shard")
    try place.write("memory-hostc/0F.json", "no shard")
    try place.write("unified-memory.json", "derived, and broken")
    try place.write("unified-memory/0f.json", "derived, and broken")
    try place.write("memory-hosta.json.tmp", "not ours")
    try place.write("memory.json", "not a host's")
    #expect(try place.merge(".").output == Example.state([b, newer, sharded]))
    #expect(try place.merge("memory-hostc").output == Example.state([sharded]))
    try place.write("empty/notes.txt", "")
    let nothing = try place.merge("empty")
    #expect(nothing.status == 66)
    #expect(nothing.errors == "crdt-merge: empty: no host files (memory-<host>.json) in this folder\n")
  }

  @Test func `a name with control characters is shown as text`() throws {
    try place.write("bad\u{1B}[2J\nmemory.json", "{")
    for name in ["bad\u{1B}[2J\nmemory.json", "gone\u{1B}[2J\nmemory.json"] {
      let outcome = try place.merge(name)
      #expect(outcome.status != 0 && outcome.errors.contains(#"\u001b[2J\u000amemory.json"#), "\(outcome)")
      #expect(!outcome.errors.contains("\u{1B}") && outcome.errors.split(separator: "\n").count == 1)
    }
  }

  @Test func `a folder is no format of a view`() throws {
    let outcome = try place.merge(".", "--view", "--format", "markdown")
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errors.contains("jsonl") && outcome.errors.contains("nested-map"), "\(outcome)")
    #expect(try !place.merge("merge", "--help").output.contains("markdown"))
  }

  @Test func `no entries are a state too`() throws {
    try place.write("none.json", " [ ] ")
    #expect(try place.merge("none.json").output == "[]\n")
    #expect(try place.merge("none.json", "--view").output == "[]\n")
    #expect(try place.merge("none.json", "-o", "out.json").status == 0)
    #expect(try place.read("out.json") == "[]\n")
  }

  @Test func `a store fed from a graph is shown as that graph`() throws {
    let sandbox = try Sandbox(remote: false)
    let graph = """
      {"type":"entity","name":"A","entityType":"t","observations":["x","y"]}
      {"type":"entity","name":"B","entityType":"t","observations":[]}
      {"type":"relation","from":"B","to":"A","relationType":"knows"}

      """
    sandbox.folder.write("graph.jsonl", graph)
    let (store, memory) = (sandbox.folder("store"), sandbox.folder("graph.jsonl"))
    try #require(try sandbox.run(["--store", store, "--memory", memory]).code == 0)
    #expect(try place.merge("--view", "--format", "mcp", store).output == graph)
    let help = try place.merge("merge", "--help").output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(help.contains("The form of the view; without it json. (values: json, jsonl, mcp, map, strings,"), "\(help)")
  }

  @Test func `the view is the live memory without metadata`() throws {
    try place.write(
      "memory-hostc.json",
      Example.state([Example.tombstone("hostb_y_2026-01-02T03:04:00.000000000Z", host: "hostc", second: 30)]))
    #expect(try place.merge(".", "--view").output == "[\n{\"id\":\"x\",\"content\":\"three\"}\n]\n")
    #expect(try place.merge(".", "--view", "--format", "json", "-o", "v.json").status == 0)
    #expect(try place.read("v.json") == "[\n{\"id\":\"x\",\"content\":\"three\"}\n]\n")
  }

  @Test func `the output file is written once, whole, and only when it changes`() throws {
    try FileManager.default.createDirectory(atPath: place.path("d"), withIntermediateDirectories: false)
    #expect(try place.merge(".", "-o", "d/out.json").status == 0)
    #expect(try place.read("d/out.json") == Example.state([b, newer]))
    let before = try identity("d/out.json")
    let again = try place.merge(".", "-o", "d/out.json", "--json")
    #expect(try identity("d/out.json") == before)
    #expect(again.output.contains(#""changed":false"#))
    // Other bytes of the same length are a change.
    try place.write("d/out.json", Example.state([b, newer]).replacingOccurrences(of: "two", with: "too"))
    #expect(try place.merge(".", "-o", "d/out.json").status == 0)
    #expect(try place.read("d/out.json") == Example.state([b, newer]))
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path("d")) == ["out.json"])
  }

  @Test func `the summary is one JSON object`() throws {
    try place.write(
      "memory-hostc.json",
      Example.state([Example.tombstone("hostb_y_2026-01-02T03:04:00.000000000Z", host: "hostc", second: 30)]))
    let outcome = try place.merge(".", "-o", "o\"ut.json", "--json")
    let bytes = try place.read("o\"ut.json").utf8.count
    #expect(
      outcome.output == #"{"schema":1,"output":"o\"ut.json","changed":true,"sources":3,"entries":4,"unique_ids":2,"#
        + #""tombstones":1,"bytes":\#(bytes)}"# + "\n")
    #expect(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) is [String: Any])
  }

  @Test func `mode and symbolic link of the output stay`() throws {
    try place.write("real/out.json", "old")
    chmod(place.path("real/out.json"), 0o640)
    symlink("real/out.json", place.path("link.json"))
    #expect(try place.merge(".", "-o", "link.json").status == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: place.path("link.json")) == "real/out.json")
    #expect(try place.read("real/out.json") == Example.state([b, newer]))
    var information = stat()
    stat(place.path("real/out.json"), &information)
    #expect(information.st_mode & 0o7777 == 0o640)
  }

  @Test func `a device or a pipe is written to, not replaced`() throws {
    #expect(try place.merge(".", "-o", "/dev/null").status == 0)
    var information = stat()
    stat("/dev/null", &information)
    #expect(information.st_mode & S_IFMT == S_IFCHR)
    #expect(try place.shell(#"mkfifo p && { cat p > got & "$MERGE" . -o p; wait; }"#).status == 0)
    #expect(try place.read("got") == Example.state([b, newer]))
  }

  @Test func `every refused file is named with line and column, and nothing is written`() throws {
    try place.write("memory-hostc.json", "[\n{},\n{\"a\":tru}\n]")
    try place.write("memory-hostd.json", "")
    try place.write("out.json", "old")
    let outcome = try place.merge(".", "-o", "out.json")
    #expect(outcome.status == 65)
    #expect(
      outcome.errors == """
        ./memory-hostc.json:3:9: not a JSON value (only true, false and null are words)
        ./memory-hostd.json:1:1: empty; a state with no entries is written []

        """)
    #expect(outcome.output.isEmpty)
    #expect(try place.read("out.json") == "old")
  }

  @Test func `exit codes`() throws {
    #expect(try place.merge().status == 64)
    #expect(try place.merge("").status == 64)
    #expect(try place.merge(".", "--nonsense").status == 64)
    #expect(try place.merge(".", "--format", "json").status == 64)
    #expect(try place.merge(".", "--view", "--format", "xml").status == 64)
    #expect(try place.merge(".", "--json").status == 64)
    #expect(try place.merge("missing.json").status == 66)
    #expect(try place.merge("missing.json").errors == "crdt-merge: missing.json: no such file or folder\n")
    #expect(try place.merge("memory-hosta.json/x").status == 66)
    #expect(try place.merge(".", "-o", "missing/out.json").status == 73)
    #expect(try place.merge(".", "-o", ".").status == 73)
    #expect(try place.merge(".", "-o", "/dev/full").status == 74)
    #expect(try place.shell(#""$MERGE" . > /dev/full"#).status == 74)
    #expect(try place.shell(#""$MERGE" . >&-"#).status == 74)
    #expect(try place.merge("--version").output.split(separator: ".").count == 3)
    #expect(try place.merge("--help").status == 0)
  }

  @Test(.enabled(if: geteuid() != 0, "root may read and write everything"))
  func `no permission`() throws {
    chmod(place.path("memory-hosta.json"), 0)
    #expect(try place.merge(".").status == 77)
    chmod(place.path("memory-hosta.json"), 0o600)
    try place.write("locked/out.json", "old")
    chmod(place.path("locked"), 0o500)
    #expect(try place.merge(".", "-o", "locked/out.json").status == 77)
    chmod(place.path("locked"), 0o700)
  }

  @Test func `a reader that goes away ends it quietly`() throws {
    let many = (0..<5_000).map { Example.entry("id-\($0)", "content", host: "hosta", second: $0 % 60) }
    try place.write("many.json", Example.state(many))
    let outcome = try place.shell(#""$MERGE" many.json | head -c 10 > head; cat head"#)
    #expect(outcome.output == "[\n{\"id\":\"i")
    #expect(outcome.errors.isEmpty)
  }
}

extension MergeCommandTests {
  /// What tells whether a file was replaced or touched.
  private func identity(_ name: String) throws -> [Int] {
    var information = stat()
    try #require(stat(place.path(name), &information) == 0)
    return [Int(information.st_ino), information.st_mtim.tv_sec, information.st_mtim.tv_nsec]
  }
}
