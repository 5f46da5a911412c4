#pragma once

#include <string>

namespace pp {

/// The parts of a tensor's name in a checkpoint. A parameter or buffer is saved
/// under its FQN, and optimizer state under "optimizer.<kind>.<FQN of the
/// parameter>".
struct TensorName {
  std::string kind;  ///< "exp_avg"; empty: the parameter or buffer itself
  std::string fqn;
};

TensorName parse_tensor_name(const std::string& name);

}  // namespace pp
