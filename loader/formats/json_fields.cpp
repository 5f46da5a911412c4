#include "loader/formats/json_fields.h"

#include <limits>

#include "loader/core/error.h"

namespace pp {

namespace {

// What a message shows of a value that is not what it should be.
std::string excerpt(const nlohmann::json& value) {
  constexpr size_t kMost = 60;
  const std::string all =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return all.size() <= kMost ? all : all.substr(0, kMost) + "...";
}

// Nested records are walked by recursion, so their depth is bounded first.
void check_depth(std::string_view text, const std::string& where) {
  constexpr int kMaxDepth = 400;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) {
        throw input_error(
            where + ": nested more than " + std::to_string(kMaxDepth) +
            " deep at byte " + std::to_string(i));
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& where) {
  check_depth(text, where);
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    throw input_error(
        where + ": not valid JSON at byte " + std::to_string(error.byte));
  }
}

void JsonFields::fail(const std::string& what) const {
  throw input_error(
      where_ + ": " + (place_.empty() ? "" : place_ + ": ") + what);
}

const JsonFields::Json* JsonFields::try_at(
    const Json& object, const char* key) const {
  if (!object.is_object()) {
    fail(
        "expected an object with '" + std::string(key) + "', found " +
        excerpt(object));
  }
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const JsonFields::Json& JsonFields::at(
    const Json& object, const char* key) const {
  const Json* found = try_at(object, key);
  if (found == nullptr) {
    fail("'" + std::string(key) + "' is missing in " + excerpt(object));
  }
  return *found;
}

const JsonFields::Json& JsonFields::array(
    const Json& object, const char* key) const {
  const Json& found = at(object, key);
  if (!found.is_array()) {
    fail("'" + std::string(key) + "' is not a list: " + excerpt(found));
  }
  return found;
}

const JsonFields::Json& JsonFields::object(
    const Json& object, const char* key) const {
  const Json& found = at(object, key);
  if (!found.is_object()) {
    fail("'" + std::string(key) + "' is not an object: " + excerpt(found));
  }
  return found;
}

const std::string& JsonFields::text(const Json& value) const {
  if (!value.is_string()) {
    fail("expected a text, found " + excerpt(value));
  }
  return value.get_ref<const std::string&>();
}

const std::string& JsonFields::text_at(
    const Json& object, const char* key) const {
  return text(at(object, key));
}

int64_t JsonFields::integer(const Json& value) const {
  constexpr auto kMost =
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && value.get<uint64_t>() > kMost)) {
    fail("expected an integer of 64 bits, found " + excerpt(value));
  }
  return value.get<int64_t>();
}

int64_t JsonFields::integer_at(const Json& object, const char* key) const {
  return integer(at(object, key));
}

double JsonFields::real(const Json& value) const {
  if (value.is_number()) {
    return value.get<double>();
  }
  const std::string& word = text(value);
  if (word == "Infinity") {
    return std::numeric_limits<double>::infinity();
  }
  if (word == "-Infinity") {
    return -std::numeric_limits<double>::infinity();
  }
  if (word == "NaN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  fail("expected a number, found " + excerpt(value));
}

bool JsonFields::boolean(const Json& value) const {
  if (!value.is_boolean()) {
    fail("expected true or false, found " + excerpt(value));
  }
  return value.get<bool>();
}

bool JsonFields::boolean_at(const Json& object, const char* key) const {
  return boolean(at(object, key));
}

std::pair<const std::string&, const JsonFields::Json&> JsonFields::one_of(
    const Json& value) const {
  if (value.is_object()) {
    // Other writers of the format spell out the fields that are not set.
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (!it->is_null()) {
        return {it.key(), it.value()};
      }
    }
  }
  fail("expected a tagged value, found " + excerpt(value));
}

}  // namespace pp
