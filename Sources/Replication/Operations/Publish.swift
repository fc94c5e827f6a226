import CRDT
import Durability
import Git
import Memory
import Processes

extension Store {
  /// Writes the store's files into its folder for people to read, each atomically and only where it differs.
  ///
  /// Last of all, and never read back: the commits are the truth.
  func publish(identity: Identity, report: inout BackupReport) throws(ReplicationError) {
    guard let tip = try tip() else { return }
    let tree = try tree(of: tip)
    var files: [(path: String, id: ObjectID)] = []
    for (path, id) in tree.stateFiles { files.append((path, id)) }
    for (path, id) in tree.hostRecords { files.append((path, id)) }
    if let unified = tree.unified { files.append((StoreTree.unifiedName, unified)) }
    if let attributes = tree.foreign.first(where: { $0.name == StoreTree.attributesName }) {
      files.append((StoreTree.attributesName, attributes.id))
    }
    let known = try privateState.readPublished()
    var written = known
    for (path, id) in files.sorted(by: { $0.path < $1.path }) {
      let target = paths.folder + "/" + path
      func present() throws(ReplicationError) -> FileInformation? {
        try storing { () throws(StorageError) in try effects.fileSystem.information(target) }
      }
      // Unchanged since it was published, here and there: nothing to read or compare.
      if let file = known[path], file.id == id, file.describes(try present()) { continue }
      let bytes = try replicating { () throws(GitError) in try repository.readBlob(id) }
      try storing { () throws(StorageError) in
        if let slash = target.lastIndex(of: "/") { try effects.fileSystem.createFolder(String(target[..<slash])) }
        _ = try effects.fileSystem.replaceIfChanged(target, with: bytes)
      }
      guard let file = try present() else { continue }
      written[path] = PrivateState.Published(
        id: id, sizeBytes: file.sizeBytes, modifiedNanoseconds: file.modifiedNanoseconds)
    }
    if written != known {
      try privateState.writePublished(written)
      repository.refreshIndex(files.map { WorkingFile(path: $0.path, id: $0.id) })
      repository.packLooseObjects(deadline: .after(seconds: 600))
    }
  }
}
