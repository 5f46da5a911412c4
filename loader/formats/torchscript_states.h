#pragma once

#include <map>
#include <string>
#include <utility>

#include "loader/formats/torchscript_archive.h"
#include "loader/formats/torchscript_builder.h"

namespace pp::ts {

/// The tensors that modules own, as states of the graph.
class States {
 public:
  /// Adds a state for each, by FQN; what several names mean is one state.
  /// throws Error(Input): a tensor that is sparse or lies in no record
  States(const torch::jit::Module& root, Builder& builder);

  /// The state that an attribute of an object is, or null.
  const Made* try_find(
      const c10::ivalue::Object& object, const std::string& name) const;

 private:
  std::map<std::pair<const void*, std::string>, Made> by_attribute_;
};

}  // namespace pp::ts
