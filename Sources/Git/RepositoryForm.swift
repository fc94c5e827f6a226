import CLibgit2
import Glibc

/// Repository forms that libgit2 cannot use, found by reading the repository's own config file, so that the error
/// says what it is instead of what libgit2 stumbled over.
enum RepositoryForm {
  /// Throws `.unsupportedRepository` for SHA-256 and reftable repositories. Anything unreadable passes: opening it
  /// will tell.
  static func check(_ path: String, _ operation: String) throws(GitError) {
    guard let config = configFile(of: path) else { return }
    guard
      let file = try? Handle(operation, free: git_config_free, { git_config_open_ondisk(&$0, config) })
    else { return }
    let format = value("extensions.objectformat", file)
    if let format, format.lowercased() != "sha1" {
      throw GitError(
        .unsupportedRepository, operation: operation,
        message: "its object format is \(format); only sha1 can be used", isRetryable: false)
    }
    let storage = value("extensions.refstorage", file)
    if let storage, storage.lowercased() != "files" {
      throw GitError(
        .unsupportedRepository, operation: operation,
        message: "its ref storage is \(storage); only files can be used "
          + "(git refs migrate --ref-format=files)", isRetryable: false)
    }
  }

  private static func value(_ key: String, _ config: borrowing Handle) -> String? {
    let (code, text) = withGitBuffer { git_config_get_string_buf(&$0, config.pointer, key) }
    return code == 0 ? text : nil
  }

  private static func configFile(of path: String) -> String? {
    [path + "/.git/config", path + "/config"].first { access($0, R_OK) == 0 }
  }
}
