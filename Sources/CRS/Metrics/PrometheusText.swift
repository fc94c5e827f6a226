import CRDT

/// The Prometheus text exposition format, version 0.0.4.
public struct PrometheusText: Sendable {
  public private(set) var text = ""
  private let project: String

  public init(project: ByteString) { self.project = project.description }

  /// What a scrape of this host's backups of a project gives.
  public static func of(
    _ metrics: BackupMetrics, latest: BackupMetadata?, project: ByteString, now: Instant
  ) -> String {
    var output = PrometheusText(project: project)
    output.histogram(
      "crs_backup_duration_seconds", "How long saving a backup took.", metrics.backupDuration)
    output.histogram("crs_restore_duration_seconds", "How long loading backups took.", metrics.restoreDuration)
    output.header("crs_backup_size_bytes", "Compressed size of the latest backup.", "gauge")
    if let latest { output.sample("crs_backup_size_bytes", [], String(latest.compressedBytes)) }
    output.header("crs_backup_operations_total", "Operations on backups by result.", "counter")
    for operation in BackupMetrics.Operation.allCases {
      for result in ["success", "failure"] {
        output.sample(
          "crs_backup_operations_total", [("operation", operation.rawValue), ("result", result)],
          String(metrics.count(operation, result)))
      }
    }
    output.header("crs_backup_age_seconds", "Time since the latest backup was made.", "gauge")
    if let latest {
      output.sample("crs_backup_age_seconds", [], String(max(0, now.seconds(since: latest.created))))
    }
    return output.text
  }

  private mutating func header(_ name: String, _ help: String, _ type: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
    let all = [("project", project)] + labels
    let written = all.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
    text += "\(name){\(written)} \(value)\n"
  }

  private mutating func histogram(_ name: String, _ help: String, _ histogram: BackupMetrics.Histogram) {
    header(name, help, "histogram")
    var sum: UInt64 = 0
    for (index, count) in histogram.counts.enumerated() {
      sum += count
      let bound = index < BackupMetrics.bucketSeconds.count ? BackupMetrics.bucketSeconds[index].description : "+Inf"
      sample(name + "_bucket", [("le", bound)], String(sum))
    }
    sample(name + "_sum", [], (Double(histogram.sumMicroseconds) / 1e6).description)
    sample(name + "_count", [], String(sum))
  }

  private static func escaped(_ value: String) -> String {
    var text = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
