#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace pp {

/// Deepest nesting of lists and objects that is accepted. It is limited because
/// documents are walked by recursion.
inline constexpr int kMaxJsonDepth = 512;

/// Parses a text that need not be JSON. Nothing if it is not, or nested deeper
/// than kMaxJsonDepth.
std::optional<nlohmann::json> try_parse_json(std::string_view text);

/// A JSON document whose content is not trusted, with typed access to its
/// fields. Values are passed by reference into the document; the path of a
/// value is looked up only when a message needs it.
///
/// Every error is an Error(Input) that says where: the file, what is being read
/// (set_place) and the field's path, as in "manifest.json: stages[1].flops:
/// must be an integer of 0 or more, found -1".
class JsonFields {
 public:
  using Json = nlohmann::json;

  /// Parses the document.
  /// where   names the document in messages: "model.pt2: models/model.json"
  /// throws  Error(Input) "<where>: not valid JSON at byte N"; nested deeper
  ///         than kMaxJsonDepth
  JsonFields(std::string_view text, std::string where);

  const std::string& where() const { return where_; }
  const Json& root() const { return root_; }
  /// Moves the document out. Nothing can be read after that.
  Json take_root() { return std::move(root_); }

  /// Sets what is being read, for messages: "node 'add_1'". Empty: no name.
  void set_place(std::string place) { place_ = std::move(place); }
  const std::string& place() const { return place_; }

  /// Throws Error(Input) about what is being read, see set_place().
  [[noreturn]] void fail(const std::string& problem) const;
  /// Throws Error(Input) about a value of the document, with its path.
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
  /// An integer of 0 or more.
  uint64_t count(const Json& value) const;
  uint64_t count_at(const Json& object, const char* key) const;
  /// A number, or "Infinity", "-Infinity", "NaN".
  double real(const Json& value) const;
  bool boolean(const Json& value) const;
  bool boolean_at(const Json& object, const char* key) const;

  /// The tag and value of a union such as {"as_int": 3}.
  std::pair<const std::string&, const Json&> one_of(const Json& value) const;

 private:
  Json root_;
  std::string where_;
  std::string place_;
};

}  // namespace pp
