import Foundation
import TestKit
import Testing

/// Repositories of one root commit: clones, forks, and those whose remote changes. Two remotes are one project only where
/// that is said.
@Suite struct CRSProjectsTests {
  private let sandbox: Sandbox
  private let host: SceneHost

  init() throws {
    sandbox = try Sandbox()
    host = sandbox.host("hosta")
  }

  /// A repository, or a clone of one, with a remote or none.
  @discardableResult
  private func repository(_ name: String, of other: String? = nil, remote: String? = nil) throws -> String {
    let path = sandbox.folder(name)
    if let other {
      try GitProgram.run(["clone", "-q", other, path], in: sandbox.folder.path)
    } else {
      try GitProgram.run(["init", "-q", path], in: sandbox.folder.path)
      try GitProgram.run(
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", name], in: path)
    }
    if let remote { try setRemote(path, remote) }
    return path
  }

  private func setRemote(_ path: String, _ remote: String?) throws {
    if try GitProgram.run(["remote"], in: path).contains("origin") {
      try GitProgram.run(["remote", "remove", "origin"], in: path)
    }
    if let remote { try GitProgram.run(["remote", "add", "origin", "https://h/\(remote).git"], in: path) }
  }

  private func run(_ host: SceneHost, _ path: String, _ arguments: [String], input: String = "") throws -> Outcome {
    try host.agent(["crs"] + arguments + ["--folder", path], input: input)
  }

  /// Hosts whose stores `share` carries to each other.
  private func others(_ names: String...) throws -> [SceneHost] {
    let others = names.map { sandbox.host($0) }
    for host in [host] + others {
      host.remember("of-\(host.name)", "x")
      succeed(try host.setUp())
    }
    return others
  }

  private func share(_ others: [SceneHost]) throws {
    for _ in 0..<2 { for host in [host] + others { succeed(try host.backup()) } }
  }

  private func crs(_ path: String, _ arguments: String..., input: String = "") throws -> Outcome {
    try run(host, path, arguments, input: input)
  }

  private func apply(_ path: String, _ node: String, on other: SceneHost? = nil) throws {
    let outcome = try run(
      other ?? host, path, ["apply"], input: #"{"type":"proof","source":"hard","updates":[{"node":"\#(node)"}]}"# + "\n"
    )
    #expect(outcome.code == 0, "\(outcome)")
  }

  private func nodes(_ path: String, on other: SceneHost? = nil) throws -> Set<String> {
    let outcome = try run(other ?? host, path, ["query", "proofs", "--json"])
    guard outcome.code == 0 else { return ["exit code \(outcome.code)"] }
    let items = try #require(try outcome.json()["items"] as? [[String: Any]])
    return Set(items.compactMap { $0["node"] as? String })
  }

  private func succeed(_ outcome: Outcome) { #expect(outcome.code == 0, "\(outcome)") }

  /// Every command refuses, names what it may be, and leaves all as it was.
  private func expectUnclear(_ path: String, _ words: String...) throws {
    let export = sandbox.folder("export-\(UUID().uuidString).json")
    succeed(try host.agent(["crs", "export", "--project", "of-export", "-o", export]))
    func files() throws -> String { try sandbox.shell("find agent-hosta -type f | sort | xargs sha256sum").output }
    let before = try files()
    for arguments in [
      ["apply"], ["query", "proofs"], ["status"], ["verify"], ["save"], ["save", "--local"], ["load"], ["export"],
      ["import", export], ["import", export, "--other-project"], ["metrics"], ["history"], ["init"],
    ] {
      let outcome = try run(
        host, path, arguments, input: #"{"type":"proof","source":"hard","updates":[{"node":"x"}]}"# + "\n")
      #expect(outcome.code == 64, "\(arguments): \(outcome)")
      for word in words { #expect(outcome.errorOutput.contains(word), "\(arguments): \(outcome)") }
    }
    #expect(try files() == before)
  }

  /// For `expectUnclear`: something to import.
  private func makeOther() throws {
    succeed(try host.agent(["crs", "init", "--project", "of-export"]))
    succeed(try host.agent(["crs", "save", "--project", "of-export"]))
  }

  @Test func aRemoteGivenLaterIsNotThatOfACloneThatTheStateWentTo() throws {
    let first = try repository("first")
    try apply(first, "of-first")
    // The only project of that root commit, and it has no remote: the clone goes on with it.
    let clone = try repository("clone", of: first, remote: "u")
    #expect(try nodes(clone) == ["of-first"])
    try apply(clone, "of-clone")
    #expect(try nodes(first) == ["of-first", "of-clone"])
    try makeOther()
    try setRemote(first, "v")
    try expectUnclear(first, "known as git:h/u", "is git:h/v now", "--same-as git:h/u", "--new")
    succeed(try crs(first, "init", "--new"))
    #expect(try nodes(first) == [])
    try apply(first, "of-v")
    #expect(try nodes(clone) == ["of-first", "of-clone"])
    #expect(try nodes(first) == ["of-v"])
    succeed(try crs(first, "init", "--new"))
    #expect(try nodes(first) == ["of-v"])
  }

  @Test func aForkInTheFolderOfAnotherCloneIsAskedWhichItIs() throws {
    let origin = try repository("origin")
    let place = try repository("place", of: origin, remote: "u")
    try apply(place, "of-u")
    succeed(try crs(place, "save"))
    try makeOther()
    try FileManager.default.removeItem(atPath: place)
    try repository("place", of: origin, remote: "v")
    try expectUnclear(place, "known as git:h/u", "is git:h/v now", "--same-as git:h/u", "--new")
    succeed(try crs(place, "init", "--new"))
    try apply(place, "of-v")
    succeed(try crs(place, "save"))
    #expect(try crs(place, "load").code == 0)
    #expect(try nodes(place) == ["of-v"])
    // The folder is the fork's now, also where nothing but the root commit is left to tell.
    try setRemote(place, nil)
    #expect(try nodes(place) == ["of-v"])
    // The state of the other can be brought along.
    let elsewhere = try repository("elsewhere", of: origin, remote: "u")
    #expect(try nodes(elsewhere) == ["of-u"])
    try setRemote(place, "v")
    succeed(try crs(elsewhere, "export", "-o", sandbox.folder("u.json")))
    succeed(try crs(place, "import", sandbox.folder("u.json"), "--other-project"))
    #expect(try nodes(place) == ["of-u", "of-v"])
    #expect(try nodes(elsewhere) == ["of-u"])
  }

  @Test func aCloneWithoutARemoteIsNoneOfTwoForksUntilItIsSaid() throws {
    let origin = try repository("origin")
    let (u, v) = (
      try repository("u", of: origin, remote: "u"), try repository("v", of: origin, remote: "v")
    )
    try apply(u, "of-u")
    // A plain clone of the only one known is that one.
    let early = try repository("early", of: u)
    #expect(try nodes(early) == ["of-u"])
    try apply(early, "of-early")
    try apply(v, "of-v")
    try makeOther()
    let local = try repository("local", of: v)
    try expectUnclear(local, "git:h/u and git:h/v", "--same-as KEY", "--project NAME")
    #expect(try crs(local, "init", "--new").code == 64)
    let unknown = try crs(local, "init", "--same-as", "git:h/none")
    #expect(unknown.code == 64 && unknown.errorOutput.contains("git:h/u and git:h/v and name:of-export"), "\(unknown)")
    #expect(try crs(local, "init", "--same-as", "git:h/u", "--new").code == 64)
    succeed(try crs(local, "init", "--same-as", "git:h/v"))
    succeed(try crs(local, "init", "--same-as", "git:h/v"))
    #expect(try nodes(local) == ["of-v"])
    // A folder that was taken up stays what it was.
    #expect(try nodes(early) == ["of-u", "of-early"])
    // Given a remote that is neither, it is asked again.
    try setRemote(local, "w")
    try expectUnclear(local, "known as git:h/v", "is git:h/w now")
    // One project is not made part of another that has a state of its own.
    #expect(try crs(u, "init", "--same-as", "git:h/v").code == 64)
  }

  @Test func aRenamedRemoteGoesOnUnderBothNamesOnAllHosts() throws {
    let others = try others("hostb", "hostc", "hostd")
    let origin = try repository("origin")
    let path = try repository("path", of: origin, remote: "old")
    try apply(path, "before")
    succeed(try crs(path, "save"))
    // Hosts that know but one of the names.
    let (knowsOld, knowsNew, fresh) = (others[0], others[1], others[2])
    let (old, new) = (try repository("b", of: origin, remote: "old"), try repository("c", of: origin, remote: "new"))
    try apply(old, "of-b", on: knowsOld)
    succeed(try run(knowsOld, old, ["save"]))
    try apply(new, "of-c", on: knowsNew)
    succeed(try run(knowsNew, new, ["save"]))
    try setRemote(path, "new")
    #expect(try crs(path, "load").code == 64)
    succeed(try crs(path, "init", "--same-as", "git:h/old"))
    #expect(try nodes(path) == ["before"])
    try apply(path, "after")
    // A project is called by its key, whichever of its names a repository has.
    let saved = try crs(path, "save", "--json")
    #expect((try saved.json()["metadata"] as? [String: Any])?["project"] as? String == "git:h/old", "\(saved)")
    try share(others)
    let all: Set = ["before", "after", "of-b", "of-c"]
    for (host, path) in [(host, path), (knowsOld, old), (knowsNew, new)] {
      succeed(try run(host, path, ["load"]))
      #expect(try nodes(path, on: host) == all, "\(host.name)")
    }
    let either = try repository("d", of: origin, remote: "new")
    succeed(try run(fresh, either, ["load"]))
    #expect(try nodes(either, on: fresh) == all)
  }

  @Test func aRepositoryThatGetsItsFirstRemoteGoesOn() throws {
    let origin = try repository("origin")
    let u = try repository("u", of: origin, remote: "u")
    try apply(origin, "of-origin")
    // Another of that root commit is here: the folder tells.
    succeed(try crs(u, "init", "--new"))
    try setRemote(origin, "v")
    #expect(try nodes(origin) == ["of-origin"])
    try apply(origin, "of-v")
    #expect(try nodes(origin) == ["of-origin", "of-v"])
    #expect(try nodes(u) == [])
    // A worktree has another folder and the same remote.
    try GitProgram.run(["worktree", "add", "-q", sandbox.folder("tree"), "-b", "branch"], in: origin)
    #expect(try nodes(sandbox.folder("tree")) == ["of-origin", "of-v"])
  }

  @Test func aCloneWithARemoteDoesNotTakeWhatMayBeOfAFork() throws {
    let origin = try repository("origin")
    try apply(origin, "of-origin")
    let u = try repository("u", of: origin, remote: "u")
    succeed(try crs(u, "init", "--new"))
    try makeOther()
    let w = try repository("w", of: origin, remote: "w")
    try expectUnclear(w, "git:h/w", "git:h/u", "root:", "--same-as KEY", "--new")
    succeed(try crs(w, "init", "--new"))
    #expect(try nodes(w) == [])
    #expect(try nodes(origin) == ["of-origin"])
  }

  @Test func aBackupOfARepositoryWithoutARemoteIsOfNoForkUnlessChosen() throws {
    let origin = try repository("origin")
    let others = try others("hostb", "hostc")
    let (a, b) = (others[0], others[1])
    try apply(origin, "of-origin")
    succeed(try crs(origin, "save"))
    try share(others)
    let (u, v) = (try repository("u", of: origin, remote: "u"), try repository("v", of: origin, remote: "v"))
    // As long as there is one project of that root commit, it is that one.
    try apply(u, "of-u", on: a)
    succeed(try run(a, u, ["save"]))
    succeed(try run(a, u, ["load"]))
    #expect(try nodes(u, on: a) == ["of-u", "of-origin"])
    try apply(v, "of-v", on: b)
    succeed(try run(b, v, ["save"]))
    try share(others)
    let load = try run(b, v, ["load", "--json"])
    #expect(load.code == 0 && load.errorOutput.contains("the backup of hosta"), "\(load)")
    #expect((try load.json()["unclear"] as? [Any])?.count == 1)
    #expect(try nodes(v, on: b) == ["of-v"])
    let history = try run(b, v, ["history", "--json"]).json()
    #expect((history["backups"] as? [Any])?.count == 1 && (history["unclear"] as? [Any])?.count == 1)
    succeed(try run(b, v, ["load", "--host", "hosta"]))
    #expect(try nodes(v, on: b) == ["of-v", "of-origin"])
    // Its own host gives it a remote: then it is clear, and the backups before it are.
    try setRemote(origin, "v")
    succeed(try crs(origin, "save"))
    try share(others)
    let cleared = try run(b, v, ["load", "--json"])
    #expect(cleared.code == 0 && !cleared.errorOutput.contains("passed over"), "\(cleared)")
    #expect((try run(b, v, ["history", "--json"]).json()["unclear"] as? [Any]) == nil)
    #expect(try nodes(u, on: a) == ["of-u", "of-origin"])
  }

  @Test func aCloneWithoutARemoteIsWhatItLoaded() throws {
    let others = try others("hostb", "hostc")
    let (single, chooses) = (others[0], others[1])
    let origin = try repository("origin")
    let (u, v) = (try repository("u", of: origin, remote: "u"), try repository("v", of: origin, remote: "v"))
    try apply(u, "of-u")
    succeed(try crs(u, "save"))
    try share(others)
    let local = try repository("local", of: origin)
    let load = try run(single, local, ["load"])
    #expect(load.code == 0 && load.output.contains("is git:h/u from now on"), "\(load)")
    try apply(v, "of-v", on: chooses)
    succeed(try run(chooses, v, ["save"]))
    try share(others)
    // A fork that comes later is none of its business, nor is it the fork when it gets that remote.
    let again = try run(single, local, ["load"])
    #expect(again.code == 0 && !again.output.contains("from now on"), "\(again)")
    #expect(try nodes(local, on: single) == ["of-u"])
    try setRemote(local, "v")
    #expect(try run(single, local, ["status"]).code == 64)
    try setRemote(local, "u")
    #expect(try nodes(local, on: single) == ["of-u"])
    // Where several are in the store, the host that is chosen tells.
    let fresh = sandbox.host("hostd")
    let other = try repository("other", of: origin)
    let store = ["--store", host.store]
    #expect(try run(fresh, other, ["load"] + store).code == 64)
    succeed(try run(fresh, other, ["load", "--host", "hostc"] + store))
    #expect(try nodes(other, on: fresh) == ["of-v"])
    succeed(try run(fresh, other, ["load"] + store))
    #expect(try nodes(other, on: fresh) == ["of-v"])
  }

  @Test func whatOneHostSavedUnderTwoNamesIsLoadedWhereTheyAreSaidToBeOne() throws {
    let others = try others("hostb", "hostc")
    let (says, fresh) = (others[0], others[1])
    let origin = try repository("origin")
    for name in ["old", "new"] {
      let path = try repository(name, of: origin, remote: name)
      try apply(path, "of-\(name)")
      succeed(try crs(path, "save"))
    }
    let path = try repository("path", of: origin, remote: "old")
    try apply(path, "of-b", on: says)
    try setRemote(path, "new")
    succeed(try run(says, path, ["init", "--same-as", "git:h/old"]))
    succeed(try run(says, path, ["save"]))
    try share(others)
    let clone = try repository("clone", of: origin, remote: "new")
    for host in [fresh, says, host] {
      succeed(try run(host, clone, ["load"]))
      #expect(try nodes(clone, on: host) == ["of-old", "of-new", "of-b"], "\(host.name)")
    }
  }

  @Test func aSaveWithoutARemoteDoesNotTakeInWhatWasSavedUnderOne() throws {
    let origin = try repository("origin")
    let u = try repository("u", of: origin, remote: "u")
    try apply(u, "of-u")
    succeed(try crs(u, "save"))
    try FileManager.default.removeItem(atPath: sandbox.folder("agent-hosta"))
    try apply(origin, "of-origin")
    succeed(try crs(origin, "save"))
    #expect(try nodes(origin) == ["of-origin"])
    // What it saved itself is taken in after a loss.
    try FileManager.default.removeItem(atPath: sandbox.folder("agent-hosta"))
    try apply(origin, "later")
    succeed(try crs(origin, "save"))
    #expect(try nodes(origin) == ["of-origin", "later"])
  }

  @Test func aProjectWhoseFolderIsGoneIsNoEmptyState() throws {
    let path = try repository("path", remote: "u")
    try apply(path, "n")
    succeed(try crs(path, "save"))
    let folder = try #require(try crs(path, "status", "--json").json()["folder"] as? String)
    try FileManager.default.removeItem(atPath: folder)
    for command in [["status"], ["query", "proofs"], ["verify"], ["save"], ["export"]] {
      let outcome = try run(host, path, command)
      #expect(outcome.code == 66 && outcome.errorOutput.contains(folder), "\(command): \(outcome)")
    }
    succeed(try crs(path, "load"))
    // What else was in it nobody knows.
    let query = try crs(path, "query", "proofs")
    #expect(query.code == 65 && query.output.contains("\"n\""), "\(query)")
    succeed(try crs(path, "save", "--accept-loss"))
    #expect(try nodes(path) == ["n"])
  }

  @Test func aLoadThatIsRefusedTakesNoProjectUp() throws {
    let origin = try repository("origin")
    for name in ["u", "v"] {
      let path = try repository(name, of: origin, remote: name)
      try apply(path, "of-\(name)")
      succeed(try crs(path, "save"))
    }
    let other = sandbox.host("hostb")
    for (arguments, code) in [
      (["load"], 64), (["load", "--at", "1999-01-01T00:00:00Z"], 66), (["load", "--host", "nobody"], 66),
    ] as [([String], Int32)] {
      let outcome = try run(other, origin, arguments + ["--store", host.store])
      #expect(outcome.code == code, "\(outcome)")
      #expect(try sandbox.shell("find agent-hostb").output.contains("crs/") == false)
    }
    // A clone of a third remote finds nothing that is its own, either.
    let third = try repository("third", of: origin, remote: "w")
    #expect(try run(other, third, ["load", "--store", host.store]).code == 66)
    #expect(try sandbox.shell("find agent-hostb").output.contains("crs/") == false)
  }
}
