#include "loader/torchscript/lower/node_call.h"

#include "loader/core/error.h"

namespace pp::ts {

void refuse(
    const Lowering& lowering,
    const torch::jit::Node& node,
    const std::string& why) {
  const std::string module =
      lowering.modules.empty() ? "" : lowering.modules.back().fqn;
  std::string place;
  if (const auto line = node.sourceRange().file_line_col()) {
    place = " (" + std::get<0>(*line) + ", line " +
            std::to_string(std::get<1>(*line)) + ")";
  }
  throw input_error(
      lowering.where + ": '" + std::string(node.kind().toQualString()) + "'" +
      (module.empty() ? "" : " in " + module) + place + ": " + why);
}

void refuse(const NodeCall& call, const std::string& why) {
  refuse(call.lowering, call.node, why);
}

}  // namespace pp::ts
