#include "runtime/job/validate.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/document.h"
#include "runtime/job/keys.h"
#include "runtime/job/words.h"

namespace pp {
namespace {

unsigned list_types(const toml::array& items) {
  unsigned types =
      kStringList | kIntegerList | kNumberList | kNumberPair | kTableList;
  if (items.size() != 2) {
    types &= ~static_cast<unsigned>(kNumberPair);
  }
  for (const toml::node& item : items) {
    if (item.is_string()) {
      types &= kStringList;
    } else if (item.is_integer()) {
      types &= kIntegerList | kNumberList | kNumberPair;
    } else if (item.is_floating_point()) {
      types &= kNumberList | kNumberPair;
    } else if (item.is_table()) {
      types &= kTableList;
    } else {
      types = 0;
    }
  }
  return types;
}

/// The types (or-ed) that a value has.
unsigned types_of(const toml::node& value) {
  if (const toml::array* items = value.as_array()) {
    return list_types(*items);
  }
  if (value.is_integer()) {
    return kInteger | kNumber;
  }
  if (value.is_floating_point()) {
    return kNumber;
  }
  if (value.is_boolean()) {
    return kBool;
  }
  if (value.is_table()) {
    return kTable;
  }
  if (value.is_string()) {
    return kString;
  }
  return 0;
}

/// The items of a list, or the scalar itself.
std::vector<const toml::node*> items_of(const toml::node& value) {
  std::vector<const toml::node*> items;
  if (const toml::array* list = value.as_array()) {
    for (const toml::node& item : *list) {
      items.push_back(&item);
    }
  } else {
    items.push_back(&value);
  }
  return items;
}

[[noreturn]] void refuse(const toml::node& at, const std::string& message) {
  throw usage_error(place_text(at.source()) + message);
}

/// Whether `text` is a word such as "cuda:1" and the choice is "cuda:N".
bool is_numbered(std::string_view choice, std::string_view text) {
  constexpr size_t kMostDigits = 4;
  if (!choice.ends_with(":N") ||
      !text.starts_with(choice.substr(0, choice.size() - 1))) {
    return false;
  }
  const std::string_view number = text.substr(choice.size() - 1);
  return !number.empty() && number.size() <= kMostDigits &&
         std::ranges::all_of(
             number, [](char c) { return c >= '0' && c <= '9'; });
}

[[noreturn]] void refuse_value(
    const JobKey& key,
    const std::string& name,
    const toml::node& value,
    const std::string& hint = "") {
  refuse(
      value,
      name + ": expected " + expected_text(key) + ", got " +
          (value.is_table() ? "a table" : value_text(value)) + hint);
}

bool is_in_range(const JobKey& key, double number) {
  return (key.above_min ? number > key.min : number >= key.min) &&
         (key.below_max ? number < key.max : number <= key.max) &&
         std::isfinite(number);
}

void check_word(
    const JobKey& key,
    const std::string& name,
    const toml::node& item,
    const std::string& word) {
  if (word.empty()) {
    refuse(item, name + " must not be empty");
  }
  const std::vector<std::string> choices(
      key.choices.begin(), key.choices.end());
  const auto is_it = [&](const std::string& choice) {
    return choice == word || is_numbered(choice, word);
  };
  if (!choices.empty() && std::ranges::none_of(choices, is_it)) {
    refuse_value(key, name, item, nearest_words(key, word));
  }
}

void check_item(
    const JobKey& key, const std::string& name, const toml::node& item) {
  if (const auto number = try_number(item);
      number && !is_in_range(key, *number)) {
    const bool too_large = *number > key.max && key.max >= kLargestCount;
    refuse_value(
        key,
        name,
        item,
        too_large ? "; the largest is " + toml_number_text(key.max) : "");
  }
  if (const auto word = item.value<std::string>()) {
    check_word(key, name, item, *word);
  }
}

void check_supported(
    const JobKey& key, const std::string& name, const toml::node& value) {
  if (key.supported_only.empty()) {
    return;
  }
  if (key.supported_only == "-") {
    refuse(value, name + " is not yet supported; leave it out");
  }
  if (value_text(value) != key.supported_only) {
    refuse(
        value,
        name + " = " + value_text(value) +
            " is not yet supported; leave it out or write " +
            std::string(key.supported_only));
  }
}

void check_value(
    const JobKey& key, const std::string& name, const toml::node& value);

/// Checks one of `train.groups`: a pattern and options of the optimizer.
void check_group(const toml::table& group, const std::string& name) {
  if (const toml::node* match = group.get("match");
      match == nullptr || !match->is_string()) {
    refuse(group, name + " needs a match, e.g. { match = \"*.bias\", ... }");
  }
  for (const auto& [key, node] : group) {
    if (key.str() == "match") {
      continue;
    }
    const KeyPath path{"train", "optimizer", std::string(key.str())};
    const JobKey* option = key.str() == "name" ? nullptr : try_find_key(path);
    if (option == nullptr) {
      throw usage_error(
          place_text(key.source()) + "unknown key '" + std::string(key.str()) +
          "' in " + name + "; a group has match and the optimizer's options");
    }
    check_value(*option, name + "." + std::string(key.str()), node);
  }
}

void check_value(
    const JobKey& key, const std::string& name, const toml::node& value) {
  if ((types_of(value) & key.types) == 0) {
    refuse_value(key, name, value);
  }
  for (const toml::node* item : items_of(value)) {
    if (const toml::table* table = item->as_table()) {
      check_group(*table, name);
    } else {
      check_item(key, name, *item);
    }
  }
  check_supported(key, name, value);
}

void check_table(const toml::table& table, KeyPath& path) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) {
    entries.emplace_back(&key, &node);
  }
  // toml++ sorts by name; the first error by line is the one to report.
  std::ranges::stable_sort(entries, {}, [](const auto& entry) {
    const toml::source_position at = entry.first->source().begin;
    return std::tuple(at.line, at.column);
  });
  for (const auto& [key, node] : entries) {
    path.emplace_back(key->str());
    const std::string name = path_text(path);
    const JobKey* found = try_find_key(path);
    if (is_table(path)) {
      if (!node->is_table()) {
        refuse(*node, name + ": expected a table, got " + value_text(*node));
      }
      check_table(*node->as_table(), path);
    } else if (found != nullptr) {
      check_value(*found, name, *node);
    } else {
      throw usage_error(
          place_text(key->source()) + "unknown key '" + name + "'" +
          nearest_keys(path));
    }
    path.pop_back();
  }
}

}  // namespace

void validate_document(const toml::table& document) {
  KeyPath path;
  check_table(document, path);
}

}  // namespace pp
