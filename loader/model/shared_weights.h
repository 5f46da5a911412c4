#pragma once

#include <string>
#include <vector>

#include "loader/model/model.h"
#include "loader/model/weight_files.h"

namespace pp {

/// A group of states that share memory (ir::State::memory) and get their values
/// from weight files. One of them, the base, is contiguous and covers the
/// memory of all others, which become views of the base's values.
struct SharedWeights {
  struct Member {
    std::string fqn;
    ir::TensorMeta tensor;  ///< its place in the model's record before binding
  };
  Member base;
  std::vector<Member> others;

  bool is_other(const std::string& fqn) const;
};

/// Finds the groups of states that share memory. Call this before the model is
/// bound to weight files.
/// throws  Error(Input): no state of a group can be its base
std::vector<SharedWeights> find_shared_weights(const Model& model);

/// Turns the other states of a group into views of the base's values. Does
/// nothing if the base isn't bound to a weight file.
/// throws  Error(Input): the weight files have different values for the base
///         and for another state of the group
void bind_shared_weights(
    Model& model, const SharedWeights& group, const WeightFiles& files);

}  // namespace pp
