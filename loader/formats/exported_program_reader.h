#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/formats/exported_program_args.h"
#include "loader/formats/exported_program_values.h"
#include "loader/formats/json_fields.h"
#include "loader/ir/graph.h"

namespace pp::ep {

/// Reads one serialised graph, node by node, into the IR. No-grad and autocast
/// regions are inlined; the graphs of control flow become sub-graphs.
class GraphReader {
 public:
  /// json: the serialised graph; all four must outlive the reader
  GraphReader(const Json& json, JsonFields& fields, Expressions& expressions);

  /// Defines a value of the graph under the name that its tables know.
  ir::ValueId define(const std::string& name);
  /// Makes `name` another name of a value.
  void bind(const std::string& name, ir::ValueId value);
  /// throws Error(Input) if no value of that name is defined yet
  ir::ValueId find(const std::string& name) const;

  void read_nodes();
  ir::Arg read_argument(const Json& argument);

  ir::Graph& graph() { return graph_; }

 private:
  /// The graph being read: the whole or, while it is inlined, a region's.
  struct Scope {
    const Json* json = nullptr;
    const Scope* outer = nullptr;
    std::map<std::string, ir::ValueId> values;
    /// A region's: names that its results have outside.
    std::map<std::string, std::string> results;
    bool grad_enabled = true;
    std::optional<ir::Autocast> autocast;
    std::vector<ir::ModuleFrame> modules;  ///< of nodes that name none
    std::string region;                    ///< for kRegion: the regions around
  };

  void read_nodes(const Json& nodes, Scope& scope);
  void read_node(const Json& json, std::string target, Scope& scope);
  void read_metadata(const Json& json, ir::Node& node, const Scope& scope);
  ir::NodeOutput read_output(const Json& output, Scope& scope);
  void inline_region(const Json& json, const std::string& target, Scope& scope);
  void enter_region(
      const std::vector<ir::Arg>& settings,
      const std::string& target,
      Scope& region);
  void bind_operands(
      const Json& inputs, const std::vector<ir::Arg>& operands, Scope& region);
  /// Names of a node's results; of a region's results inside its graph.
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
  std::set<std::string> reserved_;  // names that the whole graph's tables have
};

/// Parses "key,fqn,type;key,fqn,type"; empty for torch's marker of nodes that
/// belong to no module.
/// throws Error(Input)
std::vector<ir::ModuleFrame> read_module_stack(
    const std::string& text, const JsonFields& fields);

/// The reverse.
std::string module_stack_text(const std::vector<ir::ModuleFrame>& frames);

}  // namespace pp::ep
