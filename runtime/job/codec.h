#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "loader/core/enum_names.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/document.h"
#include "runtime/job/schema.h"
#include "runtime/options/device_choice.h"
#include "runtime/options/loss.h"
#include "runtime/options/recompute.h"
#include "splitter/cut/split_spec.h"

// How the values of each type are written in a job file.

namespace pp {

/// How values of one type are written in a job file. Specializations have
///   kTypes    the TOML types that the value may have
///   kChoices  the words that a string may be; empty: any string
///   read()    converts a validated TOML value; relative paths start from
///             `folder`
///   text()    converts a value to TOML
template <typename Value>
struct Codec;

struct AnyWord {
  static constexpr std::span<const std::string_view> kChoices = {};
};

template <>
struct Codec<bool> : AnyWord {
  static constexpr unsigned kTypes = kBool;
  static bool read(const toml::node& node, const std::filesystem::path&) {
    return node.value_or(false);
  }
  static std::string text(bool value) { return value ? "true" : "false"; }
};

template <std::integral Int>
struct Codec<Int> : AnyWord {
  static constexpr unsigned kTypes = kInteger;
  static Int read(const toml::node& node, const std::filesystem::path&) {
    return static_cast<Int>(node.value_or(int64_t{0}));
  }
  static std::string text(Int value) { return std::to_string(value); }
};

template <>
struct Codec<double> : AnyWord {
  static constexpr unsigned kTypes = kNumber;
  static double read(const toml::node& node, const std::filesystem::path&) {
    return try_number(node).value_or(0.0);
  }
  static std::string text(double value) { return toml_number_text(value); }
};

/// A list of two numbers.
template <>
struct Codec<std::array<double, 2>> : AnyWord {
  static constexpr unsigned kTypes = kNumberPair;
  static std::array<double, 2> read(
      const toml::node& node, const std::filesystem::path&) {
    const toml::array& items = *node.as_array();
    return {
        try_number(items[0]).value_or(0.0), try_number(items[1]).value_or(0.0)};
  }
  static std::string text(const std::array<double, 2>& pair) {
    return "[" + toml_number_text(pair[0]) + ", " + toml_number_text(pair[1]) +
           "]";
  }
};

/// A duration, which a job file gives in seconds.
template <>
struct Codec<std::chrono::milliseconds> : AnyWord {
  static constexpr unsigned kTypes = kNumber;
  static std::chrono::milliseconds read(
      const toml::node& node, const std::filesystem::path&) {
    return std::chrono::milliseconds(
        static_cast<int64_t>(try_number(node).value_or(0.0) * 1000));
  }
  static std::string text(std::chrono::milliseconds time) {
    return toml_number_text(static_cast<double>(time.count()) / 1000);
  }
};

template <>
struct Codec<std::string> : AnyWord {
  static constexpr unsigned kTypes = kString;
  static std::string read(
      const toml::node& node, const std::filesystem::path&) {
    return node.value_or(std::string());
  }
  static std::string text(const std::string& value) {
    return "\"" + value + "\"";
  }
};

template <>
struct Codec<std::filesystem::path> : AnyWord {
  static constexpr unsigned kTypes = kString;
  static std::filesystem::path read(
      const toml::node& node, const std::filesystem::path& folder) {
    return (folder / node.value_or(std::string())).lexically_normal();
  }
  static std::string text(const std::filesystem::path& path) {
    return Codec<std::string>::text(path.string());
  }
};

template <NamedEnum Enum>
struct Codec<Enum> {
  static constexpr unsigned kTypes = kString;
  static constexpr std::span<const std::string_view> kChoices =
      kEnumWords<Enum>;
  static Enum read(const toml::node& node, const std::filesystem::path&) {
    const auto value = try_parse_enum<Enum>(node.value_or(std::string()));
    check(value.has_value(), "the word must have been validated");
    return *value;
  }
  static std::string text(Enum value) {
    return Codec<std::string>::text(std::string(enum_name(value)));
  }
};

template <>
struct Codec<DeviceChoice> {
  static constexpr unsigned kTypes = kString;
  static constexpr std::array<std::string_view, 3> kWords = {
      "cpu", "cuda", "cuda:N"};
  static constexpr std::span<const std::string_view> kChoices = kWords;
  static DeviceChoice read(
      const toml::node& node, const std::filesystem::path&) {
    return parse_device(node.value_or(std::string()));
  }
  static std::string text(const DeviceChoice& device) {
    return Codec<std::string>::text(to_string(device));
  }
};

template <>
struct Codec<SplitPoint> : AnyWord {
  static constexpr unsigned kTypes = kString;
  static SplitPoint read(const toml::node& node, const std::filesystem::path&) {
    try {
      return parse_split_point(node.value_or(std::string()));
    } catch (const Error& error) {
      throw usage_error(place_text(node.source()) + error.what());
    }
  }
  static std::string text(const SplitPoint& point) {
    return Codec<std::string>::text(to_string(point));
  }
};

template <typename Item>
struct Codec<std::vector<Item>> {
  static constexpr unsigned kTypes =
      Codec<Item>::kTypes == kString ? kStringList : kIntegerList;
  static constexpr std::span<const std::string_view> kChoices =
      Codec<Item>::kChoices;
  static std::vector<Item> read(
      const toml::node& node, const std::filesystem::path& folder) {
    std::vector<Item> items;
    for (const toml::node& item : *node.as_array()) {
      items.push_back(Codec<Item>::read(item, folder));
    }
    return items;
  }
  static std::string text(const std::vector<Item>& items) {
    std::vector<std::string> texts;
    for (const Item& item : items) {
      texts.push_back(Codec<Item>::text(item));
    }
    return "[" + join(texts) + "]";
  }
};

/// In a job file, `true` recomputes whole stages, and a list holds patterns of
/// modules to recompute.
template <>
struct Codec<Recompute> : AnyWord {
  static constexpr unsigned kTypes = kBool | kStringList;
  static Recompute read(
      const toml::node& node, const std::filesystem::path& folder) {
    if (node.is_array()) {
      return {false, Codec<std::vector<std::string>>::read(node, folder)};
    }
    return {node.value_or(false), {}};
  }
  static std::string text(const Recompute& recompute) {
    return recompute.modules.empty()
               ? Codec<bool>::text(recompute.stage)
               : Codec<std::vector<std::string>>::text(recompute.modules);
  }
};

/// In a job file, a list has the weights themselves, and a string is the path
/// of a file that holds them.
template <>
struct Codec<ClassWeights> : AnyWord {
  static constexpr unsigned kTypes = kNumberList | kString;
  static ClassWeights read(
      const toml::node& node, const std::filesystem::path& folder) {
    if (!node.is_array()) {
      return {{}, Codec<std::filesystem::path>::read(node, folder)};
    }
    ClassWeights weights;
    for (const toml::node& item : *node.as_array()) {
      weights.values.push_back(Codec<double>::read(item, folder));
    }
    return weights;
  }
  static std::string text(const ClassWeights& weights) {
    if (!weights.path.empty()) {
      return Codec<std::filesystem::path>::text(weights.path);
    }
    std::vector<std::string> texts;
    for (const double value : weights.values) {
      texts.push_back(Codec<double>::text(value));
    }
    return "[" + join(texts) + "]";
  }
};

/// An optional value. The job file omits its key if there is no value;
/// field_or() instead adds a word that stands for no value.
template <typename Value>
struct Codec<std::optional<Value>> {
  static constexpr unsigned kTypes = Codec<Value>::kTypes;
  static constexpr std::span<const std::string_view> kChoices =
      Codec<Value>::kChoices;
  static std::optional<Value> read(
      const toml::node& node, const std::filesystem::path& folder) {
    return Codec<Value>::read(node, folder);
  }
  static std::string text(const std::optional<Value>& value) {
    return value ? Codec<Value>::text(*value) : "";
  }
};

}  // namespace pp
