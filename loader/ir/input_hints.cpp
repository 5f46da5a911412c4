#include "loader/ir/input_hints.h"

#include <charconv>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/text_words.h"

namespace pp {

namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw usage_error(
      "--input " + text + ": " + why +
      "; write NAME=SIZES, as in x=4x32 or tokens=2x16:int64");
}

ir::ScalarType dtype_of(const std::string& text, const std::string& name) {
  using enum ir::ScalarType;
  std::vector<std::string> names;
  for (const ir::ScalarType type :
       {Float,
        Double,
        Half,
        BFloat16,
        Long,
        Int,
        Short,
        Char,
        Byte,
        Bool,
        ComplexFloat,
        ComplexDouble}) {
    if (ir::name_of(type) == name) {
      return type;
    }
    names.push_back(ir::name_of(type));
  }
  refuse(
      text, "unknown element type '" + name + "'" + did_you_mean(name, names));
}

std::vector<ir::Dim> sizes_of(const std::string& text, std::string_view sizes) {
  constexpr int64_t kLargestSize = int64_t{1} << 40;
  std::vector<ir::Dim> out;
  while (!sizes.empty()) {
    int64_t size = 0;
    const auto [end, error] =
        std::from_chars(sizes.data(), sizes.data() + sizes.size(), size);
    sizes.remove_prefix(static_cast<size_t>(end - sizes.data()));
    const bool last = sizes.empty();
    if (error != std::errc() || size < 0 || size > kLargestSize ||
        (!last && (sizes.front() != 'x' || sizes.size() == 1))) {
      refuse(text, "sizes must be numbers separated by x");
    }
    sizes.remove_prefix(last ? 0 : 1);
    out.push_back({size, {}});
  }
  return out;
}

}  // namespace

InputHints parse_input_hints(const std::vector<std::string>& texts) {
  InputHints out;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      refuse(text, "'NAME=' is missing before the sizes");
    }
    std::string_view sizes = std::string_view(text).substr(equals + 1);
    ir::TensorMeta meta;
    if (const size_t colon = sizes.find(':'); colon != std::string_view::npos) {
      meta.dtype = dtype_of(text, std::string(sizes.substr(colon + 1)));
      sizes = sizes.substr(0, colon);
    }
    meta.sizes = sizes_of(text, sizes);
    meta.strides = ir::text::contiguous_strides(meta.sizes);
    if (!out.emplace(text.substr(0, equals), std::move(meta)).second) {
      refuse(text, "this input is given twice");
    }
  }
  return out;
}

}  // namespace pp
