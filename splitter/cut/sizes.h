#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "splitter/cut/flow.h"

namespace pp {

/// Finds symbolic sizes in the shapes of tensors that a stage has anyway.
class SizeFinder {
 public:
  explicit SizeFinder(const Flow& flow) : flow_(&flow) {}

  /// A dimension of a tensor.
  struct Place {
    ir::ValueId tensor = ir::kNoValue;
    int dim = 0;
  };

  /// Adds a tensor to search. If several have a size, the first one added wins.
  void add(ir::ValueId tensor);

  /// The dimension whose size is the value's expression, or null.
  const Place* try_find(ir::ValueId scalar) const;

  /// Whether the value can be found, or made by arithmetic from values that can
  /// be found and model inputs.
  bool can_make(ir::ValueId scalar) const;

 private:
  const Flow* flow_;
  std::map<std::string_view, Place> places_;  // by expression
};

}  // namespace pp
