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
  void begin_stage() {
    names_.clear();
    met_.clear();
  }
  /// Two sizes meet: one of an earlier stage, renamed already, and one of the
  /// stage under way. Returns false if they can't be equal.
  bool meet(const ir::Dim& given, const ir::Dim& taken);
  /// Gives the stage under way the names that its joints decided, in blocks of
  /// branches and loops too.
  void rename(ir::Graph& graph);
  /// What rename() called the symbols of the stage, by their names in its file.
  const std::map<std::string, std::string>& names() const { return names_; }
  /// Replaces the symbols that met a fixed size.
  void pin(ir::TensorMeta& tensor) const;
  /// The same in all sizes of a graph. What is made of such a symbol has the
  /// size it had at export.
  /// throws Error(Input): it was exported with another size than the one it met
  void pin(ir::Graph& graph) const;

 private:
  struct Pinned {
    int64_t value = 0;
    int64_t at_export = 0;
  };

  std::map<std::string, std::string> names_;  // of the stage under way
  std::map<std::string, Pinned> met_;  // the same, by the names in its file
  std::set<std::string> taken_;
  std::map<std::string, Pinned> pinned_;
};

}  // namespace pp
