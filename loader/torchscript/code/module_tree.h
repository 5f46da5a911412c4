#pragma once

#include <map>
#include <memory>
#include <string>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "loader/model/model.h"

namespace pp::ts {

/// A tree of modules that owns a graph's states under their FQNs. The tensors'
/// bytes stay in the mapped archives of `source`.
class ModuleTree {
 public:
  ModuleTree(const ir::Graph& graph, const Model& source);

  torch::jit::Module& root() { return root_; }
  const std::shared_ptr<torch::jit::CompilationUnit>& unit() const {
    return unit_;
  }

  /// Adds a read of the tensor `fqn` to `code`, a method of the root module.
  /// `self` is the method's first argument. Returns the tensor that is read.
  static torch::jit::Value* read(
      torch::jit::Graph& code, torch::jit::Value* self, const std::string& fqn);
  /// Adds an assignment of `tensor` to the buffer `fqn` to `code`.
  static void write(
      torch::jit::Graph& code,
      torch::jit::Value* self,
      const std::string& fqn,
      torch::jit::Value* tensor);

 private:
  /// Returns the module at `path`; adds it if it is missing.
  torch::jit::Module& find_or_add(const std::string& path);

  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  torch::jit::Module root_;
  // All modules except the root, by FQN.
  std::map<std::string, torch::jit::Module> modules_;
};

}  // namespace pp::ts
