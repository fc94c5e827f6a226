import CommandSupport
import Replication

extension Store {
  /// The store in a folder; `nil` where there is none yet. One that is there and cannot be opened is no absent one.
  static func openIfThere(_ folder: String, effects: Effects = .real) throws(ReplicationError) -> Store? {
    do throws(ReplicationError) {
      return try open(folder, effects: effects)
    } catch {
      if error.code == .noInput { return nil }
      throw error
    }
  }
}
