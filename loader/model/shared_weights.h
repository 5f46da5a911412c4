#pragma once

#include <string>
#include <vector>

#include "loader/model/model.h"
#include "loader/model/weight_files.h"

namespace pp {

/// States that share memory (ir::State::memory) and read their values from
/// files. One of them, the base, is contiguous and covers the others, which
/// become views of its values.
struct SharedWeights {
  struct Member {
    std::string fqn;
    ir::TensorMeta tensor;  ///< its place before it was bound
  };
  Member base;
  std::vector<Member> others;

  bool is_other(const std::string& fqn) const;
};

/// Finds the groups of a model, before it is bound.
/// throws Error(Input) if none of the states of a group can be its base
std::vector<SharedWeights> find_shared_weights(const Model& model);

/// Places the other states of a group in the record of its base, once that is
/// bound.
/// throws Error(Input) if the files have other values for one of them
void bind_shared_weights(
    Model& model, const SharedWeights& group, const WeightFiles& files);

}  // namespace pp
