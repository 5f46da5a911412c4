#pragma once

#include <map>
#include <set>
#include <string>

#include "loader/ir/graph.h"

namespace pp {

/// The symbolic sizes of stages that were exported apart, made those of one
/// model: what meets at a joint is one symbol, all others are kept apart, and
/// a symbol that meets a fixed size has that size.
class JointSymbols {
 public:
  /// Call before the joints of each stage.
  void begin_stage() { names_.clear(); }
  /// Two sizes meet: one of an earlier stage, renamed already, and one of the
  /// stage under way. Returns false if they can't be equal.
  bool meet(const ir::Dim& given, const ir::Dim& taken);
  /// Gives the stage under way the names that its joints decided.
  void rename(ir::Graph& graph);
  /// Replaces the symbols that met a fixed size.
  void pin(ir::TensorMeta& tensor) const;

 private:
  std::map<std::string, std::string> names_;  // of the stage under way
  std::set<std::string> taken_;
  std::map<std::string, int64_t> pinned_;
};

}  // namespace pp
