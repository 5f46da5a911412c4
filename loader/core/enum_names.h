#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pp {

/// One value of an enum and the word that users write for it.
template <typename Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};

/// An enum whose values users write as words. A constexpr function
/// `enum_names(Enum)` in the enum's own namespace returns its table: an array
/// of EnumName, in the order in which messages list the words.
template <typename Enum>
concept NamedEnum = std::is_enum_v<Enum> && requires {
  enum_names(Enum{});
};

/// Extracts an enum's table of names from a larger table, whose rows have a
/// `kind` and a `name`.
template <typename Row, size_t kSize>
constexpr auto names_of_rows(const std::array<Row, kSize>& rows) {
  std::array<EnumName<decltype(Row::kind)>, kSize> names{};
  for (size_t i = 0; i < kSize; ++i) {
    names[i] = {rows[i].kind, rows[i].name};
  }
  return names;
}

/// The words of an enum, in the order of its table.
template <NamedEnum Enum>
inline constexpr auto kEnumWords = [] {
  constexpr auto kNames = enum_names(Enum{});
  std::array<std::string_view, kNames.size()> words{};
  for (size_t i = 0; i < kNames.size(); ++i) {
    words[i] = kNames[i].name;
  }
  return words;
}();

template <NamedEnum Enum>
std::vector<std::string> enum_words() {
  return {kEnumWords<Enum>.begin(), kEnumWords<Enum>.end()};
}

/// The word for an enumerator; an empty string if the enum's table lacks it.
template <NamedEnum Enum>
constexpr std::string_view enum_name(Enum value) {
  for (const EnumName<Enum>& row : enum_names(value)) {
    if (row.value == value) {
      return row.name;
    }
  }
  return {};
}

/// The enumerator that a word stands for; nullopt for an unknown word.
template <NamedEnum Enum>
constexpr std::optional<Enum> try_parse_enum(std::string_view word) {
  for (const EnumName<Enum>& row : enum_names(Enum{})) {
    if (row.name == word) {
      return row.value;
    }
  }
  return std::nullopt;
}

}  // namespace pp
