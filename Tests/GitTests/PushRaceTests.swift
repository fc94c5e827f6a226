import Dispatch
import Git
import Synchronization
import TestKit
import Testing

@Suite struct PushRaceTests {
  private let writers = 8
  private let pushesEach = 4

  /// libgit2's own local transport loses acknowledged pushes here; git's receive-pack must not.
  @Test func everyAcknowledgedPushOfEightWritersIsReachable() throws {
    let folder = TemporaryFolder("crdt-race")
    let bare = try LibGit2Repository.initializeBare(folder("shared.git"))
    try bare.setSetting("receive.autogc", to: "false")
    let accepted = Mutex<[ObjectID]>([])
    let failures = Mutex<[String]>([])
    let (writers, pushesEach) = (writers, pushesEach)
    DispatchQueue.concurrentPerform(iterations: writers) { writer in
      do {
        let repository = try LibGit2Repository.initialize(folder("writer\(writer)"), branch: "main")
        repository.environment = GitProgram.environment()
        let remote = try repository.remote(url: folder("shared.git"))
        for number in 0..<pushesEach {
          while true {
            let tip = try remote.fetch(branch: "main", deadline: .after(seconds: 60))
            let commit = try repository.commit(
              "\(writer) \(number)", file: "w\(writer)", parents: tip.map { [$0] } ?? [])
            if try remote.push(commit, branch: "main", deadline: .after(seconds: 60)) == .accepted {
              accepted.withLock { $0.append(commit) }
              break
            }
          }
        }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
    let tip = try #require(try bare.reference("refs/heads/main"))
    let reachable = Set(try LibGit2Repository.open(folder("shared.git")).walk(from: [tip], hiding: []))
    let all = accepted.withLock { $0 }
    #expect(all.count == writers * pushesEach)
    #expect(all.allSatisfy(reachable.contains))
    #expect(reachable.count == writers * pushesEach)
  }
}
