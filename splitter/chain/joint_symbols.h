#pragma once

#include <map>
#include <set>
#include <string>

#include "loader/ir/graph.h"

namespace pp {

/// Converts the symbolic sizes of stages that were exported separately to those
/// of one model. Symbols that meet at a joint, where one stage's output is
/// another one's input, become one; all others get different names. A symbol
/// that meets a fixed size gets that size.
class JointSymbols {
 public:
  /// Call it before the joints of each stage.
  void begin_stage() {
    names_.clear();
    met_.clear();
  }
  /// Makes a size of an earlier stage, which is already renamed, equal to one
  /// of the current stage. Returns false if they can't be equal.
  bool meet(const ir::Dim& earlier, const ir::Dim& current);
  /// Renames the symbols of the current stage according to its joints, also in
  /// branches and loops.
  void rename(ir::Graph& graph);
  /// The names that rename() gave the stage's symbols, by their names in its
  /// file.
  const std::map<std::string, std::string>& names() const { return names_; }
  /// Replaces the symbols that met a fixed size by that size.
  void pin(ir::TensorMeta& tensor) const;
  /// Replaces such symbols in all sizes of a graph. An expression of such
  /// symbols keeps the value that it had at export.
  /// throws Error(Input): a symbol in an expression met a size other than the
  ///        one it was exported with
  void pin(ir::Graph& graph) const;

 private:
  struct Pinned {
    int64_t value = 0;
    int64_t at_export = 0;
  };

  std::map<std::string, std::string> names_;  // see names()
  // Fixed sizes that the current stage's symbols met, by their names in its
  // file.
  std::map<std::string, Pinned> met_;
  std::set<std::string> used_names_;      // names of all stages' symbols
  std::map<std::string, Pinned> pinned_;  // met_ of all stages, by new name
};

}  // namespace pp
