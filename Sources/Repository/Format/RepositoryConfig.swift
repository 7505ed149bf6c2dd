/// The `config` file: what a repository is.
struct RepositoryConfig: Codable, Sendable, Hashable {
  let version: Int
  let id: String
  let chunkerPolynomial: String

  enum CodingKeys: String, CodingKey {
    case version, id
    case chunkerPolynomial = "chunker_polynomial"
  }

  /// The config of a new repository.
  static func random() -> RepositoryConfig {
    let words = (0..<4).map { _ in SecureRandom.word() }
    return RepositoryConfig(
      version: 2, id: SHA256Digest(words[0], words[1], words[2], words[3]).hexadecimal,
      chunkerPolynomial: ChunkerPolynomial.random().description)
  }

  /// The polynomial; an error when the version is not 2 or the polynomial is none that can cut files.
  func checkedPolynomial() throws -> ChunkerPolynomial {
    guard version == 2 else {
      throw RepositoryError(
        .unsupportedVersion,
        version < 2
          ? "the repository has restic's format version \(version), and version 2 is needed; upgrade it with "
            + "'restic migrate upgrade_repo_v2', then try again"
          : "the repository has restic's format version \(version), which is newer than the version 2 known here; "
            + "use a newer Tidemark")
    }
    guard let polynomial = ChunkerPolynomial(chunkerPolynomial), polynomial.isIrreducible,
      polynomial.bits >> UInt64(ChunkerPolynomial.degree) == 1
    else {
      throw RepositoryError(
        .corrupted,
        "the config's chunker_polynomial '\(chunkerPolynomial)' is not an irreducible polynomial of degree "
          + "\(ChunkerPolynomial.degree); restore the config file from a copy of the repository")
    }
    return polynomial
  }
}
