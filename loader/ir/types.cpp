#include "loader/ir/types.h"

#include <array>
#include <string_view>

#include "loader/core/error.h"

namespace pp::ir {

namespace {

enum class ElementKind : uint8_t { Integer, Floating, Complex };

struct Row {
  ScalarType type;
  std::string_view name;
  int64_t num_bytes;
  ElementKind kind;
};

constexpr std::array kTypes = {
    Row{ScalarType::Byte, "uint8", 1, ElementKind::Integer},
    Row{ScalarType::Char, "int8", 1, ElementKind::Integer},
    Row{ScalarType::Short, "int16", 2, ElementKind::Integer},
    Row{ScalarType::Int, "int32", 4, ElementKind::Integer},
    Row{ScalarType::Long, "int64", 8, ElementKind::Integer},
    Row{ScalarType::Half, "float16", 2, ElementKind::Floating},
    Row{ScalarType::Float, "float32", 4, ElementKind::Floating},
    Row{ScalarType::Double, "float64", 8, ElementKind::Floating},
    Row{ScalarType::ComplexHalf, "complex32", 4, ElementKind::Complex},
    Row{ScalarType::ComplexFloat, "complex64", 8, ElementKind::Complex},
    Row{ScalarType::ComplexDouble, "complex128", 16, ElementKind::Complex},
    Row{ScalarType::Bool, "bool", 1, ElementKind::Integer},
    Row{ScalarType::BFloat16, "bfloat16", 2, ElementKind::Floating},
    Row{ScalarType::Float8E5M2, "float8_e5m2", 1, ElementKind::Floating},
    Row{ScalarType::Float8E4M3FN, "float8_e4m3fn", 1, ElementKind::Floating},
    Row{ScalarType::Float8E5M2FNUZ,
        "float8_e5m2fnuz",
        1,
        ElementKind::Floating},
    Row{ScalarType::Float8E4M3FNUZ,
        "float8_e4m3fnuz",
        1,
        ElementKind::Floating},
    Row{ScalarType::UInt16, "uint16", 2, ElementKind::Integer},
    Row{ScalarType::UInt32, "uint32", 4, ElementKind::Integer},
    Row{ScalarType::UInt64, "uint64", 8, ElementKind::Integer},
    Row{ScalarType::Float8E8M0FNU, "float8_e8m0fnu", 1, ElementKind::Floating},
};

const Row& row_of(ScalarType type) {
  for (const Row& row : kTypes) {
    if (row.type == type) {
      return row;
    }
  }
  throw input_error(
      "element type " + std::to_string(static_cast<int>(type)) +
      " (numbered as c10::ScalarType) is not supported");
}

}  // namespace

std::string name_of(ScalarType type) {
  return std::string(row_of(type).name);
}

int64_t element_size(ScalarType type) {
  return row_of(type).num_bytes;
}

bool is_floating(ScalarType type) {
  return row_of(type).kind == ElementKind::Floating;
}

bool is_complex(ScalarType type) {
  return row_of(type).kind == ElementKind::Complex;
}

bool is_differentiable(ScalarType type) {
  return row_of(type).kind != ElementKind::Integer;
}

uint64_t num_bytes(const TensorMeta& meta) {
  if (!meta.known) {
    return 0;
  }
  // Look for zeros first: [0, 2^62, 2^62] is a valid, empty tensor.
  for (const Dim& dim : meta.sizes) {
    if (dim.value == 0) {
      return 0;
    }
  }
  auto total = static_cast<uint64_t>(element_size(meta.dtype));
  for (const Dim& dim : meta.sizes) {
    if (dim.value < 0 || __builtin_mul_overflow(
                             total, static_cast<uint64_t>(dim.value), &total)) {
      throw input_error(
          "a tensor size of " + std::to_string(dim.value) +
          (dim.value < 0 ? " is negative"
                         : " makes the tensor larger than 2^64 bytes"));
    }
  }
  return total;
}

}  // namespace pp::ir
