import Memory

/// How often a backup runs, and at which minutes. Pure.
struct ScheduleInterval: Hashable {
  let minutes: Int
  static let standard = ScheduleInterval(minutes: 15)
  static let allowed = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440]

  private init(minutes: Int) { self.minutes = minutes }

  /// `15m`, `2h`, `1d` or minutes; `nil` for what does not divide an hour or a day, which cron cannot say.
  init?(_ text: String) {
    let factor: Int
    switch text.last {
    case "m": factor = 1
    case "h": factor = 60
    case "d": factor = 1440
    default: return nil
    }
    guard let count = Int(text.dropLast()), count > 0, count <= 1440, Self.allowed.contains(count * factor) else {
      return nil
    }
    minutes = count * factor
  }

  var text: String {
    minutes % 1440 == 0 ? "\(minutes / 1440)d" : minutes % 60 == 0 ? "\(minutes / 60)h" : "\(minutes)m"
  }

  /// Minutes of the hour and, from an hour up, hours of the day. `seed` spreads hosts, so that they do not all come at once.
  func times(seed: String) -> (minutes: [Int], hours: [Int]?) {
    let offset = EntryIdentity.hexDigest(of: Array(seed.utf8)).utf8.prefix(8).reduce(0) {
      $0 * 16 + ($1 < 0x3A ? Int($1) - 0x30 : Int($1) - 0x57)
    }
    guard minutes >= 60 else { return (Array(stride(from: offset % minutes, to: 60, by: minutes)), nil) }
    let stepHours = minutes / 60
    let hours = Array(stride(from: offset / 60 % stepHours, to: 24, by: stepHours))
    return ([offset % 60], stepHours == 1 ? nil : hours)
  }

  /// The first two fields of a crontab line.
  func cronFields(seed: String) -> String {
    let (minutes, hours) = times(seed: seed)
    return Self.list(minutes, of: 60) + " " + (hours.map { Self.list($0, of: 24) } ?? "*")
  }

  /// systemd's `OnCalendar`.
  func calendar(seed: String) -> String {
    let (minutes, hours) = times(seed: seed)
    return "*-*-* " + (hours.map { Self.list($0, of: 24) } ?? "*") + ":" + Self.list(minutes, of: 60) + ":00"
  }

  private static func list(_ values: [Int], of count: Int) -> String {
    values.count == count ? "*" : values.map(String.init).joined(separator: ",")
  }
}
