import CRDT
import CommandSupport
import Foundation
import Memory
import Replication
import TestKit
import Testing

/// What people do with a memory on two machines, tried with every sample of `examples/memories`.
@Suite struct SceneSamplesTests {
  /// A change of one file's text; the path is that in a folder of notes, else empty.
  struct Change: Sendable {
    var path = ""
    var from: String
    var to: String
  }

  /// A sample, and what is done to it. All changes touch different entries unless said otherwise.
  struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var edit: Change
    var deletion: Change
    /// An edit of one entry with a place for the host's name, `@`.
    var both: Change
    /// Strings have no names: two edits are two strings.
    var isConflict = true
    /// An edit of an entry on one host, and its deletion on the other at the same time.
    var surviving: Change
    var removing: Change
    /// An addition with a place for the host's name, `@`, twice.
    var addition: Change
    var secret: Change
    /// An edit of something without a name of its own is a deletion and an addition, at the end.
    var keepsPlace = true

    var testDescription: String { name }
    var isFolder: Bool { name == "notes" }
  }

  static let secretText = "AKIA" + "Q3EGRZ7LPXYT2VNM"

  static let samples: [Sample] = [
    Sample(
      name: "memory.json", edit: Change(from: "tabs in Go", to: "TABS in Go"),
      deletion: Change(
        from: """
            {
              "id": "decision-storage",
              "content": "Memory is kept in plain JSON on purpose: every tool can read it.\\nA database was tried and dropped.",
              "tags": ["decision"],
              "supersedes": ["decision-sqlite"],
              "created_at": "2026-02-03T11:05:00+01:00"
            },

          """, to: ""),
      both: Change(from: "2026-09-30", to: "2026-09-30 @"),
      surviving: Change(from: "1e2", to: "2e2"),
      removing: Change(
        from: """
            {
              "id": "person-zoë",
              "content": "Zoë Ångström reviews release notes; write to her before tagging \\ud83d\\ude80",
              "tags": ["people"],
              "weight": 1e2,
              "ticket": 90071992547409931
            },

          """, to: ""),
      addition: Change(from: "[\n", to: "[\n  {\n    \"id\": \"new-@\",\n    \"content\": \"from @\"\n  },\n"),
      secret: Change(from: "`make backup` first", to: "`make backup` with \(secretText)")),
    Sample(
      name: "notes.jsonl", edit: Change(from: "port 0", to: "port zero"),
      deletion: Change(
        from:
          #"{"id":"note-2","timestamp":"2026-03-01T09:12:41Z","content":"Do not format vendored code","tags":["style"]}"#
          + "\n", to: ""),
      both: Change(from: "never force", to: "never force @"),
      surviving: Change(from: "0.50", to: "0.75"),
      removing: Change(
        from:
          #"{"id":"note-3","timestamp":"2026-03-02T16:30:05.120+01:00","content":"\u201cDone\u201d means: pushed and verified","score":0.50}"#
          + "\n", to: ""),
      addition: Change(
        from: #"{"id":"note-1""#, to: #"{"id":"new-@","content":"from @"}"# + "\n" + #"{"id":"note-1""#),
      secret: Change(from: "The flaky test", to: "With \(secretText) the flaky test")),
    Sample(
      name: "mcp-memory.jsonl", edit: Change(from: "Written in Swift", to: "Written in Swift 6"),
      deletion: Change(
        from: #"{"type":"relation","from":"crdt-backup","to":"staging","relationType":"is deployed to"}"# + "\n", to: ""
      ),
      both: Change(from: #""environment""#, to: #""environment @""#),
      surviving: Change(from: #""person""#, to: #""human""#),
      removing: Change(
        from:
          #"{"type":"entity","name":"Zoë Ångström","entityType":"person","observations":["Reviews release notes","Works from Uppsala"]}"#
          + "\n", to: ""),
      addition: Change(
        from: #"{"type":"relation""#,
        to: #"{"type":"entity","name":"new-@","entityType":"x","observations":["from @"]}"# + "\n"
          + #"{"type":"relation""#),
      secret: Change(from: "Needs no server", to: "Needs \(secretText)"), keepsPlace: false),
    Sample(
      name: "mcp-graph.json", edit: Change(from: "Works from Uppsala", to: "Works from Umeå"),
      deletion: Change(
        from: """

              {
                "from": "Zoë Ångström",
                "to": "staging",
                "relationType": "keeps an eye on"
              }
            ]
          """, to: "]"),
      both: Change(from: #""environment""#, to: #""environment @""#),
      surviving: Change(from: #""person""#, to: #""human""#),
      removing: Change(
        from: """
              {
                "name": "Zoë Ångström",
                "entityType": "person",
                "observations": [
                  "Reviews release notes",
                  "Works from Umeå"
                ]
              },

          """, to: ""),
      addition: Change(
        from: #""entities": ["#,
        to: #""entities": [{"name": "new-@", "entityType": "x", "observations": ["from @"]},"#),
      secret: Change(from: #""observations": []"#, to: #""observations": ["\#(secretText)"]"#), keepsPlace: false),
    Sample(
      name: "search-results.json", edit: Change(from: "tabs in Go", to: "TABS in Go"),
      deletion: Change(
        from: """
          ,
            {"id": "c9f0f895", "memory": "Is vegetarian \\u2014 no fish either", "user_id": "zoe", "score": 1e-1, "metadata": null}
          """, to: ""),
      both: Change(from: #""user_id": "zoe""#, to: #""user_id": "zoe @""#),
      surviving: Change(from: "0.50", to: "0.75"),
      removing: Change(from: "", to: ""),
      addition: Change(from: "[\n", to: "[\n  {\"id\": \"new-@\", \"memory\": \"from @\"},\n"),
      secret: Change(from: "two spaces everywhere else", to: "key \(secretText)")),
    Sample(
      name: "key-value.json", edit: Change(from: "never a mouse", to: "NEVER a mouse"),
      deletion: Change(
        from: #"  "shell/prompt": {"content": "Fish \u2014 two lines", "confidence": 1e0},"# + "\n", to: ""),
      both: Change(from: "zoe@example.com", to: "@.zoe@example.com"),
      surviving: Change(from: "2019.0", to: "2020.0"),
      removing: Change(
        from: #"  "editor": {"content": "Uses vim, NEVER a mouse", "since": 2019.0, "tags": ["preference"]},"# + "\n",
        to: ""),
      addition: Change(from: "{\n", to: "{\n  \"new-@\": {\"content\": \"from @\"},\n"),
      secret: Change(from: "Reviews release notes", to: "Knows \(secretText)")),
    Sample(
      name: "by-category.json", edit: Change(from: "never a mouse", to: "NEVER a mouse"),
      deletion: Change(from: #"      "languages": ["sv", "en"],"# + "\n", to: ""),
      both: Change(from: "12:30", to: "12:30 @"),
      surviving: Change(from: "2019.0", to: "2020.0"),
      removing: Change(from: ",\n      \"since\": 2019.0", to: ""),
      addition: Change(from: #""editor""#, to: "\"new-@\": \"from @\",\n      \"editor\""),
      secret: Change(from: "needs libgit2-dev", to: "needs \(secretText)")),
    Sample(
      name: "facts.json", edit: Change(from: "tabs in Go", to: "TABS in Go"),
      deletion: Change(from: #"  "Zo\u00eb reviews release notes","# + "\n", to: ""),
      both: Change(from: "2026-09-30", to: "2026-09-30 @"), isConflict: false,
      surviving: Change(from: "TABS", to: "Tabs"),
      removing: Change(from: #"  "Prefers TABS in Go, two spaces everywhere else","# + "\n", to: ""),
      addition: Change(from: "[\n", to: "[\n  \"from @\",\n"),
      secret: Change(from: #""from a""#, to: #""from \#(secretText)""#), keepsPlace: false),
    Sample(
      name: "notes", edit: Change(path: "MEMORY.md", from: "Tabs in Go", to: "TABS in Go"),
      deletion: Change(path: "topics/release.md", from: "", to: ""),
      both: Change(path: "people/zoë.md", from: "Reviews", to: "@ reviews"),
      surviving: Change(path: "MEMORY.md", from: "TABS", to: "Tabs"),
      removing: Change(path: "MEMORY.md", from: "", to: ""),
      addition: Change(path: "new/@.md", from: "", to: "from @\n"),
      secret: Change(path: "new/a.md", from: "from a", to: secretText)),
  ]

  private struct Machine {
    var host: SceneHost
    var memory: String

    func files() throws -> [String: Data] {
      guard try FileManager.default.attributesOfItem(atPath: memory)[.type] as? FileAttributeType == .typeDirectory
      else {
        return ["": try Data(contentsOf: URL(fileURLWithPath: memory))]
      }
      var found: [String: Data] = [:]
      for path in try FileManager.default.subpathsOfDirectory(atPath: memory) {
        var isFolder: ObjCBool = false
        let file = memory + "/" + path
        guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), !isFolder.boolValue else {
          continue
        }
        found[path] = try Data(contentsOf: URL(fileURLWithPath: file))
      }
      return found
    }

    /// All of it as one text.
    func text() throws -> String {
      try files().sorted { $0.key < $1.key }.map { String(decoding: $0.value, as: UTF8.self) }.joined(separator: "\n")
    }

    func change(_ change: Change, in sample: Sample) throws {
      let path = change.path.replacingOccurrences(of: "@", with: host.name)
      let file = sample.isFolder ? memory + "/" + path : memory
      let to = change.to.replacingOccurrences(of: "@", with: host.name)
        .replacingOccurrences(of: "zoe\(host.name)example", with: "zoe@example")
      if sample.isFolder, change.from.isEmpty {
        if to.isEmpty { return try FileManager.default.removeItem(atPath: file) }
        let folder = (file as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try Data(to.utf8).write(to: URL(fileURLWithPath: file))
      }
      let old = String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
      let place = try #require(old.range(of: change.from, options: .literal), "\(change.from) is not in \(old)")
      let new = old.replacingCharacters(in: place, with: to)
      try Data(new.utf8).write(to: URL(fileURLWithPath: file))
    }

    func holds() throws -> Set<[UInt8]> {
      let document = try Store.readDocument(memory, format: nil, effects: .real)
      return Set(document.items.map { $0.id.bytes + [0] + $0.content })
    }
  }

  private func machines(_ sandbox: Sandbox, _ sample: Sample) throws -> (a: Machine, b: Machine) {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../../examples/memories/\(sample.name)").standardizedFileURL.path
    let (a, b) = (
      Machine(host: sandbox.host("a"), memory: sandbox.folder("at-a/\(sample.name)")),
      Machine(host: sandbox.host("b"), memory: sandbox.folder("at-b/\(sample.name)"))
    )
    try sandbox.makeFolder(sandbox.folder("at-a"))
    try FileManager.default.copyItem(atPath: source, toPath: a.memory)
    for machine in [a, b] {
      let host = machine.host
      let outcome = try sandbox.run(
        ["--store", host.store, "--memory", machine.memory, "--remote", sandbox.remote, "--host", host.name]
          + ["--write-back"])
      #expect(outcome.code == 0, "\(outcome)")
    }
    #expect(try a.files() == Machine(host: a.host, memory: source).files())
    return (a, b)
  }

  /// Nothing is left to do, anywhere.
  private func expectRest(_ machines: [Machine], _ sandbox: Sandbox) throws {
    let tip = try sandbox.remoteTip()
    for machine in machines {
      let before = try machine.files()
      let outcome = try machine.host.backup()
      #expect(outcome.code == 0 && !outcome.output.contains("ritten back"), "\(outcome)")
      #expect(try machine.files() == before)
    }
    #expect(try sandbox.remoteTip() == tip)
  }

  @Test(arguments: samples) func twoMachinesKeepOneMemoryInTheirOwnFiles(_ sample: Sample) throws {
    let sandbox = try Sandbox()
    let (a, b) = try machines(sandbox, sample)
    #expect(try a.holds() == b.holds())
    // Laid out anew by its user it is the same memory.
    if !sample.isFolder {
      try Data(contentsOf: URL(fileURLWithPath: a.memory)).write(to: URL(fileURLWithPath: b.memory))
    }
    try expectRest([b, a], sandbox)
    #expect(try a.files() == b.files())

    // An edit on one, a deletion on the other.
    try a.change(sample.edit, in: sample)
    #expect(try a.host.backup().code == 0)
    #expect(try b.host.backup().code == 0)
    if sample.keepsPlace { #expect(try a.files() == b.files()) }
    #expect(try a.holds() == b.holds() && b.text().contains(sample.edit.to))
    try b.change(sample.deletion, in: sample)
    let expected = try b.holds()
    #expect(try b.host.backup().output.contains("1 deleted"))
    #expect(try a.host.backup().output.contains("1 removed"))
    #expect(try a.holds() == expected && b.holds() == expected)
    try expectRest([a, b], sandbox)

    // Both edit the same.
    for machine in [a, b] { try machine.change(sample.both, in: sample) }
    #expect(try a.host.backup("--offline").code == 75)
    #expect(try b.host.backup().code == 0)
    let outcome = try a.host.backup()
    #expect(outcome.code == 0 && outcome.output.contains("1 in conflict (") == sample.isConflict, "\(outcome)")
    #expect(try b.host.backup().code == 0)
    #expect(try a.holds() == b.holds())
    let text = try a.text()
    #expect(text.contains(try #require(b.text().isEmpty ? nil : sample.both.to.replacingHost("b"))))
    #expect(text.contains(sample.both.to.replacingHost("a")) != sample.isConflict)
    let conflicts = try a.host.run("conflicts", "--json").json()["conflicts"] as? [Any]
    #expect(conflicts?.count == (sample.isConflict ? 1 : 0))
    try expectRest([a, b], sandbox)

    // One edits what the other deletes, which had not seen that.
    if !sample.removing.from.isEmpty || sample.isFolder {
      if !sample.isFolder {
        try Data(contentsOf: URL(fileURLWithPath: a.memory)).write(to: URL(fileURLWithPath: b.memory))
      }
      try a.change(sample.surviving, in: sample)
      try b.change(sample.removing, in: sample)
      for machine in [b, a, b] { #expect(try machine.host.backup().code == 0) }
      #expect(try a.holds() == b.holds() && b.text().contains(sample.surviving.to))
      try expectRest([a, b], sandbox)
    }

    // Both add.
    for machine in [a, b] { try machine.change(sample.addition, in: sample) }
    for machine in [a, b, a] { #expect(try machine.host.backup().code == 0) }
    #expect(try a.holds() == b.holds())
    for machine in [a, b] {
      #expect(try machine.text().contains("from a") && machine.text().contains("from b"))
    }
    try expectRest([a, b], sandbox)

    // A secret stays where it is, also in the file.
    try a.change(sample.secret, in: sample)
    let held = try a.host.backup()
    #expect(held.code == 0 && held.output.contains("1 held back"), "\(held)")
    #expect(held.errorOutput.contains("aws-access-key") && !held.errorOutput.contains(SceneSamplesTests.secretText))
    #expect(try b.host.backup().code == 0)
    #expect(try !b.text().contains(SceneSamplesTests.secretText))
    try expectRest([a, b], sandbox)
    #expect(try a.text().contains(SceneSamplesTests.secretText))
  }

  @Test func aTruncatedLineTakesNothingAwayAndMendedItIsResolved() throws {
    let sample = try #require(SceneSamplesTests.samples.first { $0.name == "notes.jsonl" })
    let sandbox = try Sandbox()
    let (a, b) = try machines(sandbox, sample)
    let whole = try Data(contentsOf: URL(fileURLWithPath: a.memory))
    try whole.dropLast(30).write(to: URL(fileURLWithPath: a.memory))
    let outcome = try a.host.backup()
    #expect(outcome.code == 0 && outcome.errorOutput.contains("\(a.memory):4:"), "\(outcome)")
    #expect(outcome.output.contains("1 line that cannot be read, kept as it is"), "\(outcome)")
    #expect(outcome.output.contains("1 of them may be in a line that cannot be read"), "\(outcome)")
    #expect(try a.text().hasPrefix(String(decoding: whole.dropLast(30), as: UTF8.self)))
    #expect(try b.host.backup().code == 0)
    #expect(try b.text().contains("note-4"))
    try expectRest([a, b], sandbox)
    try whole.write(to: URL(fileURLWithPath: a.memory))
    #expect(try !a.host.backup().output.contains("cannot be read"))
    #expect(try a.files()[""] == whole)
    #expect(try a.holds() == b.holds())
    try expectRest([a, b], sandbox)
  }
}

extension String {
  fileprivate func replacingHost(_ name: String) -> String {
    replacingOccurrences(of: "zoe@example", with: "zoe%example").replacingOccurrences(of: "@", with: name)
      .replacingOccurrences(of: "zoe%example", with: "zoe@example")
  }
}
