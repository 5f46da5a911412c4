#pragma once

#include <string_view>

#include "loader/effects/operator_schemas.h"
#include "loader/ir/graph.h"

namespace pp {

/// The schemas of the operators that are registered with LibTorch's dispatcher.
class DispatcherSchemas : public OperatorSchemas {
 public:
  std::optional<OperatorSchema> try_find(
      const ir::OperatorParts& op) const override;
};

/// Calls annotate_effects() of loader/effects with the dispatcher's schemas.
void annotate_effects(ir::Graph& graph, std::string_view where);

}  // namespace pp
