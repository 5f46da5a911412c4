#include "loader/archive/safetensors_types.h"

#include <array>
#include <utility>

namespace pp {

namespace {

using ir::ScalarType;

constexpr std::array<std::pair<ScalarType, std::string_view>, 19> kNames = {{
    {ScalarType::Bool, "BOOL"},
    {ScalarType::Byte, "U8"},
    {ScalarType::Char, "I8"},
    {ScalarType::UInt16, "U16"},
    {ScalarType::Short, "I16"},
    {ScalarType::UInt32, "U32"},
    {ScalarType::Int, "I32"},
    {ScalarType::UInt64, "U64"},
    {ScalarType::Long, "I64"},
    {ScalarType::Half, "F16"},
    {ScalarType::BFloat16, "BF16"},
    {ScalarType::Float, "F32"},
    {ScalarType::Double, "F64"},
    {ScalarType::ComplexFloat, "C64"},
    {ScalarType::Float8E5M2, "F8_E5M2"},
    {ScalarType::Float8E4M3FN, "F8_E4M3"},
    {ScalarType::Float8E8M0FNU, "F8_E8M0"},
    {ScalarType::Float8E5M2FNUZ, "F8_E5M2FNUZ"},
    {ScalarType::Float8E4M3FNUZ, "F8_E4M3FNUZ"},
}};

/// Complex types, and the types of their parts.
constexpr std::array<std::pair<ScalarType, ScalarType>, 3> kComplexTypes = {{
    {ScalarType::ComplexHalf, ScalarType::Half},
    {ScalarType::ComplexFloat, ScalarType::Float},
    {ScalarType::ComplexDouble, ScalarType::Double},
}};

}  // namespace

std::optional<std::string_view> safetensors_name(ScalarType type) {
  for (const auto& [row_type, name] : kNames) {
    if (row_type == type) {
      return name;
    }
  }
  return std::nullopt;
}

std::optional<ScalarType> safetensors_type(std::string_view name) {
  for (const auto& [type, row_name] : kNames) {
    if (row_name == name) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<ScalarType> type_of_parts(ScalarType type) {
  for (const auto& [complex, part] : kComplexTypes) {
    if (complex == type) {
      return part;
    }
  }
  return std::nullopt;
}

std::optional<ScalarType> type_of_pairs(ScalarType part) {
  for (const auto& [complex, row_part] : kComplexTypes) {
    if (row_part == part) {
      return complex;
    }
  }
  return std::nullopt;
}

}  // namespace pp
