@_exported import struct Processes.Deadline

/// A git object id (SHA-1), 20 bytes.
///
/// Ordered and hashed as bytes. `description` is 40 lower-case hex digits.
public struct ObjectID: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The 20 bytes, most significant first.
  public let bytes: [UInt8]

  /// Wraps exactly 20 bytes; `nil` for any other length.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 20 else { return nil }
    self.bytes = Array(bytes)
  }

  /// Reads 40 hex digits; `nil` for anything else.
  public init?(hex: some StringProtocol) {
    let digits = Array(hex.utf8)
    guard digits.count == 40 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20)
    for index in stride(from: 0, to: 40, by: 2) {
      guard let high = Self.nibble(digits[index]), let low = Self.nibble(digits[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x61 + 10
    case 0x41...0x46: digit - 0x41 + 10
    default: nil
    }
  }

  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The first ten digits, for people.
  public var short: String { String(description.prefix(10)) }

  public static func < (left: ObjectID, right: ObjectID) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

/// What a tree entry points at.
public enum EntryMode: UInt32, Sendable {
  case file = 0o100644
  case executable = 0o100755
  case symlink = 0o120000
  case folder = 0o040000
  case submodule = 0o160000
}

/// One name in one tree. Names are bytes, as git keeps them.
public struct TreeEntry: Hashable, Sendable {
  public var name: String
  public var mode: EntryMode
  public var id: ObjectID

  public init(name: String, mode: EntryMode, id: ObjectID) {
    self.name = name
    self.mode = mode
    self.id = id
  }
}

/// Who wrote a commit and when. `timeSeconds` is Unix time; times are written in UTC.
public struct Signature: Hashable, Sendable {
  public var name: String
  public var email: String
  public var timeSeconds: Int64

  public init(name: String, email: String, timeSeconds: Int64) {
    self.name = name
    self.email = email
    self.timeSeconds = timeSeconds
  }
}

/// One commit as read.
public struct Commit: Hashable, Sendable {
  public var id: ObjectID
  public var tree: ObjectID
  public var parents: [ObjectID]
  public var author: Signature
  public var message: String

  public init(id: ObjectID, tree: ObjectID, parents: [ObjectID], author: Signature, message: String) {
    self.id = id
    self.tree = tree
    self.parents = parents
    self.author = author
    self.message = message
  }
}

/// How a three-way merge of trees that are not ours ended.
public enum TreeMerge: Sendable {
  case clean(ObjectID)
  /// Paths that could not be merged, sorted.
  case conflicts([String])
}

/// The objects, refs and settings of one git repository: all that replication needs of git, and no more.
///
/// Not for working trees and not for the index. The real one is ``LibGit2Repository``; simulation uses one in
/// memory. Every call throws ``GitError``; after a throw nothing the call should have written is visible through
/// a ref. Not safe for use from two threads at once.
public protocol Repository: AnyObject {
  /// The commit a ref names, following symbolic refs; `nil` when the ref does not exist (or is unborn).
  func reference(_ name: String) throws(GitError) -> ObjectID?

  /// All refs below a prefix such as `refs/heads/`, by full name.
  func references(prefix: String) throws(GitError) -> [(name: String, id: ObjectID)]

  /// Compare-and-swap: makes `name` point to `id` if and only if it points to `expected` now (`nil`: does not
  /// exist). Throws code `.refChanged` (retryable) when it does not. `id == nil` deletes.
  func updateReference(_ name: String, to id: ObjectID?, expecting expected: ObjectID?, message: String)
    throws(GitError)

  /// The bytes of a blob. Throws `.notFound` when the object is missing.
  func readBlob(_ id: ObjectID) throws(GitError) -> [UInt8]
  /// Writes a blob (durably: object file and folder are synced) and returns its id. Writing it again is free.
  func writeBlob(_ bytes: [UInt8]) throws(GitError) -> ObjectID
  /// The id `bytes` would have as a blob, without writing.
  func blobID(of bytes: [UInt8]) throws(GitError) -> ObjectID

  func readTree(_ id: ObjectID) throws(GitError) -> [TreeEntry]
  /// Writes a tree from entries in any order. Names must be unique and without `/`.
  func writeTree(_ entries: [TreeEntry]) throws(GitError) -> ObjectID

  func readCommit(_ id: ObjectID) throws(GitError) -> Commit
  /// Writes a commit object; no ref moves. Author and committer are the same.
  func writeCommit(tree: ObjectID, parents: [ObjectID], signature: Signature, message: String)
    throws(GitError) -> ObjectID

  /// True when `ancestor` is reachable from `descendant` (a commit reaches itself).
  func isAncestor(_ ancestor: ObjectID, of descendant: ObjectID) throws(GitError) -> Bool
  /// The best common ancestor, `nil` for unrelated histories.
  func mergeBase(_ left: ObjectID, _ right: ObjectID) throws(GitError) -> ObjectID?
  /// Commits reachable from `tips` and not from `hidden`, children before parents (topological, then time).
  func walk(from tips: [ObjectID], hiding hidden: [ObjectID]) throws(GitError) -> [ObjectID]

  /// A normal three-way merge of whole trees (`base == nil`: the empty tree), used for files that are not ours.
  func mergeTrees(base: ObjectID?, ours: ObjectID, theirs: ObjectID) throws(GitError) -> TreeMerge

  /// Makes the index, where there is one, name the given working files, so that a person's `git status` is clean.
  /// Best effort: nothing depends on it.
  @discardableResult
  func refreshIndex(_ files: [WorkingFile]) -> IndexRefresh

  /// Removes lock files that a process which died in the middle of a git write left behind, and returns their names.
  /// Only for a caller that keeps all others out by a lock of its own.
  @discardableResult
  func clearAbandonedLocks(minimumAgeSeconds: Int64) throws(GitError) -> [String]

  /// Lets git pack loose objects when it finds that there are many. Best effort.
  @discardableResult
  func packLooseObjects(deadline: Deadline) -> Bool

  /// Lets git pack everything now. Unreachable objects stay as long as git's settings say. Best effort.
  /// - Returns: whether git did.
  @discardableResult
  func pack(deadline: Deadline) -> Bool

  /// A setting as `git config` would show it: the repository's, then the user's and the system's.
  func setting(_ key: String) throws(GitError) -> String?
  /// Writes to the repository's own config file only; `nil` removes the key there.
  func setSetting(_ key: String, to value: String?) throws(GitError)

  /// A connection to the given URL. Opening it does not touch the network; each call on it does.
  func remote(url: String) throws(GitError) -> any Remote
}

/// What the server said of the one ref that was pushed.
public enum PushOutcome: Hashable, Sendable {
  /// The server's own report says the ref was updated. Not a proof: verify by reading it back.
  case accepted
  /// The server refused the ref (somebody was first, a hook, a protected branch); `reason` is its word.
  case rejected(reason: String)
}

/// A place where stores meet. Every call has to end by `deadline`, else throws `.timedOut`.
public protocol Remote: AnyObject {
  /// All refs the remote advertises, by full name; empty for an empty repository.
  func list(deadline: Deadline) throws(GitError) -> [String: ObjectID]
  /// Brings all objects reachable from the remote's `branch` here and returns its tip; `nil` when the remote has no
  /// such branch. Moves no local ref.
  func fetch(branch: String, deadline: Deadline) throws(GitError) -> ObjectID?
  /// The bytes of a blob that is damaged here, read anew from what the remote's `branch` holds; `nil` when it is not there.
  func recover(_ blob: ObjectID, branch: String, deadline: Deadline) throws(GitError) -> [UInt8]?
  /// Asks the remote to set `refs/heads/<branch>` to `commit`, never forced.
  func push(_ commit: ObjectID, branch: String, deadline: Deadline) throws(GitError) -> PushOutcome
}

extension Repository {
  /// A repository without a working tree has no index to refresh.
  public func refreshIndex(_ files: [WorkingFile]) -> IndexRefresh { .refreshed }

  /// A repository that is not on disk has no lock files.
  public func clearAbandonedLocks(minimumAgeSeconds: Int64) throws(GitError) -> [String] { [] }

  /// A repository that is not on disk has nothing to pack.
  public func packLooseObjects(deadline: Deadline) -> Bool { false }

  public func pack(deadline: Deadline) -> Bool { false }
}

extension Remote {
  /// A remote that cannot be read anew.
  public func recover(_ blob: ObjectID, branch: String, deadline: Deadline) throws(GitError) -> [UInt8]? { nil }
}
