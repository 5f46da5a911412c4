#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "runtime/job/codec.h"
#include "runtime/job/schema.h"

namespace pp {

/// One key and the member of a `Config` that it is read into.
template <typename Config>
struct Field {
  JobKey key;
  /// Reads a value, which must be valid. Null if the key is not read, or is
  /// read as part of another key.
  void (*read)(
      const toml::node& node,
      const std::filesystem::path& folder,
      Config& into) = nullptr;
  /// Returns the default as TOML. Null if the key has a default_note instead.
  std::string (*default_value)() = nullptr;

  /// Returns the last part of the key's path, which is its name in its table.
  std::string_view name() const {
    return key.path.substr(key.path.rfind('.') + 1);
  }
};

template <typename Member>
struct MemberTraits;
template <typename Class, typename Type>
struct MemberTraits<Type Class::*> {
  using Config = Class;
  using Value = Type;
};
template <auto kMember>
using ConfigOf = typename MemberTraits<decltype(kMember)>::Config;
template <auto kMember>
using ValueOf = typename MemberTraits<decltype(kMember)>::Value;

/// Makes the field of a key that is read into `kMember`. The member's type
/// determines the accepted values, and its initializer is the default unless
/// the key has a default_note.
template <auto kMember>
constexpr Field<ConfigOf<kMember>> field(JobKey key) {
  using Config = ConfigOf<kMember>;
  using Value = ValueOf<kMember>;
  key.types = Codec<Value>::kTypes;
  if (key.choices.empty()) {
    key.choices = Codec<Value>::kChoices;
  }
  Field<Config> out{key};
  out.read = [](const toml::node& node,
                const std::filesystem::path& folder,
                Config& into) {
    into.*kMember = Codec<Value>::read(node, folder);
  };
  if (key.default_note.empty()) {
    out.default_value = [] { return Codec<Value>::text(Config{}.*kMember); };
  }
  return out;
}

/// The accepted words of an optional key: `kWord`, which stands for nullopt,
/// followed by the words of the value's type.
template <const std::string_view& kWord, typename Value>
inline constexpr auto kWordAndChoices = [] {
  constexpr auto kChoices = Codec<Value>::kChoices;
  std::array<std::string_view, kChoices.size() + 1> words{kWord};
  for (size_t i = 0; i < kChoices.size(); ++i) {
    words[i + 1] = kChoices[i];
  }
  return words;
}();

/// Makes the field of a key whose member is an optional. In the job file, the
/// word `kWord`, such as "auto" or "none", stands for nullopt.
template <auto kMember, const std::string_view& kWord>
constexpr Field<ConfigOf<kMember>> field_or(JobKey key) {
  using Config = ConfigOf<kMember>;
  using Value = typename ValueOf<kMember>::value_type;
  key.types = Codec<Value>::kTypes | kString;
  key.choices = kWordAndChoices<kWord, Value>;
  Field<Config> out{key};
  out.read = [](const toml::node& node,
                const std::filesystem::path& folder,
                Config& into) {
    if (node.value<std::string>() == kWord) {
      into.*kMember = std::nullopt;
    } else {
      into.*kMember = Codec<Value>::read(node, folder);
    }
  };
  if (key.default_note.empty()) {
    out.default_value = [] {
      const std::optional<Value> value = Config{}.*kMember;
      return value ? Codec<Value>::text(*value)
                   : Codec<std::string>::text(std::string(kWord));
    };
  }
  return out;
}

/// Reads the keys of a table into `into`. If a key is absent, its member stays
/// unchanged.
///
/// table   may be null, which counts as an empty table
/// folder  the folder that relative paths start from
template <typename Config>
void read_fields(
    std::span<const Field<Config>> fields,
    const toml::table* table,
    const std::filesystem::path& folder,
    Config& into) {
  if (table == nullptr) {
    return;
  }
  for (const Field<Config>& each : fields) {
    const toml::node* node = table->get(each.name());
    if (node != nullptr && each.read != nullptr) {
      each.read(*node, folder, into);
    }
  }
}

}  // namespace pp
