#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pp::ir {

/// Element types, numbered as c10::ScalarType numbers them.
enum class ScalarType : int8_t {
  Byte = 0,
  Char = 1,
  Short = 2,
  Int = 3,
  Long = 4,
  Half = 5,
  Float = 6,
  Double = 7,
  ComplexHalf = 8,
  ComplexFloat = 9,
  ComplexDouble = 10,
  Bool = 11,
  BFloat16 = 15,
  Float8E5M2 = 23,
  Float8E4M3FN = 24,
  Float8E5M2FNUZ = 25,
  Float8E4M3FNUZ = 26,
  UInt16 = 27,
  UInt32 = 28,
  UInt64 = 29,
  Float8E8M0FNU = 44,
};

/// Torch's name of the type: "float32", "int64".
std::string name_of(ScalarType type);
/// The number of bytes of one element.
int64_t element_size(ScalarType type);
bool is_floating(ScalarType type);
bool is_complex(ScalarType type);
/// Whether a tensor of this type can have a gradient.
bool is_differentiable(ScalarType type);

/// Memory formats, numbered as c10::MemoryFormat numbers them.
enum class MemoryFormat : int8_t {
  Contiguous = 0,
  Preserve = 1,
  ChannelsLast = 2,
  ChannelsLast3d = 3,
};

/// Layouts, numbered as c10::Layout numbers them.
enum class Layout : int8_t {
  Strided = 0,
  Sparse = 1,
  SparseCsr = 2,
  Mkldnn = 3,
  SparseCsc = 4,
  SparseBsr = 5,
  SparseBsc = 6,
};

struct Device {
  std::string type = "cpu";
  int index = -1;  ///< index among devices of the type; -1: not specified
  bool operator==(const Device&) const = default;
};

/// A size: either fixed at export, or an expression over symbols ("s0", "2*s1")
/// with the value that it had at export as a hint.
struct Dim {
  int64_t value = 0;
  std::string expr;  ///< expression over symbols; empty: the size is fixed

  bool is_fixed() const { return expr.empty(); }
  bool operator==(const Dim&) const = default;
};

struct TensorMeta {
  ScalarType dtype = ScalarType::Float;
  std::vector<Dim> sizes;
  std::vector<Dim> strides;  ///< in elements
  Dim storage_offset;        ///< in elements
  Device device;
  Layout layout = Layout::Strided;
  bool requires_grad = false;
  /// Whether the file describes the tensor. If not (TorchScript), all other
  /// fields are meaningless and the tensor's shape is not checked.
  bool known = true;
  bool operator==(const TensorMeta&) const = default;
};

/// Number of bytes of a dense tensor, computed with the hints of symbolic
/// sizes; 0 if the tensor is not `known`.
/// throws  Error(Input): a size is negative, or the number overflows
uint64_t num_bytes(const TensorMeta& meta);

enum class TypeKind {
  Tensor,
  Int,
  Float,
  Bool,
  String,
  Device,
  List,
  Tuple,
  Dict,
  None,
  Object,
};

struct Type {
  TypeKind kind = TypeKind::Tensor;
  /// Element types: one for a List, one per item for a Tuple.
  std::vector<Type> elements;
  bool operator==(const Type&) const = default;
};

}  // namespace pp::ir
