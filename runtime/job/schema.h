#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pp {

/// No count of ranks, stages or microbatches is larger; not worth a word in a
/// message.
inline constexpr double kLargestCount = 1 << 20;

/// What a key's value may be; several are or-ed.
enum KeyType : unsigned {
  kString = 1,
  kInteger = 2,
  kNumber = 4,  ///< an integer too
  kBool = 8,
  kStringList = 16,
  kIntegerList = 32,
  kNumberList = 64,
  kTableList = 128,
  kTable = 256,  ///< by JobKey::same_as
};

/// One key of the job file. The table of them drives validation, and
/// docs/job-file.md has a row for each.
struct JobKey {
  /// "data.inputs.<name>.path": `<name>` stands for any name.
  std::string_view path = {};
  unsigned types = kString;
  std::string_view default_value = {};  ///< TOML; empty: none, see default_note
  std::string_view default_note = {};   ///< "required", "one a stage"
  std::string_view unit = {};
  std::string_view meaning = {};  ///< one line

  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;                      ///< `min` itself is out
  std::vector<std::string_view> choices = {};  ///< of a string

  /// The only value (TOML) that is supported yet; "-": none is, the key must
  /// be absent; empty: all are.
  std::string_view supported_only = {};
  /// kTable: it has the keys that this path has.
  std::string_view same_as = {};
};

/// Every key, grouped by table, in the order of the documentation.
std::span<const JobKey> job_keys();

/// "integer, 1 or more", "`sgd`, `adam` or `adamw`": what a value may be.
std::string type_text(const JobKey& key);

/// ", 1 or more", " from 0 to 3"; empty where every number will do
std::string range_text(const JobKey& key);

/// The default as the documentation shows it: "`1`", "required".
std::string default_text(const JobKey& key);

}  // namespace pp
