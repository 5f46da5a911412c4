#pragma once

#include <cstdio>
#include <string>
#include <variant>

#include "loader/archive/pickle_tensors.h"

namespace pp::test {

/// A pickled value like Python prints it. A tensor is
/// `tensor(float32, sizes, strides, offset, device, grad, record)`.
inline std::string pickle_text(const PickleValue& value);

namespace detail {

inline std::string dims_text(const std::vector<ir::Dim>& dims) {
  std::string out;
  for (const ir::Dim& dim : dims) {
    out += (out.empty() ? "" : " ") + std::to_string(dim.value);
  }
  return "[" + out + "]";
}

struct Printer {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool flag) const { return flag ? "True" : "False"; }
  std::string operator()(int64_t number) const {
    return std::to_string(number);
  }
  std::string operator()(double number) const {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", number);
    return text;
  }
  std::string operator()(const std::string& text) const {
    return "'" + text + "'";
  }
  std::string operator()(const PickledTensor& tensor) const {
    const ir::TensorMeta& meta = tensor.tensor;
    return "tensor(" + ir::name_of(meta.dtype) + ", " + dims_text(meta.sizes) +
           ", " + dims_text(meta.strides) + ", " +
           std::to_string(meta.storage_offset.value) + ", " + meta.device.type +
           ", " + (meta.requires_grad ? "grad" : "-") + ", " + tensor.record +
           ")";
  }
  std::string operator()(const PickleValue::Sequence& sequence) const {
    std::string out = sequence.tuple ? "(" : "[";
    for (const PickleValue& item : sequence.items) {
      out += pickle_text(item) + ", ";
    }
    return out + (sequence.tuple ? ")" : "]");
  }
  std::string operator()(const PickleValue::Mapping& mapping) const {
    std::string out = "{";
    for (const auto& [key, item] : mapping.items) {
      out += pickle_text(key) + ": " + pickle_text(item) + ", ";
    }
    return out + "}";
  }
};

}  // namespace detail

inline std::string pickle_text(const PickleValue& value) {
  return std::visit(detail::Printer(), value.value);
}

}  // namespace pp::test
