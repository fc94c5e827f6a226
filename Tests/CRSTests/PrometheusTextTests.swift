import CRDT
import CRS
import Testing

/// The rules of the text format (Prometheus documentation, "Exposition formats", version 0.0.4) and those of
/// `promtool check metrics` that can concern these metrics.
struct PrometheusTextTests {
  private func sampled(_ project: ByteString = "name:x") throws -> String {
    var metrics = BackupMetrics()
    metrics.count(.save, isSuccess: true)
    metrics.count(.load, isSuccess: false)
    for seconds in [0.0005, 0.3, 100] { metrics.backupDuration.observe(seconds: seconds) }
    let backup = try Backup(
      Fixture.engine().snapshot, project: project, created: Fixture.wall, host: "hosta", session: "s1", deltaCount: 0,
      position: [:], isComplete: true)
    return PrometheusText.of(
      metrics, latest: backup.metadata, project: project, now: Fixture.wall.advanced(bySeconds: 90))
  }

  @Test func theFormatIsKept() throws {
    for project: ByteString in ["name:x", "name:a\"b\\c\nd", "name:é"] {
      let text = try sampled(project)
      #expect(text.hasSuffix("\n"))
      var types: [String: String] = [:]
      var helped: Set<String> = []
      var current = ""
      var seen: Set<String> = []
      for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
        if let match = line.wholeMatch(of: /# HELP ([a-z_]+) (.+)/) {
          current = String(match.1)
          #expect(helped.insert(current).inserted, "HELP twice: \(line)")
          #expect(match.2.hasSuffix("."))
        } else if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge|histogram)/) {
          #expect(String(match.1) == current, "TYPE without HELP in front: \(line)")
          #expect(types.updateValue(String(match.2), forKey: current) == nil)
        } else {
          let sample = #/([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} ([0-9.]+(?:e[+-]?[0-9]+)?)/#
          let match = try #require(line.wholeMatch(of: sample), "no sample: \(line)")
          let base = String(match.1).replacing(/_(bucket|sum|count)$/, with: "")
          #expect((types[current] == "histogram" ? base : String(match.1)) == current, "sample outside its group")
          #expect(seen.insert("\(match.1){\(match.2)}").inserted, "twice: \(line)")
        }
      }
      #expect(helped == Set(types.keys))
      for (name, type) in types {
        #expect((type == "counter") == name.hasSuffix("_total"), "counters and only they end in _total: \(name)")
        #expect(type == "counter" || name.hasSuffix("_seconds") || name.hasSuffix("_bytes"), "a base unit: \(name)")
      }
      #expect(
        Set(types.keys) == [
          "crs_backup_duration_seconds", "crs_restore_duration_seconds", "crs_backup_size_bytes",
          "crs_backup_operations_total", "crs_backup_age_seconds",
        ])
    }
  }

  @Test func bucketsAreCumulativeAndEndInAll() throws {
    let buckets = try sampled().matches(of: /crs_backup_duration_seconds_bucket\{[^}]*le="([^"]+)"\} ([0-9]+)/)
    let counts = buckets.compactMap { Int($0.2) }
    #expect(counts == counts.sorted())
    #expect(buckets.last?.1 == "+Inf")
    #expect(counts.first == 1)
    #expect(counts.last == 3)
    let bounds = buckets.dropLast().compactMap { Double($0.1) }
    #expect(bounds == bounds.sorted() && Set(bounds).count == bounds.count)
    let text = try sampled()
    #expect(text.contains("crs_backup_duration_seconds_count{project=\"name:x\"} 3\n"))
    #expect(text.contains("crs_backup_age_seconds{project=\"name:x\"} 90\n"))
  }
}
