import CRDT
import Durability

extension Store {
  /// Temporary files that runs left which were killed while they replaced a file. Best effort: what cannot be read
  /// has none.
  /// - Parameter minimumAgeSeconds: younger ones may belong to a program that does not take the store's lock (the hook).
  func leftovers(minimumAgeSeconds: Int64 = 60) -> [String] {
    let files = effects.fileSystem
    var found: [String] = []
    for folder in [paths.folder, paths.folder + "/hosts", paths.gitFolder, paths.privateFolder] {
      let names = (try? files.list(folder)) ?? []
      for name in names where isTemporaryName(name) || folder == paths.gitFolder && Store.isProbeName(name) {
        let path = folder + "/" + name
        guard let there = try? files.information(path, followingLinks: false), there.kind == .file,
          wall.seconds - there.modifiedNanoseconds / 1_000_000_000 >= minimumAgeSeconds
        else { continue }
        found.append(path)
      }
    }
    return found
  }

  /// Removes them; for a caller that holds the store's lock. Returns how many there were.
  @discardableResult
  func removeLeftovers() -> Int {
    leftovers().filter { (try? effects.fileSystem.remove($0)) == true }.count
  }

  /// `crdt-clock-<pid>`: a file that tells the file system's time.
  private static func isProbeName(_ name: String) -> Bool {
    let prefix = "crdt-clock-"
    return name.hasPrefix(prefix) && !name.dropFirst(prefix.count).isEmpty
      && name.utf8.dropFirst(prefix.utf8.count).allSatisfy { (0x30...0x39).contains($0) }
  }
}
