#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/exported_program/args.h"
#include "loader/exported_program/values.h"
#include "loader/ir/graph.h"

namespace pp::ep {

/// Converts a graph of the IR to the ExportedProgram schema's JSON. Consecutive
/// nodes with gradients off or under autocast become regions.
class GraphWriter {
 public:
  /// Both arguments must outlive the writer.
  GraphWriter(const ir::Graph& graph, const Expressions& expressions);

  /// Adds a placeholder for a value that the caller passes.
  void add_input(ir::ValueId value);
  /// Adds a placeholder for a constant, given in the schema's form.
  void add_constant_input(Json constant);
  void add_nodes();
  void add_output(const ir::Arg& value);

  /// Moves the serialised graph out of the writer.
  Json release() { return std::move(root_); }

 private:
  /// Consecutive nodes with the same gradient mode, autocast and regions; or a
  /// single node that needs no region.
  struct Run {
    size_t begin = 0;
    size_t end = 0;
  };

  void find_last_reads();
  Run run_at(size_t begin) const;
  void add_run(const Run& run);
  void add_node(Json& section, const ir::Node& node);
  void declare(Json& section, ir::ValueId value) const;
  void declare_results(Json& section, const ir::Node& node) const;
  /// The name of a region and the module stack under which it runs.
  struct RegionOrigin {
    std::string name;
    std::string module_stack;
  };

  RegionOrigin origin_of(const Run& run, bool outermost) const;
  Json region_node(
      const RegionOrigin& origin,
      const std::string& target,
      Json settings,
      Json inner,
      const std::vector<ir::ValueId>& operands,
      const std::vector<ir::ValueId>& results);
  Json section_of(
      const std::vector<ir::ValueId>& operands,
      const std::vector<ir::ValueId>& results) const;
  std::vector<ir::ValueId> operands_of(const Run& run) const;
  std::vector<ir::ValueId> results_of(const Run& run) const;
  Json arg(const ir::Arg& value) const;
  Json sub_graph_json(const ir::SubGraph& sub) const;
  std::string node_name(const ir::Node& node);
  std::string unique(const std::string& wanted);
  const ir::Value& value_of(ir::ValueId id) const;

  const ir::Graph& graph_;
  const Expressions& expressions_;
  Json root_;
  // For each value: index of the last node that reads it, or kAfterAll
  // (writer.cpp) for an output or a buffer's new value.
  std::vector<size_t> last_reads_;
  std::set<std::string> names_;  // names of values, nodes and region graphs
};

}  // namespace pp::ep
