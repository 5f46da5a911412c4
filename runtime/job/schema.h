#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace pp {

/// Upper limit for the numbers of ranks, stages and microbatches. Messages and
/// documentation don't mention it.
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
  kTable = 256,  ///< with the keys of JobKey::same_as
};

/// One key of the job file: validation, reading and docs/job-file.md follow it.
/// field() (field.h) fills in type, choices and default from its member.
struct JobKey {
  /// "data.inputs.<name>.path": `<name>` stands for any name.
  std::string_view path = {};
  std::string_view default_note = {};  ///< in place of a value: "required"
  std::string_view unit = {};
  std::string_view meaning = {};  ///< one line

  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  ///< `min` itself is out of range
  bool below_max = false;  ///< `max` itself is out of range

  /// The only value (TOML) that is supported so far. "-" if none is, so the key
  /// must be absent; empty if all are.
  std::string_view supported_only = {};
  /// kTable: the path whose keys this table has.
  std::string_view same_as = {};

  unsigned types = 0;
  std::span<const std::string_view> choices = {};  ///< allowed strings
  std::string_view default_value = {};             ///< TOML; empty: a note
};

/// Every key, grouped by table, in the order of the documentation.
std::span<const JobKey> job_keys();

/// Describes the accepted values in a table: "integer >= 1", "`sgd`, `adam` or
/// `adamw`".
std::string type_text(const JobKey& key);

/// Describes the accepted values in a sentence: "an integer >= 1".
std::string expected_text(const JobKey& key);

/// The default as the documentation shows it: "`1`", "required".
std::string default_text(const JobKey& key);

}  // namespace pp
