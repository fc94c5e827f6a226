import CRDT
import CRS
import Durability
import TestKit
import Testing

/// What the folders and the index say of the projects, when one or both of them are damaged or gone.
struct ProjectRecordTests {
  let folder = TemporaryFolder()
  private let context = Fixture.context()
  private let identity = ProjectIdentity(key: "git:h/u", aliases: ["path:1", "root:r"])
  private let renamed = ProjectIdentity(key: "git:h/v", aliases: ["path:1", "root:r"])

  private func index() throws -> ProjectIndex {
    try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
  }

  /// A project with two remotes, and another, both with a state. Returns the folder of the first.
  private func twoProjects() throws -> ProjectFolder {
    var index = try self.index()
    let other = try index.register(ProjectIdentity(name: "x"), context: context)
    _ = try index.register(identity, context: context)
    let project = try index.register(renamed, as: .sameAs("git:h/u"), context: context)
    for project in [project, other] { folder.write("crs/\(project.folder)/journal.sqlite", "a state") }
    return index.folder(of: project)
  }

  /// Whether every name leads to the folder, or to a refusal that says what is damaged.
  private func expectFound(_ place: ProjectFolder, allowsRefusal: Bool, _ what: String) throws {
    for identity in [identity, renamed, ProjectIdentity(key: "root:r", aliases: ["path:1"])] {
      do throws(CRSError) {
        let index = try ProjectIndex(dataFolder: folder.path, fileSystem: context.fileSystem)
        let project = try index.project(identity)
        #expect(project.map { index.folder(of: $0) } == place, "\(what), \(identity.key)")
      } catch {
        #expect(
          allowsRefusal && error.code == .corrupted && !error.remedy.isEmpty, "\(what), \(identity.key): \(error)")
      }
    }
  }

  @Test func everyFlippedByteOfTheIndexOrOfAFoldersRecordIsMadeGoodByTheOther() throws {
    let place = try twoProjects()
    for path in [folder("crs/index.json"), place.identity] {
      let bytes = try #require(try context.fileSystem.read(path, limitBytes: 1 << 20))
      for position in bytes.indices {
        for bit in [UInt8(1), 0x20, 0x80] {
          var damaged = bytes
          damaged[position] ^= bit
          try context.fileSystem.replace(path, with: damaged)
          try expectFound(place, allowsRefusal: false, "\(path), byte \(position), bit \(bit)")
        }
      }
      for count in [0, 1, bytes.count / 2, bytes.count - 2] {
        try context.fileSystem.replace(path, with: Array(bytes.prefix(count)))
        try expectFound(place, allowsRefusal: false, "\(path), \(count) bytes")
      }
      try context.fileSystem.remove(path)
      try expectFound(place, allowsRefusal: false, "\(path) is gone")
      try context.fileSystem.replace(path, with: bytes)
    }
  }

  @Test func aFolderOfWhichNothingSaysWhoseItIsIsNoEmptyState() throws {
    let place = try twoProjects()
    for damage in ["", "damaged", #"{"folder":"x","key":"k","aliases":[]}"#] {
      for indexText in [
        "", "{", "[]", #"{"schema":1,"projects":[]}"#, #"{"schema":1,"projects":[{"folder":"../x","key":"k"}]}"#,
      ] {
        try context.fileSystem.replace(place.identity, with: Array(damage.utf8))
        folder.write("crs/index.json", indexText)
        // By the digest of its key, the folder is that of the first name; under the others it may be anybody's.
        try expectFound(place, allowsRefusal: true, "\(damage), \(indexText)")
        let error = #expect(throws: CRSError.self) { try self.index().project(renamed) }
        #expect(error?.code == .corrupted && error?.message.contains(place.path) == true)
        #expect(throws: CRSError.self) {
          var index = try self.index()
          return try index.register(renamed, context: context)
        }
        // What says whose it is goes on.
        #expect(try self.index().project(ProjectIdentity(name: "x")) != nil)
      }
    }
    // Taken up by its key, it is known again.
    var index = try self.index()
    #expect(index.folder(of: try index.register(identity, context: context)) == place)
    #expect(try self.index().project(ProjectIdentity(name: "y")) == nil)
  }

  @Test func aRecordOfAnOlderVersionHasNoDigestAndIsRead() throws {
    let place = try twoProjects()
    let name = try #require(place.path.split(separator: "/").last)
    let record = #"{"folder":"\#(name)","key":"git:h/u","aliases":["git:h/v","path:1","root:r"]}"#
    folder.write("crs/\(name)/project.json", record)
    folder.write("crs/index.json", #"{"schema":1,"projects":[\#(record)]}"#)
    try expectFound(place, allowsRefusal: false, "older version")
    // A name that it lost is in the index; a key that is not that of the folder is damage.
    for damaged in [record.replacing("git:h/v", with: "git:h/w"), record.replacing("git:h/u", with: "git:h/w")] {
      folder.write("crs/\(name)/project.json", damaged)
      try expectFound(place, allowsRefusal: false, damaged)
    }
    // The next that is taken up writes all anew.
    var index = try self.index()
    _ = try index.register(ProjectIdentity(name: "x"), context: context)
    let text = try #require(try context.fileSystem.read(place.identity, limitBytes: 1 << 20))
    #expect(String(decoding: text, as: UTF8.self).contains(#""sha256":""#))
  }

  @Test func aLostIndexIsMadeAnewFromTheProjectsFolders() throws {
    _ = try twoProjects()
    let before = try self.index().projects
    #expect(before.count == 2)
    for text in ["damaged", nil] {
      try context.fileSystem.remove(folder("crs/index.json"))
      if let text { folder.write("crs/index.json", text) }
      #expect(try self.index().projects == before)
    }
    var index = try self.index()
    _ = try index.register(identity, context: context)
    try context.fileSystem.remove(folder("crs/\(before[0].folder)/project.json"))
    #expect(try self.index().projects == before)
  }

  @Test func anEmptyFolderIsNobodysState() throws {
    try context.fileSystem.createFolder(folder("crs/0123456789abcdef"))
    folder.write("crs/0123456789abcdee", "a file")
    #expect(try self.index().project(identity) == nil)
    folder.write("crs/0123456789abcdef/journal.sqlite", "a state")
    #expect(throws: CRSError.self) { try self.index().project(identity) }
  }
}
