import CRDT
import CRS
import Durability
import TestKit
import Testing

/// Which of the projects here a repository is: one, none, or not clear.
struct ProjectLookupTests {
  let folder = TemporaryFolder()
  private let context = Fixture.context()

  private func index(_ identities: ProjectIdentity...) throws -> ProjectIndex {
    var index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    for identity in identities { _ = try index.register(identity, context: context) }
    return index
  }

  private func identity(_ key: ByteString, _ aliases: ByteString...) -> ProjectIdentity {
    ProjectIdentity(key: key, aliases: aliases)
  }

  private func expectUnclear(_ index: ProjectIndex, _ identity: ProjectIdentity, _ words: String...) {
    let error = #expect(throws: CRSError.self) { try index.project(identity) }
    #expect(error?.code == .usage)
    for word in words { #expect(error?.description.contains(word) == true, "\(String(describing: error))") }
  }

  @Test func aForkWithARemoteOfItsOwnIsAnotherProject() throws {
    let (a, fork) = (identity("git:h/a", "path:1", "root:r"), identity("git:h/fork", "path:2", "root:r"))
    #expect(!a.isSameProject(as: fork) && !fork.isSameProject(as: a))
    let index = try index(a, fork)
    #expect(index.projects.count == 2)
    #expect(try index.project(a)?.identity.key == "git:h/a")
    // Without a remote it is the folder that tells, else nothing does.
    #expect(try index.project(identity("root:r", "path:2"))?.identity.key == "git:h/fork")
    expectUnclear(index, identity("root:r", "path:3"), "git:h/a and git:h/fork", "--same-as KEY", "--project NAME")
    #expect(try index.project(identity("root:other", "path:1")) == nil)
    // What was known by a remote before it had another is still known by it.
    let moved = identity("git:h/a", "git:h/moved", "root:r")
    #expect(moved.isSameProject(as: identity("git:h/moved", "root:r")) && !moved.isSameProject(as: fork))
  }

  @Test func aRootCommitAloneIsAProjectOnlyWhereThereIsNoOther() throws {
    var index = try index(identity("root:r", "path:1"))
    // Of a key that is equal, too.
    let clone = identity("git:h/u", "path:2", "root:r")
    #expect(try index.project(clone)?.identity.key == "root:r")
    _ = try index.register(clone, as: .new, context: context)
    expectUnclear(index, identity("root:r", "path:3"), "git:h/u and root:r")
    expectUnclear(index, identity("git:h/w", "path:3", "root:r"), "--same-as KEY", "--new")
    // In its own folder it goes on, with a remote and without.
    #expect(try index.project(identity("root:r", "path:1"))?.identity.key == "root:r")
    #expect(try index.project(identity("git:h/w", "path:1", "root:r"))?.identity.key == "root:r")
    // A given name has nothing to do with a root commit.
    #expect(try index.project(identity("name:x", "path:1", "root:r")) == nil)
  }

  @Test func twoRemotesInOneFolderAreOneProjectOnlyWhenThatIsSaid() throws {
    var index = try index(identity("git:h/old", "path:1", "root:r"))
    let later = identity("git:h/new", "path:1", "root:r")
    expectUnclear(index, later, "git:h/old", "git:h/new", "--same-as git:h/old", "--new")
    #expect(throws: CRSError.self) { try index.register(later, context: context) }
    #expect(index.projects.count == 1)
    let unknown = #expect(throws: CRSError.self) {
      try index.register(later, as: .sameAs("git:h/none"), context: context)
    }
    #expect(unknown?.remedy.contains("git:h/old") == true)
    for _ in 0..<2 {
      let project = try index.register(later, as: .sameAs("git:h/old"), context: context)
      #expect(project.identity.key == "git:h/old" && project.identity.aliases.contains("git:h/new"))
    }
    #expect(try index.project(identity("git:h/new", "path:9"))?.identity.key == "git:h/old")
    #expect(try index.project(identity("git:h/old", "path:9"))?.identity.key == "git:h/old")
    #expect(throws: CRSError.self) { try index.register(later, as: .new, context: context) }
  }

  @Test func anotherProjectTakesTheFolderWithIt() throws {
    var index = try index(identity("git:h/u", "path:1", "root:r"))
    let fork = identity("git:h/v", "path:1", "root:r")
    let project = try index.register(fork, as: .new, context: context)
    #expect(try index.register(fork, as: .new, context: context) == project)
    #expect(index.projects.filter { $0.identity.aliases.contains("path:1") } == [project])
    #expect(try index.project(identity("root:r", "path:1")) == project)
    // The folder's own record says so, too.
    try context.fileSystem.remove(folder("crs/index.json"))
    let again = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
    #expect(again.projects == index.projects)
    // A given name takes no folder from anything.
    _ = try index.register(identity("name:x", "path:1"), context: context)
    #expect(try index.project(identity("root:r", "path:1")) == project)
    #expect(throws: CRSError.self) {
      try index.register(identity("root:r", "path:7"), as: .new, context: context)
    }
  }

  @Test func aRootCommitThatWasWrittenAnewIsAskedFor() throws {
    var index = try index(identity("root:r", "path:1"))
    let amended = identity("root:s", "path:1")
    expectUnclear(index, amended, "root:r", "root:s", "--same-as root:r", "--project NAME")
    expectUnclear(index, identity("git:h/u", "path:1", "root:s"), "--same-as root:r", "--new")
    expectUnclear(index, identity("git:h/u", "path:1"), "--same-as root:r", "--new")
    #expect(throws: CRSError.self) { try index.register(amended, context: context) }
    #expect(try index.project(identity("root:s", "path:2")) == nil)
    #expect(try index.project(identity("name:x", "path:1")) == nil)
    let project = try index.register(amended, as: .sameAs("root:r"), context: context)
    #expect(project.identity.key == "root:r")
    #expect(try index.project(amended) == project && index.project(identity("root:r", "path:1")) == project)
    let remote = identity("git:h/u", "path:1", "root:t")
    _ = try index.register(remote, as: .new, context: context)
    #expect(try index.project(remote)?.identity.key == "git:h/u")
    #expect(index.projects.count == 2)
  }

  @Test func aGivenNameMayBeThatOfARepository() throws {
    var index = try index(identity("name:x", "path:5"))
    let repository = identity("git:h/u", "path:1", "root:r")
    #expect(try index.project(repository) == nil)
    _ = try index.register(repository, as: .sameAs("name:x"), context: context)
    #expect(try index.project(repository)?.identity.key == "name:x")
    #expect(identity("name:x", "git:h/u").isSameProject(as: repository))
    _ = try index.register(identity("name:y"), context: context)
    #expect(throws: CRSError.self) {
      try index.register(identity("name:y"), as: .sameAs("name:x"), context: context)
    }
  }
}
