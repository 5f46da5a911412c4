#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "splitter/cut/flow.h"

namespace pp {

/// Finds symbolic sizes in the shapes of tensors that a stage receives or
/// computes in any case.
class SizeFinder {
 public:
  explicit SizeFinder(const Flow& flow) : flow_(&flow) {}

  /// A dimension of a tensor.
  struct Place {
    ir::ValueId tensor = ir::kNoValue;
    int dim = 0;
  };

  /// Adds a tensor to search. If several tensors have a size, the first one
  /// added is used.
  void add(ir::ValueId tensor);

  /// The dimension whose size is the value's expression, or null.
  const Place* try_find(ir::ValueId scalar) const;

  /// Whether the value can be found, or computed from model inputs and values
  /// that can be found.
  bool can_make(ir::ValueId scalar) const;

 private:
  const Flow* flow_;
  std::map<std::string_view, Place> places_;  // by expression
};

}  // namespace pp
