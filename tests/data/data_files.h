#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/core/text.h"
#include "runtime/data/batch.h"
#include "tests/archive/temp_folder.h"

// Data files and configurations for the tests, which don't use the code under
// test.
namespace pp::test {

/// Writes a .npy file and returns its path. `type` is numpy's name ("<i8").
template <typename Element>
std::string put_npy(
    const TempFolder& folder,
    const std::string& name,
    std::string_view type,
    const std::vector<int64_t>& sizes,
    const std::vector<Element>& values) {
  std::string shape;
  for (const int64_t size : sizes) {
    shape += std::to_string(size) + ", ";
  }
  std::string header = "{'descr': '" + std::string(type) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize((header.size() + 11 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 0xff);
  text += static_cast<char>(header.size() >> 8);
  text += header;
  text.append(
      reinterpret_cast<const char*>(values.data()),
      values.size() * sizeof(Element));
  return folder.put(name, text).string();
}

/// Returns 0, 1, 2, ...
template <typename Element>
std::vector<Element> counting(int64_t count) {
  std::vector<Element> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), Element(0));
  return values;
}

inline SourceConfig source(const std::string& path) {
  SourceConfig source;
  source.path = path;
  return source;
}

inline SourceConfig windows(
    const std::string& path, int64_t window, int64_t shift = 0) {
  SourceConfig source;
  source.path = path;
  source.window = window;
  source.shift = shift;
  return source;
}

/// Makes an input. Its sizes are symbols or numbers: {"s0", "128"}.
inline InputSpec input(
    const std::string& name,
    ir::ScalarType dtype,
    const std::vector<std::string>& sizes) {
  InputSpec spec{name, dtype, {}};
  for (const std::string& size : sizes) {
    const bool fixed = size.find_first_not_of("0123456789") == size.npos;
    spec.sizes.push_back(
        fixed ? ir::Dim{std::stoll(size), ""} : ir::Dim{2, size});
  }
  return spec;
}

/// Formats a tensor as "[2, 3] 0 1 2 3 4 5".
inline std::string text_of(const at::Tensor& value) {
  std::string text = shape_text({value.sizes().data(), value.sizes().size()});
  const at::Tensor flat = value.to(at::kDouble).flatten();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    std::string number = std::to_string(flat[i].item<double>());
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') {
      number.pop_back();
    }
    text += " " + number;
  }
  return text;
}

}  // namespace pp::test
