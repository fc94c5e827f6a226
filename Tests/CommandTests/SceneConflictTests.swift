import Foundation
import TestKit
import Testing

/// Conflicts: listed, shown side by side, resolved for all hosts.
@Suite struct SceneConflictTests {
  /// Three hosts that added one id each on its own.
  private func scene(_ names: String...) throws -> (Sandbox, [SceneHost]) {
    let sandbox = try Sandbox()
    let hosts = names.map { sandbox.host($0) }
    for host in hosts {
      host.remember([("same", "by \(host.name)"), ("own-\(host.name)", "fine")])
      #expect(try host.setUp().code == 0)
    }
    for host in hosts { #expect(try host.backup().code == 0) }
    return (sandbox, hosts)
  }

  private func conflicts(_ host: SceneHost) throws -> Int {
    try #require(try host.run("status", "--json").json()["conflicts"] as? Int)
  }

  @Test func aResolvedConflictIsGoneOnEveryHost() throws {
    let (sandbox, hosts) = try scene("a", "b", "c")
    #expect(try conflicts(hosts[0]) == 1)
    let tip = try hosts[0].tip()
    let dry = try hosts[0].run("conflicts", "resolve", "same", "--take", "b", "--dry-run")
    #expect(dry.code == 0 && dry.output.contains("Would keep the value of b of same, and give up 2 others"), "\(dry)")
    #expect(try hosts[0].tip() == tip)
    let done = try hosts[0].run("conflicts", "resolve", "same", "--take", "b", "--json")
    #expect(done.code == 0, "\(done)")
    #expect(try done.json()["takenFrom"] as? String == "b")
    #expect(try done.json()["settled"] as? Int == 2)
    for host in hosts {
      #expect(try host.backup().code == 0)
      #expect(try host.view()["same"] == "by b")
      #expect(try conflicts(host) == 0)
      let list = try host.run("conflicts")
      #expect(list.output == "No conflicts", "\(list)")
      #expect(try host.history("same") == ["by a", "by b", "by c"])
    }
    #expect(try hosts[0].unified() == hosts[2].unified())
    // Decided already; and the memory files that still say otherwise do not open it again.
    #expect(try hosts[1].run("conflicts", "resolve", "same", "--take", "a").code == 66)
    let quiet = try sandbox.remoteTip()
    for host in hosts { #expect(try host.backup().code == 0) }
    #expect(try sandbox.remoteTip() == quiet)
  }

  @Test func aValueWrittenMeanwhileElsewhereIsAConflictAgain() throws {
    let (_, hosts) = try scene("a", "b")
    #expect(try hosts[0].run("conflicts", "resolve", "same", "--take", "a").code == 0)
    hosts[1].remember([("same", "by b, edited meanwhile"), ("own-b", "fine")])
    #expect(try hosts[1].backup().code == 0)
    #expect(try hosts[0].backup().code == 0)
    for host in hosts {
      #expect(try conflicts(host) == 1)
      #expect(try host.view()["same"] == "by b, edited meanwhile")
    }
    #expect(try hosts[1].run("conflicts", "resolve", "same", "--take", "1").code == 0)
    #expect(try hosts[0].backup().code == 0)
    for host in hosts { #expect(try conflicts(host) == 0) }
  }

  @Test func valuesAreShownSideBySideOnAWideTerminal() throws {
    let (sandbox, hosts) = try scene("a", "b")
    func show(_ columns: Int) throws -> [Substring] {
      let outcome = try sandbox.run(
        ["conflicts", "show", "same", "--store", hosts[0].store], with: ["COLUMNS": "\(columns)"])
      #expect(outcome.code == 0, "\(outcome)")
      return outcome.output.split(separator: "\n")
    }
    let wide = try show(120)
    #expect(wide.contains { $0.contains("by a") && $0.contains(" | ") && $0.contains("by b") }, "\(wide)")
    let narrow = try show(80)
    #expect(!narrow.contains { $0.contains("by a") && $0.contains("by b") })
    #expect(narrow.contains { $0.hasPrefix("1  b  shown") } && narrow.contains { $0.hasPrefix("2  a") }, "\(narrow)")
    let json = try hosts[0].run("conflicts", "show", "same", "--json").json()
    let values = try #require(json["values"] as? [[String: Any]])
    #expect(values.map { $0["number"] as? Int } == [1, 2])
    #expect(values.map { $0["shown"] as? Bool } == [true, false])
    #expect(values.map { $0["host"] as? String } == ["b", "a"])
    #expect(try hosts[0].run("conflicts", "show", "own-a").code == 66)
  }

  @Test func aHostWithSeveralValuesIsAmbiguousUntilOneIsNamed() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember([("same", "first of a"), ("same", "second of a")])
    b.remember([("same", "by b")])
    for host in [a, b] { #expect(try host.setUp().code == 0) }
    #expect(try a.backup().code == 0)
    let refused = try a.run("conflicts", "resolve", "same", "--take", "a")
    #expect(refused.code == 64, "\(refused)")
    let values = try #require(try a.run("conflicts", "show", "same", "--json").json()["values"] as? [[String: Any]])
    #expect(values.count == 3)
    let first = try #require(values.first { ($0["value"] as? [String: Any])?["content"] as? String == "first of a" })
    let stamp = try #require(first["timestamp"] as? String)
    #expect(refused.errorOutput.contains("a@\(stamp)"), "\(refused)")
    #expect(try a.run("conflicts", "resolve", "same", "--take", "a@\(stamp)").code == 0)
    #expect(try b.backup().code == 0)
    #expect(try b.view() == ["same": "first of a"])
    #expect(try conflicts(b) == 0)
  }

  @Test func aFileOrStdinHoldsTheValueUnlessAHostHasThatName() throws {
    let (sandbox, hosts) = try scene("a", "b")
    sandbox.folder.write("a", #"{"id":"same","content":"from the file"}"#)
    let store = ["--store", hosts[0].store]
    func resolve(_ take: String, _ more: String...) throws -> Outcome {
      try sandbox.run(["conflicts", "resolve", "same", "--take", take] + more + store)
    }
    #expect(try resolve("a", "--dry-run").output.contains("the value of a"))
    #expect(try resolve("./a", "--dry-run").output.contains("the value given"))
    #expect(try resolve("no-such").code == 66)
    for (name, text, code) in [
      ("bad", "{", 65), ("other", #"{"id":"other","content":"x"}"#, 65), ("none", #"{"content":"x"}"#, 65),
      ("array", "[]", 65), ("two", #"{"id":"same"}{"id":"same"}"#, 65), ("empty", "", 65),
      ("meta", #"{"id":"same","_crdt_metadata":{}}"#, 65),
      ("secret", #"{"id":"same","content":"password=\#("hunter" + "2x")"}"#, 65),
    ] {
      sandbox.folder.write(name, text)
      let outcome = try resolve(name)
      #expect(outcome.code == Int32(code) && outcome.errorLines.count == 1, "\(name): \(outcome)")
    }
    #expect(try conflicts(hosts[0]) == 1)
    let line =
      "printf '%s' '{\"id\":\"same\", \"content\":\"both, merged\"}' | \"$B\" conflicts resolve same --take - --store '"
    #expect(try sandbox.shell(line + hosts[0].store + "'").code == 0)
    #expect(try hosts[1].backup().code == 0)
    for host in hosts {
      #expect(try host.view()["same"] == "both, merged")
      #expect(try conflicts(host) == 0)
    }
  }
}
