#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>

#include "loader/archive/safetensors.h"
#include "loader/core/error.h"

namespace pp {

/// A tensor with these values.
template <typename T>
at::Tensor tensor_of(
    const std::vector<T>& values, const std::vector<int64_t>& sizes) {
  at::Tensor out = at::empty(
      sizes, at::TensorOptions().dtype(c10::CppTypeToScalarType<T>::value));
  std::ranges::copy(values, out.mutable_data_ptr<T>());
  return out;
}

/// A copy of a tensor in a file.
inline at::Tensor copy_of(const TensorView& view) {
  at::Tensor out = at::empty(
      view.sizes,
      at::TensorOptions().dtype(static_cast<at::ScalarType>(view.dtype)));
  if (!view.bytes.empty()) {
    std::memcpy(out.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
  }
  return out;
}

/// Runs something that must throw Error of this kind, with these pieces in
/// its message.
template <typename Function>
void expect_error(
    ErrorKind kind, const std::vector<std::string>& pieces, Function function) {
  try {
    function();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.kind(), kind) << message;
    for (const std::string& piece : pieces) {
      EXPECT_NE(message.find(piece), std::string::npos)
          << "'" << piece << "' is not in: " << message;
    }
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

}  // namespace pp
