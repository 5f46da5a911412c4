#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace pp {

/// Upper limit for the numbers of ranks, stages and microbatches. It is so high
/// that messages and documentation don't mention it.
inline constexpr double kLargestCount = 1 << 20;

/// The TOML types that a key accepts, combined with `|`.
enum KeyType : unsigned {
  kString = 1,
  kInteger = 2,
  kNumber = 4,  ///< also accepts an integer
  kBool = 8,
  kStringList = 16,
  kIntegerList = 32,
  kNumberPair = 64,
  kTableList = 128,
  kTable = 256,  ///< the table has the keys of JobKey::same_as
  kNumberList = 512,
};

/// One key of the job file. Validation, reading and docs/job-file.md all follow
/// this row. field() (field.h) fills in type, choices and default from the
/// member that the key is read into.
struct JobKey {
  /// The key's path, "data.inputs.<name>.path", in which `<name>` stands for
  /// any name.
  std::string_view path = {};
  /// Shown instead of a default: "required".
  std::string_view default_note = {};
  std::string_view unit = {};
  std::string_view meaning = {};  ///< one line

  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  ///< `min` itself is out of range
  bool below_max = false;  ///< `max` itself is out of range

  /// The only value (as TOML) that is supported so far. "-" means that none is,
  /// so the key must be absent; empty means that all are.
  std::string_view supported_only = {};
  /// For kTable: the path of the table whose keys this table has.
  std::string_view same_as = {};

  unsigned types = 0;
  /// Allowed strings; empty: any.
  std::span<const std::string_view> choices = {};
  /// The default as TOML; empty if there is a default_note.
  std::string_view default_value = {};
};

/// Returns every key, grouped by table, in the order of the documentation.
std::span<const JobKey> job_keys();

/// Returns the accepted values as the documentation's tables show them:
/// "integer >= 1", "`sgd`, `adam` or `adamw`".
std::string type_text(const JobKey& key);

/// Returns the accepted values as part of a sentence: "an integer >= 1".
std::string expected_text(const JobKey& key);

/// Returns the default as the documentation shows it: "`1`", "required".
std::string default_text(const JobKey& key);

}  // namespace pp
