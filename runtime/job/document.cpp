#include "runtime/job/document.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/nested_names.h"
#include "runtime/job/shorthands.h"

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

/// Writes the values of `over` into `base`. Tables that are written as dotted
/// keys are merged; an inline table replaces the old value as a whole.
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
    // Assigning would keep the old key and with it the old place.
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

/// Whether a value is meant as a whole number. If TOML can't read it as one, it
/// is an error and not a string.
bool is_whole_number(std::string_view value) {
  if (value.starts_with('+') || value.starts_with('-')) {
    value.remove_prefix(1);
  }
  return !value.empty() &&
         value.find_first_not_of("_0123456789") == std::string_view::npos;
}

/// The table that "key.path=value" stands for.
toml::table parse_override(const std::string& argument) {
  const std::string source = "--set " + argument;
  const size_t equals = argument.find('=');
  std::optional<toml::table> table;
  if (equals != std::string::npos && equals > 0 &&
      argument.find('\n') == std::string::npos) {
    const std::string key = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    table = try_parse(key + " = " + value, source);
    if (!table && is_whole_number(value)) {
      throw usage_error(source + ": " + value + " is not a 64-bit integer");
    }
    if (!table) {
      table = try_parse(key + " = " + in_quotes(value), source);
    }
  }
  if (!table) {
    throw usage_error(source + ": write it as --set key.path=value");
  }
  join_nested_names(*table);
  expand_shorthands(*table);
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
  join_nested_names(document);
  expand_shorthands(document);
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

std::optional<double> try_number(const toml::node& value) {
  if (const auto* integer = value.as_integer()) {
    return static_cast<double>(integer->get());
  }
  const auto* real = value.as_floating_point();
  return real != nullptr ? std::optional(real->get()) : std::nullopt;
}

std::string toml_number_text(double value) {
  if (std::abs(value) < 1e15 && value == std::floor(value)) {
    return std::to_string(static_cast<int64_t>(value));
  }
  std::array<char, 32> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value);
  std::string text(digits.data(), end.ptr);
  if (const size_t exponent = text.find("e-0"); exponent != std::string::npos) {
    text.erase(exponent + 2, 1);  // "1e-08"
  }
  return text;
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
    return toml_number_text(number->get());
  }
  std::ostringstream out;
  value.visit([&out](const auto& node) { out << node; });
  return out.str();
}

}  // namespace pp
