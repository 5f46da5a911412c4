#include "splitter/type_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace pp {

namespace {

using ir::TypeKind;

constexpr std::array<std::pair<TypeKind, std::string_view>, 11> kKinds{{
    {TypeKind::Tensor, "tensor"},
    {TypeKind::Int, "int"},
    {TypeKind::Float, "float"},
    {TypeKind::Bool, "bool"},
    {TypeKind::String, "str"},
    {TypeKind::Device, "device"},
    {TypeKind::List, "list"},
    {TypeKind::Tuple, "tuple"},
    {TypeKind::Dict, "dict"},
    {TypeKind::None, "none"},
    {TypeKind::Object, "object"},
}};

constexpr std::array<std::pair<ir::Layout, std::string_view>, 7> kLayouts{{
    {ir::Layout::Strided, "strided"},
    {ir::Layout::Sparse, "sparse"},
    {ir::Layout::SparseCsr, "sparse_csr"},
    {ir::Layout::Mkldnn, "mkldnn"},
    {ir::Layout::SparseCsc, "sparse_csc"},
    {ir::Layout::SparseBsr, "sparse_bsr"},
    {ir::Layout::SparseBsc, "sparse_bsc"},
}};

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

// The bracket that closes the one at the front of `text`, and the parts
// between, split at commas outside inner brackets.
std::vector<std::string_view> parts_of(std::string_view inner) {
  std::vector<std::string_view> out;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i <= inner.size(); ++i) {
    if (i == inner.size() || (inner[i] == ',' && depth == 0)) {
      std::string_view part = inner.substr(start, i - start);
      while (part.starts_with(' ')) {
        part.remove_prefix(1);
      }
      out.push_back(part);
      start = i + 1;
    } else if (inner[i] == '[') {
      ++depth;
    } else if (inner[i] == ']') {
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
  std::string out = ir::name_of(tensor.dtype) + "[";
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const ir::Dim& dim = tensor.sizes[i];
    out += i == 0 ? "" : ", ";
    out += dim.is_fixed() ? "" : dim.expr + "=";
    out += std::to_string(dim.value);
  }
  return out + "]";
}

std::string type_text(const ir::Type& type) {
  std::string out;
  for (const auto& [kind, word] : kKinds) {
    if (kind == type.kind) {
      out = word;
    }
  }
  if (type.kind != TypeKind::List && type.kind != TypeKind::Tuple) {
    return out;
  }
  out += '[';
  for (size_t i = 0; i < type.elements.size(); ++i) {
    out += (i == 0 ? "" : ", ") + type_text(type.elements[i]);
  }
  return out + "]";
}

bool parse_type(std::string_view text, ir::Type& type) {
  const size_t open = text.find('[');
  const auto found = std::ranges::find_if(kKinds, [&](const auto& each) {
    return each.second == text.substr(0, open);
  });
  if (found == kKinds.end()) {
    return false;
  }
  type = {found->first, {}};
  const bool compound =
      type.kind == TypeKind::List || type.kind == TypeKind::Tuple;
  if (open == std::string_view::npos) {
    return !compound;
  }
  if (!compound || !text.ends_with(']')) {
    return false;
  }
  const auto inner = text.substr(open + 1, text.size() - open - 2);
  if (inner.empty()) {
    return type.kind == TypeKind::Tuple;
  }
  for (const std::string_view part : parts_of(inner)) {
    if (!parse_type(part, type.elements.emplace_back())) {
      return false;
    }
  }
  return type.kind == TypeKind::Tuple || type.elements.size() == 1;
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

std::string_view layout_text(ir::Layout layout) {
  return std::ranges::find(
             kLayouts, layout, [](const auto& each) { return each.first; })
      ->second;
}

bool parse_layout(std::string_view text, ir::Layout& layout) {
  const auto found = std::ranges::find(
      kLayouts, text, [](const auto& each) { return each.second; });
  if (found == kLayouts.end()) {
    return false;
  }
  layout = found->first;
  return true;
}

std::string device_text(const ir::Device& device) {
  return device.index < 0 ? device.type
                          : device.type + ":" + std::to_string(device.index);
}

ir::Device parse_device(std::string_view text) {
  const size_t colon = text.find(':');
  ir::Device out{std::string(text.substr(0, colon)), -1};
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), out.index);
  }
  return out;
}

}  // namespace pp
