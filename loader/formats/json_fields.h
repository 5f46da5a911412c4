#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace pp {

/// Parses a JSON record.
/// throws Error(Input) "<where>: not valid JSON at byte N"
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// Typed access to the fields of a JSON record whose content is not trusted.
/// Every error is Error(Input) and says where: file and record, then the node
/// being read, if one is.
class JsonFields {
 public:
  using Json = nlohmann::json;

  /// where: "model.pt2: models/model.json"
  explicit JsonFields(std::string where) : where_(std::move(where)) {}

  /// Names what is being read ("node 'add_1'"); empty: nothing in particular.
  void set_place(std::string place) { place_ = std::move(place); }
  const std::string& place() const { return place_; }

  [[noreturn]] void fail(const std::string& what) const;

  const Json& at(const Json& object, const char* key) const;
  /// Null if the key is missing or its value is null.
  const Json* try_at(const Json& object, const char* key) const;
  const Json& array(const Json& object, const char* key) const;
  const Json& object(const Json& object, const char* key) const;

  const std::string& text(const Json& value) const;
  const std::string& text_at(const Json& object, const char* key) const;
  int64_t integer(const Json& value) const;
  int64_t integer_at(const Json& object, const char* key) const;
  /// A number, or "Infinity", "-Infinity", "NaN".
  double real(const Json& value) const;
  bool boolean(const Json& value) const;
  bool boolean_at(const Json& object, const char* key) const;

  /// The tag and value of a union such as {"as_int": 3}.
  std::pair<const std::string&, const Json&> one_of(const Json& value) const;

 private:
  std::string where_;
  std::string place_;
};

}  // namespace pp
