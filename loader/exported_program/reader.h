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
  /// Prepares to read a graph. All arguments must outlive the reader.
  /// json  the serialised graph
  GraphReader(const Json& json, JsonFields& fields, Expressions& expressions);

  /// Adds the value called `name`, which the graph's tables describe.
  ir::ValueId define(const std::string& name);
  /// Makes `name` another name for an existing value.
  void bind(const std::string& name, ir::ValueId value);
  /// Finds a value by name.
  /// throws  Error(Input): the value is not defined yet
  ir::ValueId find(const std::string& name) const;

  void read_nodes();
  ir::Arg read_argument(const Json& argument);

  ir::Graph& graph() { return graph_; }

 private:
  /// A graph that is being read: the outermost one, or the graph of a region.
  struct Scope {
    const Json* json = nullptr;
    const Scope* outer = nullptr;
    std::map<std::string, ir::ValueId> values;
    /// For a region: the name that each of its results has in the outer graph,
    /// by the result's name inside the region.
    std::map<std::string, std::string> results;
    bool grad_enabled = true;
    std::optional<ir::Autocast> autocast;
    /// The modules to give to a node whose metadata names no modules.
    std::vector<ir::ModuleFrame> modules;
    std::string region;  ///< the value of kRegion for its nodes
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
  /// The names of a node's results.
  std::vector<std::string> result_names(const Json& node);
  /// The names of a region's results inside the region's graph.
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
  std::set<std::string> taken_;     // names that values of graph_ already have
  std::set<std::string> reserved_;  // names in the outer graph's tables
};

}  // namespace pp::ep
