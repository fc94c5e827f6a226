import Foundation
import Testing

/// The merge driver in a real git.
struct MergeDriverTests {
  private let place: Workplace
  private let files = ["memory-hosta.json", "unified-memory.json"]

  private let key = "hosta_x_2026-01-02T03:04:00.000000000Z"
  private var start: String { Example.entry("x", "base", host: "hosta", second: 0, key: key) }
  private var ours: [String] {
    [
      Example.entry("a", "ours alone", host: "hosta", second: 1),
      Example.entry("x", "ours", host: "hosta", second: 2, key: key),
    ]
  }
  private var theirs: [String] {
    [
      Example.entry("b", "theirs alone", host: "hostb", second: 1),
      Example.entry("x", "theirs", host: "hostb", second: 3, key: key),
    ]
  }
  private var joined: String { Example.state([ours[0], theirs[0], theirs[1]]) }

  init() throws {
    place = try Workplace()
    place.environment = [
      "HOME": place.folder.path, "XDG_CONFIG_HOME": place.path(".config"), "GIT_CONFIG_NOSYSTEM": "1",
      "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org", "GIT_COMMITTER_NAME": "t",
      "GIT_COMMITTER_EMAIL": "t@example.org", "GIT_EDITOR": "true", "LC_ALL": "C",
    ]
  }

  /// Two branches that changed the same lines of both files.
  private func diverge(install: String = #""$MERGE" install"#) throws {
    try place.shell("git init -q -b main . && git config commit.gpgsign false")
    try #require(try place.shell(install).status == 0)
    try commit([start])
    try place.shell("git branch other")
    try commit(ours)
    try place.shell("git checkout -q other")
    try commit(theirs)
    try place.shell("git checkout -q main")
  }

  private func commit(_ entries: [String]) throws {
    for file in files { try place.write(file, Example.state(entries)) }
    let outcome = try place.shell("git add -A . && git commit -q -m change")
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  private func expectJoined(_ command: String) throws {
    let outcome = try place.shell(command)
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    for file in files { #expect(try place.read(file) == joined) }
    #expect(try place.shell("git status --porcelain --untracked-files=no").output.isEmpty)
  }

  @Test func `without the driver the same merge is a conflict`() throws {
    try diverge(install: "true")
    #expect(try place.shell("git merge -q other").status == 1)
  }

  @Test func `git merge joins`() throws {
    try diverge()
    try expectJoined("git merge -q -m merge other")
  }

  @Test func `git rebase joins`() throws {
    try diverge()
    try expectJoined("git rebase -q other")
  }

  @Test func `git cherry-pick joins`() throws {
    try diverge()
    try expectJoined("git cherry-pick other")
  }

  @Test func `git merge joins from a subfolder, and files that both added`() throws {
    try place.shell("git init -q -b main . && \"$MERGE\" install && git add -A . && git commit -q -m start")
    try place.shell("git checkout -q -b other")
    try commit(theirs)
    try place.shell("git checkout -q main")
    try place.write("sub/file", "")
    try commit(ours)
    let outcome = try place.run("/bin/sh", ["-c", "git merge -q -m merge other"], in: "sub")
    #expect(outcome.status == 0, "\(outcome.errors)")
    for file in files { #expect(try place.read(file) == joined) }
  }

  @Test func `shards are joined too`() throws {
    try place.shell("git init -q -b main . && \"$MERGE\" install")
    let shards = ["memory-hosta/0f.json", "memory-hosta/2026-01.json"]
    func commitShards(_ entries: [String]) throws {
      for shard in shards { try place.write(shard, Example.state(entries)) }
      try place.shell("git add -A . && git commit -q -m change")
    }
    try commitShards([start])
    try place.shell("git checkout -q -b other")
    try commitShards(theirs)
    try place.shell("git checkout -q main")
    try commitShards(ours)
    #expect(try place.shell("git merge -q -m merge other").status == 0)
    for shard in shards { #expect(try place.read(shard) == joined) }
  }

  @Test func `a broken side is a conflict that leaves our file alone`() throws {
    try diverge()
    try place.shell("git checkout -q other && printf '[\\n{\"id\":' > memory-hosta.json && git commit -q -am broken")
    try place.shell("git checkout -q main")
    let outcome = try place.shell("git merge -q -m merge other")
    #expect(outcome.status == 1)
    #expect(
      (outcome.errors + outcome.output).contains(
        "memory-hosta.json (theirs):2:7: the file ends in the middle of a value"))
    #expect(try place.read("memory-hosta.json") == Example.state(ours))
    #expect(try place.read("unified-memory.json") == joined)
    #expect(try place.shell("git diff --name-only --diff-filter=U").output == "memory-hosta.json\n")
  }

  @Test func `what both sides no longer hold does not come back from the base`() throws {
    try place.write("base", Example.state([start]))
    try place.write("ours", Example.state([ours[0]]))
    try place.write("theirs", Example.state([theirs[0]]))
    #expect(try place.merge("driver", "base", "ours", "theirs", "memory-hosta.json").status == 0)
    #expect(try place.read("ours") == Example.state([ours[0], theirs[0]]))
    try place.write("base", "")
    #expect(try place.merge("driver", "base", "ours", "theirs").status == 0)
    #expect(try place.merge("driver", "base", "ours").status == 64)
    #expect(try place.merge("driver", "base", "ours", "missing").status == 66)
  }

  @Test func `entries without metadata belong to the host in the file's name`() throws {
    try place.write("base", "[]")
    try place.write(".merge_file_a", #"[{"id":"old"}]"#)
    try place.write(".merge_file_b", "[]")
    #expect(try place.merge("driver", "base", ".merge_file_a", ".merge_file_b", "s/memory-hosta.json").status == 0)
    #expect(try place.read(".merge_file_a").contains(#""unique_id":"hosta_old_1970-01-01T00:00:00.000000000Z""#))
  }

  @Test func `installing again changes nothing, and uninstalling takes it all back`() throws {
    try place.shell("git init -q .")
    let own = "*.bin binary\r\nmemory-*.json text"
    try place.write(".gitattributes", own)
    let before = try place.read(".git/config")
    #expect(try place.shell(#""$MERGE" install"#).status == 0)
    let attributes = try place.read(".gitattributes")
    let configuration = try place.read(".git/config")
    let lines = ["memory-*.json", "memory-*/*.json", "unified-memory.json"].map { $0 + " merge=crdt-memory\n" }
    #expect(attributes == own + "\n" + lines.joined())
    #expect(try place.shell(#""$MERGE" install --local"#).status == 0)
    #expect(try place.read(".gitattributes") == attributes)
    #expect(try place.read(".git/config") == configuration)
    #expect(try place.shell(#""$MERGE" uninstall"#).status == 0)
    #expect(try place.read(".gitattributes") == own + "\n")
    #expect(try place.read(".git/config") == before)
    #expect(try place.shell(#""$MERGE" uninstall"#).status == 0)
  }

  @Test func `the lines are those of a store`() throws {
    let sandbox = try Sandbox(remote: false)
    let host = sandbox.host("h")
    host.remember("a", "one")
    try #require(try sandbox.run(["--store", host.store, "--memory", host.memory]).code == 0)
    try place.shell(#"git init -q . && "$MERGE" install"#)
    #expect(try place.read(".gitattributes") == String(contentsOfFile: host.store + "/.gitattributes", encoding: .utf8))
  }

  @Test func `installing for a user needs no repository and works in all`() throws {
    let outcome = try place.shell(#""$MERGE" install --global"#)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try place.read(".config/git/attributes").hasPrefix("/memory-*.json merge=crdt-memory\nmemory-*/*.json"))
    try diverge(install: "true")
    try expectJoined("git merge -q -m merge other")
    #expect(try place.shell(#""$MERGE" uninstall --global"#).status == 0)
    #expect(!FileManager.default.fileExists(atPath: place.path(".config/git/attributes")))
    try place.shell("git config --global core.attributesFile '~/my attributes'")
    #expect(try place.shell(#""$MERGE" install --global"#).status == 0)
    #expect(try place.read("my attributes").contains("/unified-memory.json merge=crdt-memory\n"))
  }

  @Test func `a path with spaces, quotes and percent signs works`() throws {
    let folder = "it's 100%A \"fine\" $HOME"
    try FileManager.default.createDirectory(atPath: place.path(folder), withIntermediateDirectories: false)
    let copy = place.path(folder + "/crdt-merge")
    try FileManager.default.copyItem(atPath: Workplace.mergeExecutable, toPath: copy)
    place.environment["COPY"] = copy
    try place.write(".git/info/exclude", "it*\n")
    try diverge(install: #""$COPY" install && mkdir -p .git/info && echo 'it*' > .git/info/exclude"#)
    try expectJoined("git merge -q -m merge other")
  }

  @Test func `outside a repository and without git it says so`() throws {
    place.environment["GIT_CEILING_DIRECTORIES"] = place.folder.deletingLastPathComponent().path
    let outside = try place.shell(#""$MERGE" install"#)
    #expect(outside.status == 66)
    #expect(outside.errors.contains("crdt-merge: not in the work tree of a git repository"))
    let without = try place.shell(#"PATH=/nonexistent "$MERGE" install"#)
    #expect(without.status == 78)
    #expect(without.errors.contains("crdt-merge: git cannot be run"))
  }
}
