#include "runtime/job/shorthands.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/job/keys.h"
#include "runtime/job/words.h"

namespace pp {
namespace {

struct TableShorthand {
  std::string_view table;
  std::string_view key;  ///< the key that a string stands for
};

constexpr std::array kTables = std::to_array<TableShorthand>({
    {"train.loss", "name"},
    {"train.optimizer", "name"},
    {"train.lr_schedule", "name"},
    {"train.early_stop", "metric"},
    {"data.target", "path"},
    {"eval.data.target", "path"},
});

/// Replaces `table[key] = "text"` by `table[key] = { inner = "text" }`.
void expand_table(
    toml::table& table, std::string_view key, std::string_view inner) {
  toml::node* node = table.get(key);
  if (node == nullptr || !node->is_string()) {
    return;
  }
  toml::table expanded;
  expanded.is_inline(true);
  expanded.insert_or_assign(
      toml::key(inner, node->source()), std::move(*node->as_string()));
  table.insert_or_assign(key, std::move(expanded));
}

void expand_sources(toml::table* inputs) {
  if (inputs == nullptr) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& [name, node] : *inputs) {
    names.emplace_back(name.str());
  }
  for (const std::string& name : names) {
    expand_table(*inputs, name, "path");
  }
}

void expand_word(const JobKey& key, toml::node& node) {
  if (auto* word = node.as_string()) {
    *word = std::string(word_for(key, word->get()));
  }
}

/// Whether a string stands for a list that has only it.
bool is_only_list(const JobKey& key) {
  return (key.types & kStringList) != 0 && (key.types & kString) == 0;
}

void expand_value(
    const JobKey& key, toml::table& table, const std::string& name) {
  toml::node& node = *table.get(name);
  if (is_only_list(key) && node.is_string()) {
    toml::array list;
    list.push_back(std::move(*node.as_string()));
    table.insert_or_assign(name, std::move(list));
    return;
  }
  if (key.choices.empty()) {
    return;
  }
  expand_word(key, node);
  if (toml::array* items = node.as_array()) {
    for (toml::node& item : *items) {
      expand_word(key, item);
    }
  }
}

void expand_values(toml::table& table, KeyPath& path) {
  std::vector<std::string> names;
  for (const auto& [name, node] : table) {
    names.emplace_back(name.str());
  }
  for (const std::string& name : names) {
    path.push_back(name);
    if (toml::table* below = table.get(name)->as_table()) {
      expand_values(*below, path);
    } else if (const JobKey* key = try_find_key(path)) {
      expand_value(*key, table, name);
    }
    path.pop_back();
  }
}

}  // namespace

void expand_shorthands(toml::table& document) {
  for (const auto& [table, key] : kTables) {
    const size_t dot = table.rfind('.');
    if (toml::table* parent =
            document.at_path(table.substr(0, dot)).as_table()) {
      expand_table(*parent, table.substr(dot + 1), key);
    }
  }
  for (const char* inputs : {"data.inputs", "eval.data.inputs"}) {
    expand_sources(document.at_path(inputs).as_table());
  }
  KeyPath path;
  expand_values(document, path);
}

}  // namespace pp
