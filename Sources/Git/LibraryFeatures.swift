import CLibgit2

extension LibGit2Repository {
  /// What the linked libgit2 was built with, of: threads, https, ssh, nanoseconds.
  public static var libraryFeatures: [String] {
    let bits = UInt32(bitPattern: git_libgit2_features())
    let known: [(name: String, bit: UInt32)] = [
      ("threads", GIT_FEATURE_THREADS.rawValue), ("https", GIT_FEATURE_HTTPS.rawValue),
      ("ssh", GIT_FEATURE_SSH.rawValue), ("nanoseconds", GIT_FEATURE_NSEC.rawValue),
    ]
    return known.filter { bits & $0.bit != 0 }.map(\.name)
  }
}
