import Git
import TestKit
import Testing

@Suite struct SimulatedServerTests {
  private let later = Deadline.after(seconds: 60)

  @Test func servesLikeARealOne() throws {
    let server = SimulatedServer()
    let (one, two) = (
      SimulatedRepository(servers: ["r": server]), SimulatedRepository(servers: ["r": server])
    )
    let (near, far) = (try one.remote(url: "r"), try two.remote(url: "r"))
    #expect(try near.list(deadline: later).isEmpty)
    #expect(try near.fetch(branch: "main", deadline: later) == nil)
    let first = try one.commit("first")
    #expect(try near.push(first, branch: "main", deadline: later) == .accepted)
    #expect(try far.fetch(branch: "main", deadline: later) == first)
    let theirs = try two.commit("theirs", parents: [first])
    #expect(try far.push(theirs, branch: "main", deadline: later) == .accepted)
    let mine = try one.commit("mine", parents: [first])
    #expect(try near.push(mine, branch: "main", deadline: later) != .accepted)
    #expect(try near.fetch(branch: "main", deadline: later) == theirs)
    #expect(code { _ = try one.remote(url: "elsewhere") } == .invalid)
  }

  @Test func faultsComeOnceAndInOrder() throws {
    let server = SimulatedServer()
    let repository = SimulatedRepository(servers: ["r": server])
    let remote = try repository.remote(url: "r")
    let commit = try repository.commit("x")
    server.order(.silent, for: .push)
    server.order(.acceptWithoutDoing, for: .push)
    server.order(.doWithoutAnswering, for: .push)
    #expect(code { _ = try remote.push(commit, branch: "main", deadline: later) } == .timedOut)
    #expect(try remote.push(commit, branch: "main", deadline: later) == .accepted)
    #expect(server.refs.isEmpty)
    #expect(code { _ = try remote.push(commit, branch: "main", deadline: later) } == .unreachable)
    #expect(server.refs == ["refs/heads/main": commit])
    server.empty()
    #expect(try remote.list(deadline: later).isEmpty)
  }

  @Test func somebodyFasterMakesThePushARefusal() throws {
    let server = SimulatedServer()
    let repository = SimulatedRepository(servers: ["r": server])
    let remote = try repository.remote(url: "r")
    let (mine, theirs) = (try repository.commit("mine"), try repository.commit("theirs"))
    server.beforeNextPush = { server.rewrite("refs/heads/main", to: theirs) }
    #expect(try remote.push(mine, branch: "main", deadline: later) != .accepted)
    #expect(server.refs == ["refs/heads/main": theirs])
  }
}
