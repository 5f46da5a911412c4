#pragma once

#include <cctype>
#include <span>
#include <string>
#include <vector>

#include "loader/core/text.h"
#include "loader/ir/types.h"

namespace pp::ir {

/// Formats sizes: "[s0, 128]". A symbolic size is written as its expression
/// over symbols.
inline std::string dims_text(std::span<const Dim> dims) {
  std::vector<std::string> parts;
  for (const Dim& dim : dims) {
    parts.push_back(dim.is_fixed() ? std::to_string(dim.value) : dim.expr);
  }
  return "[" + join(parts) + "]";
}

/// Whether a size is a plain symbol ("s0") rather than a number or an
/// expression.
inline bool is_symbol(const Dim& dim) {
  return !dim.is_fixed() &&
         dim.expr.find_first_of(" +-*/()") == std::string::npos;
}

/// Replaces each word of an expression (letters, digits and underscores) by
/// replace(word).
template <typename Replace>
std::string replace_words(const std::string& text, const Replace& replace) {
  std::string out;
  std::string word;
  for (const char c : text + '\0') {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      word += c;
      continue;
    }
    if (!word.empty()) {
      out += replace(word);
      word.clear();
    }
    if (c != '\0') {
      out += c;
    }
  }
  return out;
}

}  // namespace pp::ir
