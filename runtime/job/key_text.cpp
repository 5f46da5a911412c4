#include <cmath>
#include <string>

#include "loader/core/text.h"
#include "runtime/job/schema.h"

namespace pp {
namespace {

/// "3", "0.5": as a person writes it.
std::string number_text(double value) {
  if (std::abs(value) < 1e15 && value == std::floor(value)) {
    return std::to_string(static_cast<int64_t>(value));
  }
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string one_of(const std::vector<std::string_view>& choices) {
  std::string text;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) {
      text += i + 1 == choices.size() ? " or " : ", ";
    }
    text += "`" + std::string(choices[i]) + "`";
  }
  return text;
}

}  // namespace

std::string range_text(const JobKey& key) {
  const bool has_max = key.max < kLargestCount;
  if (key.above_min) {
    return " above " + number_text(key.min) +
           (has_max ? ", at most " + number_text(key.max) : "");
  }
  if (std::isfinite(key.min) && has_max) {
    return " from " + number_text(key.min) + " to " + number_text(key.max);
  }
  if (std::isfinite(key.min)) {
    return ", " + number_text(key.min) + " or more";
  }
  return "";
}

std::string type_text(const JobKey& key) {
  std::vector<std::string> parts;
  const auto add = [&](KeyType type, const std::string& text) {
    if ((key.types & type) != 0) {
      parts.push_back(text);
    }
  };
  add(kBool, "`true` or `false`");
  add(kInteger, "integer" + range_text(key));
  add(kNumber, "number" + range_text(key));
  add(kString, key.choices.empty() ? "string" : one_of(key.choices));
  add(kStringList,
      key.choices.empty() ? "list of strings"
                          : "list of " + one_of(key.choices));
  add(kIntegerList, "list of integers" + range_text(key));
  add(kNumberList, "list of numbers" + range_text(key));
  add(kTableList, "list of tables");
  add(kTable, "table");
  return join(parts, "; or ");
}

std::string default_text(const JobKey& key) {
  return key.default_value.empty() ? std::string(key.default_note)
                                   : "`" + std::string(key.default_value) + "`";
}

}  // namespace pp
