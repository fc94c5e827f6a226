import CRDT

/// The edges as a reader wants them: without cycles.
///
/// Where the join of several hosts' edges closes a cycle, the edges that lead back are hidden: those that a depth-first
/// search from the nodes in byte order, along neighbours in byte order, meets on its own path. So every host with the
/// same edges hides the same ones, no edge is hidden that closes no cycle, and adding one back would close one.
public struct DependencyView: Sendable {
  /// Visible edges: node → what it depends on, in byte order.
  public let dependencies: [ByteString: [ByteString]]
  /// The edges hidden to break cycles, in byte order. They stay in the state.
  public let hidden: [Edge]

  /// - Complexity: O(*n* log *n*) in the number of edges.
  public init(_ index: DependencyIndex) {
    var neighbours: [ByteString: [ByteString]] = [:]
    for edge in index.edges.elements { neighbours[edge.from, default: []].append(edge.to) }
    for node in neighbours.keys { neighbours[node]?.sort() }

    enum Visit { case onPath, done }
    var visits: [ByteString: Visit] = [:]
    var hidden: [Edge] = []
    for root in neighbours.keys.sorted() where visits[root] == nil {
      var path: [(node: ByteString, next: Int)] = [(root, 0)]
      visits[root] = .onPath
      while let (node, next) = path.last {
        let targets = neighbours[node] ?? []
        guard next < targets.count else {
          visits[node] = .done
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        switch visits[targets[next]] {
        case .onPath: hidden.append(Edge(node, targets[next]))
        case .done: break
        case nil:
          visits[targets[next]] = .onPath
          path.append((targets[next], 0))
        }
      }
    }
    hidden.sort()
    for (node, edges) in Dictionary(grouping: hidden, by: \.from) {
      let targets = Set(edges.map(\.to))
      let visible = neighbours[node]?.filter { !targets.contains($0) } ?? []
      neighbours[node] = visible.isEmpty ? nil : visible
    }
    self.hidden = hidden
    dependencies = neighbours
  }

  /// The visible edges, in byte order.
  public var edges: [Edge] {
    dependencies.keys.sorted().flatMap { from in (dependencies[from] ?? []).map { Edge(from, $0) } }
  }
}
