#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "splitter/cut/flow.h"

namespace pp {

/// Finds where a stage can read symbolic sizes: in the shapes of tensors that
/// the stage receives or computes anyway.
class SizeFinder {
 public:
  explicit SizeFinder(const Flow& flow) : flow_(&flow) {}

  /// A dimension of a tensor.
  struct Place {
    ir::ValueId tensor = ir::kNoValue;
    int dim = 0;
  };

  /// Adds a tensor whose shape is searched. If several tensors have the same
  /// symbolic size, the first one added is used.
  void add(ir::ValueId tensor);

  /// Finds the dimension whose size has the same expression as the integer
  /// `scalar`; null if none of the added tensors has one.
  const Place* try_find(ir::ValueId scalar) const;

  /// Whether `scalar` can be found in a shape, is a model input, or can be
  /// computed from such values by arithmetic on sizes.
  bool can_make(ir::ValueId scalar) const;

 private:
  const Flow* flow_;
  // The dimension that has each symbolic size, by the size's expression.
  std::map<std::string_view, Place> places_;
};

}  // namespace pp
