#include "loader/core/json_fields.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "loader/core/error.h"

namespace pp {

namespace {

using Json = nlohmann::json;

/// The beginning of a value, for messages.
std::string excerpt(const Json& value) {
  constexpr size_t kMaxLength = 60;
  const std::string all =
      value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return all.size() <= kMaxLength ? all : all.substr(0, kMaxLength) + "...";
}

/// Byte offset at which the text is nested too deep.
std::optional<size_t> too_deep_at(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) {
        return i;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return std::nullopt;
}

Json parse_checked(std::string_view text, const std::string& where) {
  if (const auto byte = too_deep_at(text)) {
    throw input_error(
        where + ": nested more than " + std::to_string(kMaxJsonDepth) +
        " levels deep at byte " + std::to_string(*byte));
  }
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& error) {
    throw input_error(
        where + ": not valid JSON at byte " + std::to_string(error.byte));
  } catch (const Json::out_of_range&) {
    throw input_error(where + ": not valid JSON: a number is too large");
  }
}

/// ".name", or "['layers.0.weight']" where the key is not a plain word.
std::string step_text(const std::string& key) {
  const bool plain = !key.empty() && std::ranges::all_of(key, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
  return plain ? "." + key : "['" + key + "']";
}

/// Appends the path from `from` to `value`, which is one of the values below
/// it. Returns false if it is not.
bool append_path(const Json& from, const Json& value, std::string& path) {
  if (&from == &value) {
    return true;
  }
  const size_t length = path.size();
  size_t position = 0;
  for (auto it = from.begin(); from.is_structured() && it != from.end(); ++it) {
    path += from.is_object() ? step_text(it.key())
                             : "[" + std::to_string(position++) + "]";
    if (append_path(*it, value, path)) {
      return true;
    }
    path.resize(length);
  }
  return false;
}

std::string quoted(const char* key) {
  return "'" + std::string(key) + "'";
}

}  // namespace

std::optional<Json> try_parse_json(std::string_view text) {
  if (too_deep_at(text)) {
    return std::nullopt;
  }
  Json parsed = Json::parse(
      text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? std::nullopt
                               : std::optional(std::move(parsed));
}

JsonFields::JsonFields(std::string_view text, std::string where)
    : root_(parse_checked(text, where)), where_(std::move(where)) {}

void JsonFields::fail(const std::string& problem) const {
  throw input_error(
      where_ + ": " + (place_.empty() ? "" : place_ + ": ") + problem);
}

void JsonFields::fail_at(const Json& value, const std::string& problem) const {
  std::string path;
  append_path(root_, value, path);
  if (path.starts_with('.')) {
    path.erase(0, 1);
  }
  fail(path.empty() ? problem : path + ": " + problem);
}

const Json* JsonFields::try_at(const Json& object, const char* key) const {
  const auto found = this->object(object).find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& JsonFields::at(const Json& object, const char* key) const {
  const Json* found = try_at(object, key);
  if (found == nullptr) {
    fail_at(object, quoted(key) + " is missing");
  }
  return *found;
}

const Json& JsonFields::array(const Json& value) const {
  if (!value.is_array()) {
    fail_at(value, "must be a list, found " + excerpt(value));
  }
  return value;
}

const Json& JsonFields::array_at(const Json& object, const char* key) const {
  return array(at(object, key));
}

const Json& JsonFields::object(const Json& value) const {
  if (!value.is_object()) {
    fail_at(value, "must be an object, found " + excerpt(value));
  }
  return value;
}

const Json& JsonFields::object_at(const Json& object, const char* key) const {
  return this->object(at(object, key));
}

const std::string& JsonFields::text(const Json& value) const {
  if (!value.is_string()) {
    fail_at(value, "must be a string, found " + excerpt(value));
  }
  return value.get_ref<const std::string&>();
}

const std::string& JsonFields::text_at(
    const Json& object, const char* key) const {
  return text(at(object, key));
}

std::vector<std::string> JsonFields::texts_at(
    const Json& object, const char* key) const {
  std::vector<std::string> out;
  for (const Json& item : array_at(object, key)) {
    out.push_back(text(item));
  }
  return out;
}

int64_t JsonFields::integer(const Json& value) const {
  constexpr auto kLargest =
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && value.get<uint64_t>() > kLargest)) {
    fail_at(value, "must be a 64-bit integer, found " + excerpt(value));
  }
  return value.get<int64_t>();
}

int64_t JsonFields::integer_at(const Json& object, const char* key) const {
  return integer(at(object, key));
}

uint64_t JsonFields::count(const Json& value) const {
  // The parser stores integers of 0 or more as unsigned.
  if (!value.is_number_unsigned()) {
    fail_at(value, "must be an integer of 0 or more, found " + excerpt(value));
  }
  return value.get<uint64_t>();
}

uint64_t JsonFields::count_at(const Json& object, const char* key) const {
  return count(at(object, key));
}

double JsonFields::real(const Json& value) const {
  if (value.is_number()) {
    return value.get<double>();
  }
  if (value == "Infinity") {
    return std::numeric_limits<double>::infinity();
  }
  if (value == "-Infinity") {
    return -std::numeric_limits<double>::infinity();
  }
  if (value == "NaN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  fail_at(value, "must be a number, found " + excerpt(value));
}

bool JsonFields::boolean(const Json& value) const {
  if (!value.is_boolean()) {
    fail_at(value, "must be true or false, found " + excerpt(value));
  }
  return value.get<bool>();
}

bool JsonFields::boolean_at(const Json& object, const char* key) const {
  return boolean(at(object, key));
}

std::pair<const std::string&, const Json&> JsonFields::one_of(
    const Json& value) const {
  if (value.is_object()) {
    // Other writers of the format include the unset fields, with a null value.
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (!it->is_null()) {
        return {it.key(), it.value()};
      }
    }
  }
  fail_at(
      value,
      "must be an object such as {\"as_int\": 3}, found " + excerpt(value));
}

}  // namespace pp
