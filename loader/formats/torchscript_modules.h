#pragma once

#include <map>
#include <memory>
#include <string>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "loader/model.h"

namespace pp::ts {

/// A tree of modules that owns a graph's states under their FQNs. Their bytes
/// stay in the mapped archive they come from.
class ModuleTree {
 public:
  ModuleTree(const ir::Graph& graph, const Model& source);

  torch::jit::Module& root() { return root_; }
  const std::shared_ptr<torch::jit::CompilationUnit>& unit() const {
    return unit_;
  }

  /// Reads the tensor `fqn` in the code of root's method.
  static torch::jit::Value* read(
      torch::jit::Graph& code, torch::jit::Value* self, const std::string& fqn);

 private:
  torch::jit::Module& module_of(const std::string& path);

  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  torch::jit::Module root_;
  std::map<std::string, torch::jit::Module> modules_;  // by FQN, not the root
};

}  // namespace pp::ts
