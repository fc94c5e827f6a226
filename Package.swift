// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "crdt-backup",
  products: [
    .executable(name: "crdt-backup", targets: ["crdt-backup"]),
    .executable(name: "crdt-merge", targets: ["crdt-merge"]),
    .executable(name: "crdt-agent", targets: ["crdt-agent"]),
    .library(name: "CRDT", targets: ["CRDT"]),
    .library(name: "Memory", targets: ["Memory"]),
    .library(name: "CRS", targets: ["CRS"]),
    .library(name: "Checkpointing", targets: ["Checkpointing"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
  ],
  targets: [
    // C libraries
    .systemLibrary(
      name: "CLibgit2", pkgConfig: "libgit2",
      providers: [.apt(["libgit2-dev"]), .brew(["libgit2"])]),
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    .target(name: "CSystem"),

    // Layers, lowest first. A lower one never imports a higher one.
    .target(name: "CRDT", swiftSettings: strict),
    .target(
      name: "Memory",
      dependencies: ["CCrypto", "CRDT"],
      swiftSettings: strict),
    .target(name: "Durability", dependencies: ["CSystem", "CZlib"], swiftSettings: strict),
    .target(name: "Processes", dependencies: ["CSystem"], swiftSettings: strict),
    .target(name: "Git", dependencies: ["CLibgit2", "CZlib", "Processes"], swiftSettings: strict),
    .target(
      name: "Replication", dependencies: ["CRDT", "Memory", "Durability", "Processes", "Git"],
      swiftSettings: strict),
    .target(
      name: "Checkpointing", dependencies: ["CRDT", "Memory", "Durability", "Replication"], swiftSettings: strict),

    // Agent state, as records of the store
    .target(
      name: "CRS",
      dependencies: [
        "CRDT", "Memory", "Durability", "Processes", "Replication",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ],
      swiftSettings: strict),

    // Commands. CommandText stands on nothing, so that crdt-merge need not link git.
    .target(name: "CommandText", swiftSettings: strict),
    .target(
      name: "CommandSupport",
      dependencies: [
        "CommandText", "CRDT", "Memory", "Durability", "Processes", "Git", "Replication",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "crdt-merge",
      dependencies: [
        "CommandText", "CRDT", "Memory", "Durability", "Processes",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "crdt-backup",
      dependencies: [
        "CRDT", "Memory", "Durability", "Processes", "Git", "Replication", "CommandSupport", "CommandText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "crdt-agent",
      dependencies: [
        "CRDT", "Memory", "Durability", "Processes", "Replication", "CRS", "Checkpointing", "CommandSupport",
        "CommandText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
      ],
      swiftSettings: strict),

    // Tests
    .target(
      name: "TestKit", dependencies: ["CRDT", "Memory", "Durability", "Processes", "Git", "Replication"],
      path: "Tests/TestKit", swiftSettings: strict),
    .testTarget(name: "CRDTTests", dependencies: ["CRDT", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "MemoryTests", dependencies: ["CRDT", "Memory", "TestKit"],
      resources: [.copy("Resources/json-test-suite")], swiftSettings: strict),
    .testTarget(
      name: "DurabilityTests", dependencies: ["Durability", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "ProcessesTests", dependencies: ["Processes", "TestKit"], swiftSettings: strict),
    .testTarget(name: "GitTests", dependencies: ["Git", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "ReplicationTests", dependencies: ["Replication", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "CRSTests", dependencies: ["CRS", "TestKit", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
    .testTarget(
      name: "CheckpointingTests", dependencies: ["Checkpointing", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "crdt-backup", "crdt-merge", "crdt-agent", "CommandSupport", "CommandText", "Replication", "TestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "PropertyTests",
      dependencies: ["CRDT", "CRS", "Memory", "Durability", "Replication", "Checkpointing", "TestKit"],
      path: "PropertyTests", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
