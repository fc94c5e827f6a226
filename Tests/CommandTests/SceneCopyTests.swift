import Foundation
import TestKit
import Testing

/// Files that say the same thing twice, or something old, or half of something: what a person left lying in them.
@Suite struct SceneCopyTests {
  private func hosts(_ first: String, _ options: String...) throws -> (Sandbox, SceneHost, SceneHost) {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    write(first, a)
    for host in [a, b] {
      let outcome = try sandbox.run(
        ["--store", host.store, "--memory", host.memory, "--remote", sandbox.remote, "--host", host.name]
          + ["--write-back"] + options)
      #expect(outcome.code == 0, "\(outcome)")
    }
    return (sandbox, a, b)
  }

  private func write(_ text: String, _ host: SceneHost) {
    host.sandbox.folder.write("memory-of-\(host.name).json", text)
  }
  private func read(_ host: SceneHost) throws -> String { try String(contentsOfFile: host.memory, encoding: .utf8) }
  private func conflicts(_ host: SceneHost) throws -> Int {
    try #require(try host.run("conflicts", "--json").json()["conflicts"] as? [Any]).count
  }

  @Test func aLineThatIsMendedAfterItsEntryWentOnIsNoNewValue() throws {
    let lines = (0...3).map { "{\"id\":\"n\($0)\",\"v\":\($0)}\n" }
    let (_, a, b) = try hosts(lines.joined())
    write(lines[0...2].joined() + "{\"id\":\"n3\",\"v\":3\n", a)
    #expect(try a.backup().code == 0)
    write(try read(b).replacingOccurrences(of: #"{"id":"n3","v":3}"#, with: #"{"id":"n3","v":33}"#), b)
    #expect(try b.backup().code == 0)
    #expect(try a.backup().code == 0)
    write(try read(a).replacingOccurrences(of: "{\"id\":\"n3\",\"v\":3\n", with: "{\"id\":\"n3\",\"v\":3}\n"), a)
    let mended = try a.backup()
    #expect(mended.code == 0 && mended.output.contains("1 known from elsewhere"), "\(mended)")
    #expect(try b.backup().code == 0)
    for host in [a, b] {
      #expect(try read(host).contains(#"{"id":"n3","v":33}"#), "\(host.name)")
      #expect(try !read(host).contains(#""v":3}"#), "\(host.name)")
      #expect(try conflicts(host) == 0)
    }
    #expect(try a.backup().output.contains("4 unchanged"))
  }

  @Test func anOldLinePastedBesideTheNewOneDoesNotWin() throws {
    let (_, a, b) = try hosts("[\n{\"id\":\"x\",\"v\":\"old\"},\n{\"id\":\"y\",\"v\":1}\n]\n")
    write("[\n{\"id\":\"x\",\"v\":\"new\"},\n{\"id\":\"y\",\"v\":1}\n]\n", a)
    #expect(try a.backup().code == 0)
    write("[\n{\"id\":\"x\",\"v\":\"old\"},\n{\"id\":\"x\",\"v\":\"new\"},\n{\"id\":\"y\",\"v\":1}\n]\n", a)
    let outcome = try a.backup()
    #expect(outcome.code == 0 && outcome.errorOutput.contains("x stood 2 times (lines 2, 3)"), "\(outcome)")
    #expect(try b.backup().code == 0)
    for host in [a, b] {
      #expect(try read(host).contains(#""v":"new""#) && !read(host).contains("old"), "\(host.name)")
      #expect(try conflicts(host) == 0)
    }
  }

  @Test(arguments: [true, false])
  func takingOutTheNewLineBesideAnOldCopyGoesBackToTheOld(isTwoWay: Bool) throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    let (old, new, other) = (#"{"id":"x","v":"old"}"#, #"{"id":"x","v":"new"}"#, #"{"id":"y","v":1}"#)
    write("\(old)\n\(other)\n", a)
    #expect(try a.setUp(isTwoWay ? "--write-back" : "--no-write-back").code == 0)
    write("\(new)\n\(other)\n", a)
    #expect(try a.backup().code == 0)
    write("\(new)\n\(old)\n\(other)\n", a)
    // Two ways the copy would go from the file; one way it stays in it.
    let beside = try a.backup("--no-write-back")
    #expect(beside.code == 0 && beside.output.contains("1 known from elsewhere"), "\(beside)")
    write("\(old)\n\(other)\n", a)
    let outcome = try a.backup()
    #expect(outcome.code == 0 && outcome.output.contains("1 changed"), "\(outcome)")
    #expect(try a.backup().output.contains("2 unchanged"))
    #expect(try b.setUp("--write-back").code == 0)
    #expect(try read(b).contains(old) && !read(b).contains(new))
  }

  @Test func oldLinesAppendedAgainAndAgainDoNotWin() throws {
    let (_, a, b) = try hosts("{\"id\":\"x\",\"v\":\"old\"}\n{\"id\":\"y\",\"v\":1}\n")
    write("{\"id\":\"x\",\"v\":\"new\"}\n{\"id\":\"y\",\"v\":1}\n", a)
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    // Two backups of the file were appended to it.
    write(try read(b) + "{\"id\":\"x\",\"v\":\"old\"}\n{\"id\":\"x\",\"v\":\"old\"}\n", b)
    let outcome = try b.backup()
    #expect(outcome.code == 0 && outcome.output.contains("2 known from elsewhere"), "\(outcome)")
    #expect(try a.backup().code == 0)
    for host in [a, b] {
      #expect(try read(host).contains("new") && !read(host).contains("old"), "\(host.name)")
      #expect(try conflicts(host) == 0)
    }
  }

  /// What a program's JSON library does to a memory that it loads and saves.
  @Test(arguments: [
    [
      #"{"id":"k","c":"caf\u00e9","n":1.0}"#, #"{"n":1,"id":"k","c":"café"}"#, #"{"id":"d","c":"na\u00efve/"}"#,
      #"{"c":"naïve\/","id":"d"}"#,
    ],
    [
      #"{"type":"entity","name":"Zo\u00eb","entityType":"p","observations":["caf\u00e9"]}"#,
      #"{"entityType":"p","name":"Zoë","observations":["café"],"type":"entity"}"#,
      #"{"type":"relation","from":"Zo\u00eb","to":"x","relationType":"r"}"#,
      #"{"from":"Zoë","to":"x","relationType":"r","type":"relation"}"#,
    ],
  ])
  func aMemoryThatIsSavedInAnotherSpellingIsNotEdited(lines: [String]) throws {
    let (sandbox, a, b) = try hosts("\(lines[0])\n\(lines[2])\n")
    // One host edits the first and deletes the second; the other's program saves what it had loaded before.
    write(lines[0].replacingOccurrences(of: "caf", with: "new caf") + "\n", a)
    #expect(try a.backup().code == 0)
    write("\(lines[1])\n\(lines[3])\n", b)
    let outcome = try b.backup()
    #expect(
      outcome.code == 0 && outcome.output.contains(lines[0].contains("entity") ? "3 unchanged\n" : "2 unchanged\n"),
      "\(outcome)")
    #expect(try a.backup().code == 0)
    for host in [a, b] {
      #expect(
        try read(host).contains("new caf") && !read(host).contains(#""id":"d""#) && !read(host).contains("from"),
        "\(host.name)"
      )
      #expect(try conflicts(host) == 0)
    }
    // Two programs that save in turn, each in its own spelling, commit nothing and rewrite nothing.
    let tip = try GitProgram.run(["rev-parse", "main"], in: sandbox.remote)
    let old = lines[0].replacingOccurrences(of: "caf", with: "new caf") + "\n"
    let new = lines[1].replacingOccurrences(of: "caf", with: "new caf") + "\n"
    for _ in 0..<2 {
      write(old, a)
      write(new, b)
      for host in [a, b] { #expect(try host.backup().code == 0) }
      #expect(try read(a) == old && read(b) == new)
    }
    #expect(try GitProgram.run(["rev-parse", "main"], in: sandbox.remote) == tip)
  }

  @Test func theSidesOfAGitConflictStayUntilSomebodyResolvesIt() throws {
    let (_, a, b) = try hosts("{\"id\":\"x\",\"v\":0}\n{\"id\":\"y\",\"v\":1}\n")
    let torn =
      "<<<<<<< HEAD\n{\"id\":\"x\",\"v\":1}\n=======\n{\"id\":\"x\",\"v\":2}\n>>>>>>> other\n{\"id\":\"y\",\"v\":1}\n"
    write(torn, a)
    let outcome = try a.backup()
    #expect(outcome.code == 0 && outcome.errorOutput.contains("conflict markers"), "\(outcome)")
    #expect(try read(a) == torn)
    #expect(try a.backup().errorOutput.contains("conflict markers"))
    #expect(try read(a) == torn)
    write("{\"id\":\"x\",\"v\":2}\n{\"id\":\"y\",\"v\":1}\n", a)
    #expect(try a.backup().code == 0)
    #expect(try b.backup().code == 0)
    #expect(try read(a) == "{\"id\":\"x\",\"v\":2}\n{\"id\":\"y\",\"v\":1}\n")
    #expect(try read(b) == read(a))
  }

  @Test func aMarkerLineOfOneFormIsNoEntityOfAnother() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    let graph = #"{"entities":[{"name":"x","entityType":"t","observations":[]}],"relations":[]}"# + "\n"
    write(graph, a)
    write(
      "{\"type\":\"_aim\",\"source\":\"m\"}\n{\"type\":\"entity\",\"name\":\"y\",\"entityType\":\"t\",\"observations\":[]}\n",
      b)
    for host in [a, b, a] {
      #expect(try host.setUp("--write-back").code == 0)
    }
    #expect(try !read(a).contains("_aim"))
    #expect(try read(a).contains(#""name":"y""#))
    #expect(try read(b).hasPrefix("{\"type\":\"_aim\",\"source\":\"m\"}\n"))
    // It is said every time, not once.
    for _ in 0..<2 {
      let outcome = try a.backup("--json")
      #expect(outcome.errorOutput.contains("in the store only"), "\(outcome)")
      let writeBack = try #require(try outcome.json()["writeBack"] as? [String: Any])
      #expect((writeBack["unwritable"] as? [String])?.count == 1)
    }
  }
}
