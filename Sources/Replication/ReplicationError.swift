import Durability
import Git
import Memory

/// Why an operation on a store did not end well: what happened, what is safe, what to do.
///
/// The one error of this layer. ``Code`` decides the exit code; ``isRetryable`` says whether the same call may
/// succeed later without anybody changing anything.
public struct ReplicationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Classes of failure, after sysexits.h.
  public enum Code: String, Hashable, Sendable {
    /// Options that make no sense together, or an id nobody knows.
    case usage
    /// A file holds what cannot be read as memory or as a store.
    case badData
    /// The memory file, or what was asked for, is not there.
    case noInput
    /// The store cannot be created.
    case cannotCreate
    /// Reading or writing here failed: disk full, I/O error.
    case storage
    /// Saved on this host, not on the remote.
    case notOnRemote
    /// No permission, or credentials that are missing or refused.
    case permission
    /// A setting, store or remote that cannot be used as it is.
    case configuration
    /// A bug: something that cannot happen did.
    case `internal`
  }

  public var code: Code
  /// What happened: one line without a full stop at its end.
  public var message: String
  /// What is safe and what to do: one line, or empty.
  public var remedy: String
  public var isRetryable: Bool

  public init(_ code: Code, _ message: String, remedy: String = "", isRetryable: Bool = false) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.isRetryable = isRetryable
  }

  public var description: String { remedy.isEmpty ? message : "\(message). \(remedy)" }

  /// The sysexits number a command ends with.
  public var exitCode: Int32 {
    switch code {
    case .usage: 64
    case .badData: 65
    case .noInput: 66
    case .internal: 70
    case .cannotCreate: 73
    case .storage: 74
    case .notOnRemote: 75
    case .permission: 77
    case .configuration: 78
    }
  }
}

extension ReplicationError {
  /// A refusal of the user's or a peer's bytes.
  init(_ error: MemoryError) {
    let code: Code =
      switch error.code {
      case .notFound: .noInput
      case .invalidRules: .configuration
      case .ambiguousFormat, .unknownFormat, .empty, .invalidJSON, .invalidMetadata, .invalidState, .tooLarge:
        .badData
      }
    self.init(code, error.description)
  }

  /// A failure of this host's file system.
  package init(_ error: StorageError) {
    let code: Code =
      switch error.code {
      case .notFound: .noInput
      case .permission, .notOwned, .readOnly: .permission
      default: .storage
      }
    let remedy: String =
      switch error.code {
      case .noSpace: "What was accepted before is safe. Make room, then run again"
      case .readOnly: "What was accepted before is safe. Make the file system writable, then run again"
      case .permission, .notOwned: "Nothing was lost. Run as the owner of the file, or change its mode"
      case .notFound: ""
      default: "What was accepted before is safe. Look at the disk (`dmesg`), then run again"
      }
    self.init(code, error.description, remedy: remedy, isRetryable: error.isRetryable)
  }

  /// A failure in the store's own repository (not of the remote: see ``init(remote:url:)``).
  init(_ error: GitError) {
    let (code, remedy): (Code, String) =
      switch error.code {
      case .notOwned: (.permission, "Run as the owner of the store, or give your own with --store")
      case .permission:
        (.permission, "What was backed up before is safe. Run as the owner of the store, where it can be written")
      case .unsupportedRepository: (.configuration, "Use a store in git's SHA-1 and files form")
      case .invalid, .notARepository: (.configuration, "")
      case .corrupt:
        (.storage, "Nothing was changed. `git fsck` in the store names what is damaged")
      case .locked:
        (.notOnRemote, "Another program holds a lock in the store; what was accepted is safe, run again")
      case .refChanged: (.notOnRemote, "Another program moved the store's branch; run again")
      case .storage:
        (.storage, "What was backed up before is safe; this run saved nothing more. Make room there, or mend the disk")
      default: (.storage, "")
      }
    self.init(code, error.description, remedy: remedy, isRetryable: error.isRetryable)
  }

  /// A failure of the way to the remote. Everything that was accepted is in the store.
  init(remote error: GitError) {
    let safe = "Everything is saved in the store on this host"
    let (code, remedy): (Code, String) =
      switch error.code {
      case .authentication:
        (.permission, "\(safe). Give git the credentials (ssh key or credential helper) that work without a terminal")
      case .permission: (.permission, "\(safe). Ask for write access to the remote")
      case .notOwned:
        (
          .permission,
          "\(safe). Take over the remote's folder, or trust it with `git config --global --add safe.directory`"
        )
      case .untrusted:
        (
          .permission,
          "\(safe). Check the remote's host key or certificate, then trust it (known_hosts, http.sslCAInfo)"
        )
      case .notARepository:
        (.configuration, "\(safe). Create the repository there with `git init --bare`, or give another --remote")
      case .unsupportedRepository: (.configuration, "\(safe). Use a SHA-1 repository that is not shallow")
      case .invalid: (.configuration, "\(safe). Give another --remote")
      case .storage:
        (
          .storage,
          "What was accepted is saved in the store on this host. Make room there, or mend the disk, and run again"
        )
      case .corrupt: (.storage, "")
      default: (.notOnRemote, "\(safe). The next run tries again")
      }
    self.init(code, error.description, remedy: remedy, isRetryable: error.isRetryable)
  }
}

/// Runs work of a lower layer and turns its error into this layer's.
func replicating<Value>(_ body: () throws(GitError) -> Value) throws(ReplicationError) -> Value {
  do { return try body() } catch { throw ReplicationError(error) }
}

/// The same for the file system.
func storing<Value>(_ body: () throws(StorageError) -> Value) throws(ReplicationError) -> Value {
  do { return try body() } catch { throw ReplicationError(error) }
}
