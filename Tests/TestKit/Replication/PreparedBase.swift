import Durability
import Git

/// The private file that a run leaves which died between its commit and its base.
public enum PreparedBase {
  /// - Parameter base: the bytes of a `base` file.
  public static func seal(base: [UInt8], commit: ObjectID) throws -> [UInt8] {
    let record = try SealedRecord(opening: base, kind: "base")
    return SealedRecord(kind: "base", version: 1, payload: commit.bytes + record.payload).sealed
  }
}
