#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "loader/archive/bytes.h"
#include "loader/archive/pickle_ops.h"
#include "loader/core/error.h"

namespace pp::pickle {

/// Reads the bytes of a pickle from front to back. Members throw Error(Input)
/// naming the pickle if it is truncated or damaged.
class Program {
 public:
  /// Starts at the first byte.
  /// bytes  the pickle; the memory must outlive this object
  /// label  names the pickle in messages; must outlive this object
  Program(std::string_view bytes, const std::string& label)
      : bytes_(bytes), label_(label) {}

  [[noreturn]] void fail(const std::string& problem) const {
    throw input_error(label_ + ": " + problem);
  }
  [[noreturn]] void fail_damaged() const {
    fail("is damaged near byte " + std::to_string(position_));
  }

  std::string_view next_bytes(uint64_t length) {
    if (!fits(position_, length, bytes_.size())) {
      fail("is truncated: it ends within an instruction");
    }
    const std::string_view out = bytes_.substr(position_, length);
    position_ += length;
    return out;
  }
  template <std::unsigned_integral T>
  T next() {
    return load_le<T>(as_bytes(next_bytes(sizeof(T))), 0);
  }
  Op next_op() { return static_cast<Op>(next<uint8_t>()); }

  /// Reads a line; returns it without its line end.
  std::string_view next_line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) {
      fail_damaged();
    }
    const std::string_view out = next_bytes(end - position_);
    next_bytes(1);
    return out;
  }

 private:
  std::string_view bytes_;
  const std::string& label_;
  size_t position_ = 0;
};

}  // namespace pp::pickle
