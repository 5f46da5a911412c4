#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace pp {

/// The deepest nesting of lists and objects that is accepted. Documents are
/// walked by recursion, so the limit protects the stack.
inline constexpr int kMaxJsonDepth = 512;

/// Parses JSON. Returns nullopt if `text` is not valid JSON or is nested deeper
/// than kMaxJsonDepth.
std::optional<nlohmann::json> try_parse_json(std::string_view text);

/// A JSON document whose content is not trusted, with typed access to its
/// fields. Accessors accept and return references into the document; a value's
/// path is looked up only when a message needs it.
///
/// Every accessor throws Error(Input) if a value has the wrong type. All except
/// try_at() also throw it if the field is missing. The message names the file,
/// the place (see set_place()) and the field's path: "manifest.json:
/// stages[1].flops: must be an integer of 0 or more, found -1".
class JsonFields {
 public:
  using Json = nlohmann::json;

  /// Parses the document.
  /// where   names the document in messages: "model.pt2: models/model.json"
  /// throws  Error(Input): the text is not JSON (the message says where), or is
  ///         nested deeper than kMaxJsonDepth
  JsonFields(std::string_view text, std::string where);

  const std::string& where() const { return where_; }
  const Json& root() const { return root_; }
  /// Moves the document out of this object, which can't be read afterwards.
  Json take_root() { return std::move(root_); }

  /// Sets the place that messages name, such as "node 'add_1'". An empty string
  /// removes the place from messages.
  void set_place(std::string place) { place_ = std::move(place); }
  const std::string& place() const { return place_; }

  /// Throws Error(Input) with `problem`, the file and the place.
  [[noreturn]] void fail(const std::string& problem) const;
  /// Throws Error(Input) with `problem`, the file, the place and the path of
  /// `value`, which must be part of the document.
  [[noreturn]] void fail_at(
      const Json& value, const std::string& problem) const;

  const Json& at(const Json& object, const char* key) const;
  /// Finds a value by key; null if the key is missing or its value is null.
  const Json* try_at(const Json& object, const char* key) const;

  const Json& array(const Json& value) const;
  const Json& array_at(const Json& object, const char* key) const;
  const Json& object(const Json& value) const;
  const Json& object_at(const Json& object, const char* key) const;

  const std::string& text(const Json& value) const;
  const std::string& text_at(const Json& object, const char* key) const;
  std::vector<std::string> texts_at(const Json& object, const char* key) const;
  int64_t integer(const Json& value) const;
  int64_t integer_at(const Json& object, const char* key) const;
  /// Reads an integer of 0 or more.
  uint64_t count(const Json& value) const;
  uint64_t count_at(const Json& object, const char* key) const;
  /// Reads a number, or one of the strings "Infinity", "-Infinity" and "NaN".
  double real(const Json& value) const;
  bool boolean(const Json& value) const;
  bool boolean_at(const Json& object, const char* key) const;

  /// Reads a union such as {"as_int": 3}; returns its tag and its value.
  std::pair<const std::string&, const Json&> one_of(const Json& value) const;

 private:
  Json root_;
  std::string where_;
  std::string place_;
};

}  // namespace pp
