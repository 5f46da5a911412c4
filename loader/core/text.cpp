#include "loader/core/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

namespace pp {

std::vector<std::string> split_text(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substitute, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string> nearest_names(
    std::string_view name,
    std::span<const std::string> candidates,
    size_t max_count) {
  std::vector<std::pair<size_t, std::string>> scored;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(name, candidate);
    const size_t longest = std::max(name.size(), candidate.size());
    const bool contained =
        !name.empty() && candidate.find(name) != std::string::npos;
    if (distance * 2 <= longest || contained) {
      scored.emplace_back(distance, candidate);
    }
  }
  std::ranges::stable_sort(
      scored, {}, [](const auto& each) { return each.first; });
  std::vector<std::string> out;
  for (size_t i = 0; i < std::min(max_count, scored.size()); ++i) {
    out.push_back(scored[i].second);
  }
  return out;
}

std::string did_you_mean(
    std::string_view name, std::span<const std::string> candidates) {
  std::vector<std::string> near = nearest_names(name, candidates);
  if (near.empty()) {
    return "";
  }
  for (std::string& entry : near) {
    entry = "'" + entry + "'";
  }
  return "; did you mean " + join(near, " or ") + "?";
}

std::string human_bytes(uint64_t num_bytes) {
  constexpr std::array<const char*, 5> kUnits = {
      "B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(num_bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(
      text.data(),
      text.size(),
      unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s",
      value,
      kUnits[unit]);
  return text.data();
}

std::string human_count(uint64_t count) {
  constexpr std::array<const char*, 5> kUnits = {"", "K", "M", "G", "T"};
  double value = static_cast<double>(count);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(
      text.data(),
      text.size(),
      unit == 0 || value >= 100 ? "%.0f%s" : "%.1f%s",
      value,
      kUnits[unit]);
  return text.data();
}

std::string hex_text(uint64_t value, int num_digits) {
  std::array<char, 17> text{};
  std::snprintf(
      text.data(),
      text.size(),
      "%0*llx",
      num_digits,
      static_cast<unsigned long long>(value));
  return text.data();
}

std::string visible_text(std::string_view text) {
  constexpr unsigned char kFirstPrintable = 0x20;
  constexpr unsigned char kDelete = 0x7f;
  // U+0080 to U+009f are controls too: 0xc2, then 0x80 to 0x9f.
  constexpr unsigned char kLead = 0xc2;
  constexpr unsigned char kLastControl = 0x9f;
  std::string out;
  out.reserve(text.size());
  const auto at = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = at(i);
    const bool is_pair =
        byte == kLead && at(i + 1) > kDelete && at(i + 1) <= kLastControl;
    const bool is_control =
        (byte < kFirstPrintable && byte != '\n' && byte != '\t') ||
        byte == kDelete;
    if (is_pair || is_control) {
      out += "\\x" + hex_text(is_pair ? at(++i) : byte, 2);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string shape_text(std::span<const int64_t> sizes) {
  return "[" + join(sizes) + "]";
}

bool matches_glob(std::string_view text, std::string_view pattern) {
  size_t t = 0;
  size_t p = 0;
  size_t star = std::string_view::npos;
  size_t mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) &&
        pattern[p] != '*') {
      ++t;
      ++p;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

}  // namespace pp
