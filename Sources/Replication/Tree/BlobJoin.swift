import Git
import Memory

/// The union of two stores' payloads, `blobs/<aa>/<sha256>`: what is named by what it holds needs no other rule.
///
/// A payload that is not what its name says does not get in the way of one that is, and is named in
/// ``StateReader/warnings`` when it comes. Only folders that differ are read, and only payloads that are new here.
struct BlobJoin {
  let repository: any Repository
  let reader: StateReader

  /// The tree of both; `nil` where neither has one.
  func join(_ ours: ObjectID?, _ theirs: ObjectID?) throws(ReplicationError) -> ObjectID? {
    guard let theirs, ours != theirs else { return ours }
    return try replicating { () throws(GitError) in
      var folders: [String: TreeEntry] = [:]
      if let ours { for entry in try repository.readTree(ours) { folders[entry.name] = entry } }
      for entry in try repository.readTree(theirs) where folders[entry.name]?.id != entry.id {
        let mine = folders[entry.name]
        if mine != nil, entry.mode != .folder { continue }
        folders[entry.name] = try joined(mine?.mode == .folder ? mine : nil, entry)
      }
      return try repository.writeTree(Array(folders.values))
    }
  }

  /// Payloads of a store that are not what their names say, by path; how many there are, and their bytes.
  func examine(_ blobs: ObjectID) throws(ReplicationError) -> (damaged: [String], count: Int, byteCount: Int) {
    try replicating { () throws(GitError) in
      var result: (damaged: [String], count: Int, byteCount: Int) = ([], 0, 0)
      for folder in try repository.readTree(blobs) {
        guard folder.mode == .folder else {
          result.damaged.append("blobs/\(folder.name)")
          continue
        }
        for file in try repository.readTree(folder.id) {
          result.count += 1
          if let bytes = try payload(file) {
            result.byteCount += bytes.count
          } else {
            result.damaged.append("blobs/\(folder.name)/\(file.name)")
          }
        }
      }
      return result
    }
  }

  private func joined(_ mine: TreeEntry?, _ theirs: TreeEntry) throws(GitError) -> TreeEntry {
    guard theirs.mode == .folder else {
      warn("blobs/\(theirs.name)")
      return theirs
    }
    var files: [String: TreeEntry] = [:]
    if let mine { for file in try repository.readTree(mine.id) { files[file.name] = file } }
    for file in try repository.readTree(theirs.id) where files[file.name] != file {
      if let other = files[file.name], try payload(other) != nil { continue }
      if try payload(file) == nil {
        warn("blobs/\(theirs.name)/\(file.name)")
        // Of two that are both wrong every host takes the same.
        if let other = files[file.name], other.id.description < file.id.description { continue }
      }
      files[file.name] = file
    }
    return TreeEntry(name: theirs.name, mode: .folder, id: try repository.writeTree(Array(files.values)))
  }

  /// What a file holds; `nil` where that is not what its name says, or nothing that can be read.
  private func payload(_ file: TreeEntry) throws(GitError) -> [UInt8]? {
    guard file.mode == .file || file.mode == .executable else { return nil }
    do {
      let bytes = try repository.readBlob(file.id)
      return EntryIdentity.hexDigest(of: bytes) == file.name ? bytes : nil
    } catch {
      guard error.code == .corrupt || error.code == .notFound else { throw error }
      return nil
    }
  }

  private func warn(_ path: String) {
    reader.warn("\(path): not what its name says; what needs it is as good as not there until its host writes it again")
  }
}
