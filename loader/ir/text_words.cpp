#include "loader/ir/text_words.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "loader/core/checked_math.h"

namespace pp::ir::text {

namespace {

/// Returns stride * size, or INT64_MAX if the product doesn't fit in 64
/// bits.
int64_t multiplied(int64_t stride, int64_t size) {
  // Like torch, count a size of 0 as 1.
  return try_multiply(stride, std::max<int64_t>(size, 1)).value_or(INT64_MAX);
}

}  // namespace

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         c == '.' || c == '@' || c == ':';
}

bool is_bare(std::string_view name) {
  // A trailing colon would be taken for the one that precedes a value's type.
  return !name.empty() && std::ranges::all_of(name, is_word_char) &&
         name != "_" && name.back() != ':';
}

std::vector<Dim> contiguous_strides(const std::vector<Dim>& sizes) {
  std::vector<Dim> out(sizes.size());
  Dim stride{.value = 1, .expr = {}};
  int64_t factor = 1;
  std::string symbols;
  for (size_t i = sizes.size(); i-- > 0;) {
    out[i] = stride;
    const Dim& size = sizes[i];
    if (size.is_fixed()) {
      factor = multiplied(factor, size.value);
    } else {
      const std::string term =
          is_bare(size.expr) ? size.expr : "(" + size.expr + ")";
      symbols = symbols.empty() ? term : term + "*" + symbols;
    }
    stride.value = multiplied(stride.value, size.value);
    if (!symbols.empty()) {
      stride.expr =
          factor == 1 ? symbols : std::to_string(factor) + "*" + symbols;
    }
  }
  return out;
}

std::string device_text(const Device& device) {
  return device.index < 0 ? device.type
                          : device.type + ":" + std::to_string(device.index);
}

}  // namespace pp::ir::text
