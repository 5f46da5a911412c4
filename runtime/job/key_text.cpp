#include <cmath>
#include <string>
#include <vector>

#include "loader/core/text.h"
#include "runtime/job/document.h"
#include "runtime/job/schema.h"

namespace pp {
namespace {

std::string one_of(std::span<const std::string_view> choices) {
  std::string text;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) {
      text += i + 1 == choices.size() ? " or " : ", ";
    }
    text += "`" + std::string(choices[i]) + "`";
  }
  return text;
}

/// " >= 1", " from 0 to 3", " > 0 and <= 1000000"; empty if every number is in
/// range.
std::string range_text(const JobKey& key) {
  const bool has_min = std::isfinite(key.min);
  const bool has_max = key.max < kLargestCount;
  if (has_min && has_max && !key.above_min && !key.below_max) {
    return " from " + toml_number_text(key.min) + " to " +
           toml_number_text(key.max);
  }
  std::string text;
  if (has_min) {
    text += (key.above_min ? " > " : " >= ") + toml_number_text(key.min);
  }
  if (has_max) {
    text += (text.empty() ? "" : " and") +
            std::string(key.below_max ? " < " : " <= ") +
            toml_number_text(key.max);
  }
  return text;
}

/// One text for each type that the value may have.
std::vector<std::string> type_texts(const JobKey& key) {
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
  add(kNumberPair, "list of two numbers" + range_text(key));
  add(kTableList, "list of tables");
  add(kTable, "table");
  return parts;
}

std::string with_article(const std::string& text) {
  if (text.starts_with('`')) {
    return text;
  }
  return (text.starts_with("integer") ? "an " : "a ") + text;
}

}  // namespace

std::string type_text(const JobKey& key) {
  return join(type_texts(key), "; or ");
}

std::string expected_text(const JobKey& key) {
  std::vector<std::string> parts = type_texts(key);
  for (std::string& part : parts) {
    part = with_article(part);
  }
  return join(parts, ", or ");
}

std::string default_text(const JobKey& key) {
  return key.default_value.empty() ? std::string(key.default_note)
                                   : "`" + std::string(key.default_value) + "`";
}

}  // namespace pp
