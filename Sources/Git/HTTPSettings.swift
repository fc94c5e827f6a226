import CLibgit2

/// git's settings for http(s) that libgit2 does not read itself.
enum HTTPSettings {
  /// `http.sslVerify` and `GIT_SSL_NO_VERIFY`.
  static func verifiesCertificates(_ repository: LibGit2Repository, url: String) throws(GitError) -> Bool {
    if repository.environment["GIT_SSL_NO_VERIFY"] != nil { return false }
    switch try value("sslVerify", repository, url)?.lowercased() {
    case "false", "no", "off", "0": return false
    default: return true
    }
  }

  /// Loads `GIT_SSL_CAINFO`/`http.sslCAInfo` and `GIT_SSL_CAPATH`/`http.sslCAPath` when set. They count for the whole
  /// process from then on.
  static func loadCertificates(_ repository: LibGit2Repository, url: String, _ operation: String)
    throws(GitError)
  {
    let environment = repository.environment
    var file = environment["GIT_SSL_CAINFO"]
    if file == nil { file = try value("sslCAInfo", repository, url) }
    var folder = environment["GIT_SSL_CAPATH"]
    if folder == nil { folder = try value("sslCAPath", repository, url) }
    guard file != nil || folder != nil else { return }
    let home = environment["HOME"] ?? ""
    let expand: (String) -> String = { $0.hasPrefix("~/") ? home + $0.dropFirst() : $0 }
    let code = crdt_libgit2_set_certificates(file.map(expand), folder.map(expand))
    guard code >= 0 else {
      let error = LibGit2.error(code, operation)
      throw GitError(
        .untrusted, operation: operation,
        message: "cannot load the certificates of \(file ?? folder ?? ""): \(error.message)",
        isRetryable: false)
    }
  }

  /// `http.<url>.<name>` for the URL's host, else `http.<name>`.
  private static func value(_ name: String, _ repository: LibGit2Repository, _ url: String) throws(GitError)
    -> String?
  {
    if let scheme = url.range(ofText: "://") {
      let authority = url[scheme.upperBound...].prefix { $0 != "/" }
      let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
      let base = "\(url[..<scheme.lowerBound])://\(host)"
      for section in [url, base + "/", base] {
        if let found = try? repository.setting("http.\(section).\(name)") { return found }
      }
    }
    return try repository.setting("http.\(name)")
  }
}
