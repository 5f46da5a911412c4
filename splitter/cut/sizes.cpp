#include "splitter/cut/sizes.h"

#include <algorithm>

#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"

namespace pp {

void SizeFinder::add(ir::ValueId tensor) {
  const ir::Value& value = flow_->value(tensor);
  if (!value.tensor) {
    return;
  }
  for (size_t i = 0; i < value.tensor->sizes.size(); ++i) {
    const ir::Dim& dim = value.tensor->sizes[i];
    if (!dim.is_fixed()) {
      places_.try_emplace(dim.expr, Place{tensor, static_cast<int>(i)});
    }
  }
}

const SizeFinder::Place* SizeFinder::try_find(ir::ValueId scalar) const {
  const ir::Value& value = flow_->value(scalar);
  if (value.type.kind != ir::TypeKind::Int || !value.scalar ||
      value.scalar->is_fixed()) {
    return nullptr;
  }
  const auto found = places_.find(value.scalar->expr);
  return found == places_.end() ? nullptr : &found->second;
}

bool SizeFinder::can_make(ir::ValueId scalar) const {
  if (flow_->input_of[scalar] >= 0 || try_find(scalar) != nullptr) {
    return true;
  }
  const int made = flow_->made_at[scalar];
  if (made < 0) {
    return false;
  }
  const ir::Node& node = flow_->graph->nodes[made];
  const auto reads = ir::reads_of(node);
  return !node.effects.random && data_writes(node).empty() &&
         !does_work(*flow_->graph, node) &&
         std::ranges::all_of(reads, [&](ir::ValueId id) {
           return is_scalar(flow_->value(id)) && can_make(id);
         });
}

}  // namespace pp
