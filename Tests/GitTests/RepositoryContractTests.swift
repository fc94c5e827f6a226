import Git
import TestKit
import Testing

/// One suite for every implementation of `Repository`.
enum Backend: CaseIterable, Sendable {
  case real, simulated
}

/// A repository of one backend, with what has to live as long.
struct Fixture {
  let repository: any Repository
  private let folder: TemporaryFolder?

  init(_ backend: Backend) throws {
    switch backend {
    case .real:
      let folder = TemporaryFolder()
      repository = try LibGit2Repository.initialize(folder("store"), branch: "main")
      self.folder = folder
    case .simulated:
      repository = SimulatedRepository()
      folder = nil
    }
  }
}

func signature(_ seconds: Int64) -> Signature {
  Signature(name: "Host a", email: "a@example.org", timeSeconds: seconds)
}

extension Repository {
  /// A commit of one file.
  func commit(_ text: String, file: String = "f", parents: [ObjectID] = [], time: Int64 = 1_700_000_000)
    throws
    -> ObjectID
  {
    let tree = try writeTree([TreeEntry(name: file, mode: .file, id: writeBlob(Array(text.utf8)))])
    return try writeCommit(tree: tree, parents: parents, signature: signature(time), message: text)
  }
}

func code(_ body: () throws -> Void) -> GitError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? GitError)?.code
  }
}

@Suite struct RepositoryContractTests {
  @Test(arguments: Backend.allCases) func blobsComeBackWithGitsOwnIDs(_ backend: Backend) throws {
    let fixture = try Fixture(backend)
    let repository = fixture.repository
    let id = try repository.writeBlob(Array("hello\n".utf8))
    #expect(id.description == "ce013625030ba8dba906f756967f9e9ca394464a")
    #expect(try repository.blobID(of: Array("hello\n".utf8)) == id)
    #expect(try repository.readBlob(id) == Array("hello\n".utf8))
    #expect(try repository.writeBlob(Array("hello\n".utf8)) == id)
    let empty = try repository.writeBlob([])
    #expect(empty.description == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
    #expect(try repository.readBlob(empty) == [])
    let missing = try repository.blobID(of: [1])
    #expect(code { _ = try repository.readBlob(missing) } == .notFound)
  }

  @Test(arguments: Backend.allCases) func treesSortAsGitAndRefuseBadNames(_ backend: Backend) throws {
    let fixture = try Fixture(backend)
    let repository = fixture.repository
    let blob = try repository.writeBlob([65])
    let inner = try repository.writeTree([TreeEntry(name: "x", mode: .executable, id: blob)])
    let entries = [
      TreeEntry(name: "a0", mode: .file, id: blob), TreeEntry(name: "a", mode: .folder, id: inner),
      TreeEntry(name: "a-", mode: .file, id: blob),
    ]
    let id = try repository.writeTree(entries)
    #expect(try repository.readTree(id).map(\.name) == ["a-", "a", "a0"])
    #expect(try repository.writeTree(entries.reversed()) == id)
    #expect(try repository.writeTree([]).description == "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    #expect(throws: GitError.self) { try repository.writeTree([entries[0], entries[0]]) }
    for name in ["", ".", "..", ".git", "a/b"] {
      #expect(throws: GitError.self) {
        try repository.writeTree([TreeEntry(name: name, mode: .file, id: blob)])
      }
    }
  }

  @Test(arguments: Backend.allCases) func commitsKeepEverything(_ backend: Backend) throws {
    let fixture = try Fixture(backend)
    let repository = fixture.repository
    let first = try repository.commit("one\n")
    #expect(first.description == "d0ac54195a66a3f8f0ac5a2e9ac9b4a8cb23a4f4" || first.description.count == 40)
    let second = try repository.commit("zwei, ä\n\nmore", parents: [first])
    let read = try repository.readCommit(second)
    #expect(read.parents == [first])
    #expect(read.message == "zwei, ä\n\nmore")
    #expect(read.author == signature(1_700_000_000))
    #expect(code { _ = try repository.readCommit(read.tree) } == .notFound)
  }

  @Test func bothBackendsGiveTheSameIDs() throws {
    let real = try Fixture(.real)
    let simulated = try Fixture(.simulated)
    let one = try real.repository.commit("one\n")
    #expect(try simulated.repository.commit("one\n") == one)
    #expect(
      try simulated.repository.commit("two", parents: [one])
        == real.repository.commit("two", parents: [one]))
  }

  @Test(arguments: Backend.allCases) func refsAreCompareAndSwap(_ backend: Backend) throws {
    let fixture = try Fixture(backend)
    let repository = fixture.repository
    let (one, two) = (try repository.commit("one"), try repository.commit("two"))
    let name = "refs/heads/main"
    #expect(try repository.reference(name) == nil)
    #expect(
      code { try repository.updateReference(name, to: one, expecting: two, message: "m") } == .refChanged)
    try repository.updateReference(name, to: one, expecting: nil, message: "m")
    #expect(try repository.reference(name) == one)
    #expect(
      code { try repository.updateReference(name, to: two, expecting: nil, message: "m") } == .refChanged)
    #expect(
      code { try repository.updateReference(name, to: two, expecting: two, message: "m") } == .refChanged)
    #expect(try repository.reference(name) == one)
    try repository.updateReference(name, to: two, expecting: one, message: "m")
    try repository.updateReference("refs/crdt/x", to: one, expecting: nil, message: "m")
    #expect(try repository.references(prefix: "refs/").map(\.name) == ["refs/crdt/x", name])
    #expect(try repository.references(prefix: "refs/crdt/").map(\.id) == [one])
    #expect(
      code { try repository.updateReference(name, to: nil, expecting: one, message: "m") } == .refChanged)
    #expect(
      code { try repository.updateReference(name, to: nil, expecting: nil, message: "m") } == .refChanged)
    try repository.updateReference(name, to: nil, expecting: two, message: "m")
    #expect(try repository.reference(name) == nil)
    #expect(
      code { try repository.updateReference(name, to: nil, expecting: two, message: "m") } == .refChanged)
    try repository.updateReference(name, to: nil, expecting: nil, message: "m")
  }

  @Test(arguments: Backend.allCases) func historyQuestions(_ backend: Backend) throws {
    let fixture = try Fixture(backend)
    let repository = fixture.repository
    let root = try repository.commit("root", time: 1)
    let left = try repository.commit("left", parents: [root], time: 2)
    let right = try repository.commit("right", parents: [root], time: 3)
    let merged = try repository.commit("merged", parents: [left, right], time: 4)
    let stranger = try repository.commit("stranger", time: 5)
    #expect(try repository.isAncestor(root, of: merged))
    #expect(try repository.isAncestor(merged, of: merged))
    #expect(try !repository.isAncestor(left, of: right))
    #expect(try repository.mergeBase(left, right) == root)
    #expect(try repository.mergeBase(merged, left) == left)
    #expect(try repository.mergeBase(left, stranger) == nil)
    #expect(try repository.walk(from: [merged], hiding: []) == [merged, right, left, root])
    #expect(try repository.walk(from: [merged], hiding: [left]) == [merged, right])
    #expect(try repository.walk(from: [], hiding: []) == [])
    let missing = try repository.blobID(of: [9])
    #expect(throws: GitError.self) { try repository.isAncestor(root, of: missing) }
    #expect(throws: GitError.self) { try repository.mergeBase(root, missing) }
  }

  @Test(arguments: Backend.allCases) func treesMergeByFile(_ backend: Backend) throws {
    let fixture = try Fixture(backend)
    let repository = fixture.repository
    func tree(_ files: [String: String]) throws -> ObjectID {
      try repository.writeTree(
        files.map { try TreeEntry(name: $0, mode: .file, id: repository.writeBlob(Array($1.utf8))) })
    }
    let base = try tree(["a": "1", "b": "1", "c": "1"])
    let ours = try tree(["a": "2", "b": "1", "d": "1"])
    let theirs = try tree(["a": "1", "b": "3", "c": "1"])
    guard case .clean(let id) = try repository.mergeTrees(base: base, ours: ours, theirs: theirs) else {
      Issue.record("no clean merge")
      return
    }
    #expect(try id == tree(["a": "2", "b": "3", "d": "1"]))
    let against = try tree(["a": "4", "b": "1", "c": "1"])
    guard case .conflicts(let paths) = try repository.mergeTrees(base: base, ours: ours, theirs: against)
    else {
      Issue.record("no conflict")
      return
    }
    #expect(paths == ["a"])
    guard
      case .clean(let union) = try repository.mergeTrees(
        base: nil, ours: tree(["x": "1"]), theirs: tree(["y": "1"]))
    else {
      Issue.record("no clean merge")
      return
    }
    #expect(try union == tree(["x": "1", "y": "1"]))
  }

  @Test(arguments: Backend.allCases) func settingsAreReadWrittenAndRemoved(_ backend: Backend) throws {
    let fixture = try Fixture(backend)
    let repository = fixture.repository
    #expect(try repository.setting("crdt.host") == nil)
    try repository.setSetting("crdt.host", to: "hosta")
    try repository.setSetting("crdt.host", to: "host b; #")
    #expect(try repository.setting("crdt.host") == "host b; #")
    try repository.setSetting("crdt.host", to: nil)
    try repository.setSetting("crdt.host", to: nil)
    #expect(try repository.setting("crdt.host") == nil)
  }
}
