#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "splitter/flow.h"

namespace pp {

/// Finds symbolic sizes in the shapes of tensors that a stage has anyway.
class SizeFinder {
 public:
  explicit SizeFinder(const Flow& flow) : flow_(&flow) {}

  struct Place {
    ir::ValueId tensor = ir::kNoValue;
    int dim = 0;
  };

  /// The first tensor added wins where several have a size.
  void add(ir::ValueId tensor);

  /// A dimension whose size is the value's expression, or null.
  const Place* try_find(ir::ValueId scalar) const;

  /// Whether the value is found, or made of found ones by arithmetic alone
  /// after `begin` ... then `nodes` gets the nodes, in no order.
  bool can_make(ir::ValueId scalar, std::vector<int>& nodes) const;

 private:
  const Flow* flow_;
  std::map<std::string_view, Place> places_;
};

}  // namespace pp
