#include "runtime/job/nested_names.h"

#include <string>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "runtime/job/document.h"

namespace pp {

namespace {

using Entry = std::pair<toml::key, toml::table>;

/// Moves the tables in `table`, and those nested in them, to `found`. Each gets
/// the names of the tables around it, joined by dots, as its key.
void take_tables(
    toml::table& table, const std::string& prefix, std::vector<Entry>& found) {
  std::vector<toml::key> keys;
  for (const auto& [key, node] : table) {
    if (node.is_table()) {
      keys.push_back(key);
    }
  }
  for (const toml::key& key : keys) {
    const std::string name = prefix + std::string(key.str());
    toml::table own = std::move(*table[key.str()].as_table());
    table.erase(key.str());
    const bool was_empty = own.empty();
    take_tables(own, name + ".", found);
    if (was_empty || !own.empty()) {
      found.emplace_back(toml::key(name, key.source()), std::move(own));
    }
  }
}

void join_names(toml::table* table) {
  if (table == nullptr) {
    return;
  }
  std::vector<Entry> found;
  take_tables(*table, "", found);
  for (auto& [key, own] : found) {
    if (table->contains(key.str())) {
      throw usage_error(
          place_text(key.source()) + "'" + std::string(key.str()) +
          "' is given twice, once with quotes and once without; leave one out");
    }
    table->insert_or_assign(key, std::move(own));
  }
}

}  // namespace

void join_nested_names(toml::table& document) {
  for (const char* path :
       {"data.inputs", "eval.data.inputs", "output.outputs"}) {
    join_names(document.at_path(path).as_table());
  }
}

}  // namespace pp
