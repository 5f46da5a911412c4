#pragma once

#include <map>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "runtime/stage/border.h"

namespace pp {

/// Holds what enters a stage for one microbatch against what the export says
/// of it. A size with a name is one number for all that enters.
class Contract {
 public:
  /// stage, microbatch  for messages
  /// autocast           the type that floating values may have instead
  Contract(int stage, int microbatch, std::optional<ir::ScalarType> autocast)
      : stage_(stage), microbatch_(microbatch), autocast_(autocast) {}

  /// returns  the tensor
  /// throws   Error(Runtime) "PipeliningShapeError: ..."
  const at::Tensor& check(const EntryPoint& entry, const at::Tensor& tensor);
  /// throws  the same, of a value that has not come
  [[noreturn]] void refuse_missing(const EntryPoint& entry) const;

 private:
  [[noreturn]] void refuse(
      const EntryPoint& entry,
      const std::string& expected,
      const std::string& actual) const;

  int stage_;
  int microbatch_;
  std::optional<ir::ScalarType> autocast_;
  std::map<std::string, int64_t> symbols_;  ///< by name
};

}  // namespace pp
