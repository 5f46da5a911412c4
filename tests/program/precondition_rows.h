#pragma once

#include <ostream>
#include <vector>

#include <ATen/core/ivalue.h>

namespace pp {

/// A call with arguments that its kernel must not get, and one that it may.
struct PreconditionRow {
  const char* name;
  const char* op;
  const char* overload;
  std::vector<c10::IValue> bad;
  std::vector<c10::IValue> good;
  const char* message;
};

inline void PrintTo(const PreconditionRow& row, std::ostream* out) {
  *out << row.name;
}

/// Operators that trust sizes, strides and dimensions.
std::vector<PreconditionRow> shape_rows();
/// Operators that trust numbers.
std::vector<PreconditionRow> number_rows();

}  // namespace pp
