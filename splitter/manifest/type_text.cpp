#include "splitter/manifest/type_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "loader/core/text.h"
#include "loader/ir/text_words.h"

namespace pp {

namespace {

using ir::TypeKind;

constexpr std::array kDtypes{
    ir::ScalarType::Byte,           ir::ScalarType::Char,
    ir::ScalarType::Short,          ir::ScalarType::Int,
    ir::ScalarType::Long,           ir::ScalarType::Half,
    ir::ScalarType::Float,          ir::ScalarType::Double,
    ir::ScalarType::ComplexHalf,    ir::ScalarType::ComplexFloat,
    ir::ScalarType::ComplexDouble,  ir::ScalarType::Bool,
    ir::ScalarType::BFloat16,       ir::ScalarType::Float8E5M2,
    ir::ScalarType::Float8E4M3FN,   ir::ScalarType::Float8E5M2FNUZ,
    ir::ScalarType::Float8E4M3FNUZ, ir::ScalarType::UInt16,
    ir::ScalarType::UInt32,         ir::ScalarType::UInt64,
    ir::ScalarType::Float8E8M0FNU};

// Splits a text at the commas that are outside of brackets.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      std::string_view part = text.substr(start, i - start);
      while (part.starts_with(' ')) {
        part.remove_prefix(1);
      }
      out.push_back(part);
      start = i + 1;
    } else if (text[i] == '[') {
      ++depth;
    } else if (text[i] == ']') {
      --depth;
    }
  }
  return out;
}

}  // namespace

std::string describe_type(const ir::Type& type, const ir::TensorMeta& tensor) {
  if (type.kind != TypeKind::Tensor || !tensor.known) {
    return type_text(type);
  }
  std::vector<std::string> sizes;
  for (const ir::Dim& dim : tensor.sizes) {
    sizes.push_back(
        (dim.is_fixed() ? "" : dim.expr + "=") + std::to_string(dim.value));
  }
  return ir::name_of(tensor.dtype) + "[" + join(sizes) + "]";
}

std::string type_text(const ir::Type& type) {
  if (type.kind != TypeKind::List && type.kind != TypeKind::Tuple) {
    return ir::text::word_of(ir::text::kPlainTypes, type.kind);
  }
  std::vector<std::string> elements;
  for (const ir::Type& element : type.elements) {
    elements.push_back(type_text(element));
  }
  return (type.kind == TypeKind::List ? "list[" : "tuple[") + join(elements) +
         "]";
}

bool parse_type(std::string_view text, ir::Type& type) {
  const size_t open = text.find('[');
  const std::string_view word = text.substr(0, open);
  if (open == std::string_view::npos) {
    const auto* kind = ir::text::try_value_of(ir::text::kPlainTypes, word);
    if (kind == nullptr) {
      return false;
    }
    type = {*kind, {}};
    return true;
  }
  if ((word != "list" && word != "tuple") || !text.ends_with(']')) {
    return false;
  }
  const bool is_tuple = word == "tuple";
  type = {is_tuple ? TypeKind::Tuple : TypeKind::List, {}};
  const auto inner = text.substr(open + 1, text.size() - open - 2);
  if (inner.empty()) {
    return is_tuple;
  }
  for (const std::string_view part : parts_of(inner)) {
    if (!parse_type(part, type.elements.emplace_back())) {
      return false;
    }
  }
  return is_tuple || type.elements.size() == 1;
}

bool parse_dtype(std::string_view text, ir::ScalarType& dtype) {
  const auto found = std::ranges::find_if(
      kDtypes, [&](ir::ScalarType each) { return ir::name_of(each) == text; });
  if (found == kDtypes.end()) {
    return false;
  }
  dtype = *found;
  return true;
}

std::string layout_text(ir::Layout layout) {
  return ir::text::word_of(ir::text::kLayouts, layout);
}

bool parse_layout(std::string_view text, ir::Layout& layout) {
  const auto* found = ir::text::try_value_of(ir::text::kLayouts, text);
  if (found == nullptr) {
    return false;
  }
  layout = *found;
  return true;
}

std::string device_text(const ir::Device& device) {
  return ir::text::device_text(device);
}

bool parse_device(std::string_view text, ir::Device& device) {
  const size_t colon = text.find(':');
  ir::Device out{std::string(text.substr(0, colon)), -1};
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, out.index);
    if (error != std::errc() || stop != end || out.index < 0) {
      return false;
    }
  }
  if (out.type.empty()) {
    return false;
  }
  device = out;
  return true;
}

}  // namespace pp
