#include "runtime/job/document.h"

#include <array>
#include <charconv>
#include <optional>
#include <sstream>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

/// A double-quoted TOML string.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + '"';
}

/// Lays `over` on `base`. A dotted key's tables are merged, an inline table
/// stands for the whole and replaces.
void lay_over(toml::table& base, toml::table&& over) {
  for (auto& [key, node] : over) {
    toml::node* below = base.get(key.str());
    const toml::table* table = node.as_table();
    if (below != nullptr && below->is_table() && table != nullptr &&
        !table->is_inline()) {
      lay_over(*below->as_table(), std::move(*node.as_table()));
      continue;
    }
    const toml::key& name = key;
    // The old key would keep its place, which is not where this value stands.
    base.erase(name.str());
    node.visit(
        [&](auto& value) { base.insert_or_assign(name, std::move(value)); });
  }
}

std::optional<toml::table> try_parse(
    const std::string& text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

/// Whether a value is meant as a whole number: one that is none in TOML is not
/// a string for that.
bool is_whole_number(std::string_view value) {
  if (value.starts_with('+') || value.starts_with('-')) {
    value.remove_prefix(1);
  }
  return !value.empty() &&
         value.find_first_not_of("_0123456789") == std::string_view::npos;
}

/// The table that "key.path=value" means.
toml::table parse_override(const std::string& argument) {
  const std::string source = "--set " + argument;
  const size_t equals = argument.find('=');
  std::optional<toml::table> table;
  if (equals != std::string::npos && equals > 0 &&
      argument.find('\n') == std::string::npos) {
    const std::string key = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    table = try_parse(key + " = " + value, source);
    if (!table && !is_whole_number(value)) {
      table = try_parse(key + " = " + in_quotes(value), source);
    } else if (!table) {
      throw usage_error(
          source + ": " + value + " is not a whole number of 64 bits");
    }
  }
  if (!table) {
    throw usage_error(source + ": write it as --set key.path=value");
  }
  return std::move(*table);
}

}  // namespace

toml::table parse_document(
    std::string_view text,
    const std::string& name,
    const std::vector<std::string>& overrides) {
  toml::table document;
  try {
    document = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    throw usage_error(
        place_text(error.source()) + std::string(error.description()));
  }
  for (const std::string& argument : overrides) {
    lay_over(document, parse_override(argument));
  }
  return document;
}

std::string place_text(const toml::source_region& source) {
  if (!source.path) {
    return "";
  }
  if (source.path->starts_with("--set ")) {
    return *source.path + ": ";
  }
  return *source.path + ":" + std::to_string(source.begin.line) + ":" +
         std::to_string(source.begin.column) + ": ";
}

std::string place_of(
    const toml::table& document, const KeyPath& path, const std::string& name) {
  std::string place;
  const toml::table* table = &document;
  for (const std::string& segment : path) {
    const auto entry = table->find(segment);
    if (entry == table->end()) {
      break;
    }
    const std::string found = place_text(entry->first.source());
    place = found.empty() ? place : found;
    table = entry->second.as_table();
    if (table == nullptr) {
      break;
    }
  }
  return place.empty() ? name + ": " : place;
}

std::string value_text(const toml::node& value) {
  if (const auto* text = value.as_string()) {
    return in_quotes(text->get());
  }
  if (const auto* flag = value.as_boolean()) {
    return flag->get() ? "true" : "false";
  }
  if (const auto* items = value.as_array()) {
    std::vector<std::string> parts;
    for (const toml::node& item : *items) {
      parts.push_back(value_text(item));
    }
    return "[" + join(parts) + "]";
  }
  if (const auto* number = value.as_floating_point()) {
    std::array<char, 32> text{};  // the shortest that reads back the same
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), number->get());
    return {text.data(), end.ptr};
  }
  std::ostringstream out;
  value.visit([&out](const auto& node) { out << node; });
  return out.str();
}

}  // namespace pp
