#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/core/json_fields.h"
#include "loader/exported_program/args.h"
#include "loader/exported_program/values.h"
#include "loader/ir/graph.h"

namespace pp::ep {

/// Reads a serialised graph, node by node, into the IR. Inlines no-grad and
/// autocast regions; the graphs of control flow become sub-graphs.
class GraphReader {
 public:
  /// json  the serialised graph; like the other arguments it must outlive this
  GraphReader(const Json& json, JsonFields& fields, Expressions& expressions);

  /// Defines a value that the graph's tables describe.
  ir::ValueId define(const std::string& name);
  /// Makes `name` another name for a value.
  void bind(const std::string& name, ir::ValueId value);
  /// Finds a value by name.
  /// throws Error(Input) if it is not defined yet
  ir::ValueId find(const std::string& name) const;

  void read_nodes();
  ir::Arg read_argument(const Json& argument);

  ir::Graph& graph() { return graph_; }

 private:
  /// A graph that is being read: the outer one or that of a region.
  struct Scope {
    const Json* json = nullptr;
    const Scope* outer = nullptr;
    std::map<std::string, ir::ValueId> values;
    /// For a region: the names of its results in the outer graph.
    std::map<std::string, std::string> results;
    bool grad_enabled = true;
    std::optional<ir::Autocast> autocast;
    std::vector<ir::ModuleFrame> modules;  ///< modules of nodes that name none
    std::string region;                    ///< value of kRegion for its nodes
  };

  void read_nodes(const Json& nodes, Scope& scope);
  void read_node(const Json& json, std::string target, Scope& scope);
  void read_metadata(const Json& json, ir::Node& node, const Scope& scope);
  ir::NodeOutput read_output(const Json& output, Scope& scope);
  static bool is_region(const std::string& target);
  void inline_region(const Json& json, const std::string& target, Scope& scope);
  void enter_region(
      const std::vector<ir::Arg>& settings,
      const std::string& target,
      Scope& region);
  void bind_operands(
      const Json& inputs, const std::vector<ir::Arg>& operands, Scope& region);
  /// Names of a node's results, and of a region's results inside its graph.
  std::vector<std::string> result_names(const Json& node);
  std::vector<std::string> region_results(
      const Json& json, const Scope& region);
  ir::Arg read_argument(const Json& argument, const Scope& scope);
  ir::SubGraph read_sub_graph(const std::string& name, const Json& json);

  ir::ValueId define(const std::string& name, Scope& scope);
  ir::ValueId find(const std::string& name, const Scope& scope) const;
  std::string unique_name(const std::string& name, const Scope& scope) const;

  JsonFields& fields_;
  Expressions& expressions_;
  ir::Graph graph_;
  Scope root_;
  std::set<std::string> taken_;     // names of values of graph_
  std::set<std::string> reserved_;  // names in the outer graph's tables
};

}  // namespace pp::ep
