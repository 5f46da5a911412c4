#pragma once

#include <map>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "runtime/stage/border.h"

namespace pp {

/// Checks the values that enter a stage for one microbatch against the sizes
/// and types of the export. A symbolic size must have the same value in all of
/// them.
class Contract {
 public:
  /// stage, microbatch  the stage and microbatch, for messages
  /// autocast           a type that floating-point values may have instead of
  ///                    the exported one; nullopt: none
  Contract(int stage, int microbatch, std::optional<ir::ScalarType> autocast)
      : stage_(stage), microbatch_(microbatch), autocast_(autocast) {}

  /// Checks a tensor that enters at `entry`, and returns it.
  /// throws  Error(Runtime) "PipeliningShapeError: ...": its sizes or type
  ///         don't fit
  const at::Tensor& check(const EntryPoint& entry, const at::Tensor& tensor);
  /// Throws the error for an entry whose value is missing from the message.
  [[noreturn]] void refuse_missing(const EntryPoint& entry) const;

 private:
  [[noreturn]] void refuse(
      const EntryPoint& entry,
      const std::string& expected,
      const std::string& actual) const;

  int stage_;
  int microbatch_;
  std::optional<ir::ScalarType> autocast_;
  std::map<std::string, int64_t> symbols_;  ///< value of each symbol, by name
};

}  // namespace pp
