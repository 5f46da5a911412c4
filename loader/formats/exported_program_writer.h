#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/formats/exported_program_args.h"
#include "loader/formats/exported_program_values.h"
#include "loader/ir/graph.h"

namespace pp::ep {

/// Writes a graph of the IR as the schema's graph. Runs of nodes with gradients
/// off or under autocast become regions again.
class GraphWriter {
 public:
  /// Both must outlive the writer.
  GraphWriter(const ir::Graph& graph, const Expressions& expressions);

  /// Adds the placeholder of a value that the caller passes.
  void add_input(ir::ValueId value);
  /// Adds a placeholder that holds a constant, as the schema writes it.
  void add_constant_input(Json constant);
  void add_nodes();
  void add_output(const ir::Arg& value);

  Json take() { return std::move(root_); }

 private:
  /// Neighbouring nodes that run in the same mode.
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
  /// What a region is called, and the module stack it stands under.
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
  std::vector<size_t> last_reads_;  // by value: position of the last reader
  std::set<std::string> names_;     // of values, nodes and region graphs
};

}  // namespace pp::ep
