#include <map>
#include <optional>
#include <set>

#include "loader/core/text.h"
#include "loader/ir/walk.h"
#include "splitter/cut/modules.h"
#include "splitter/cut/operators.h"
#include "splitter/inspect/text.h"

namespace pp {

namespace {

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "\"";
}

/// An ellipse for an input or output of the model.
std::string ellipse(const std::string& id, const std::string& name) {
  return "  " + quote(id) + " [shape=ellipse, label=" + quote(name) + "];\n";
}

/// Draws modules as boxes, and values that pass between them as arrows. The box
/// of the model itself, whose own nodes run in no module, is ".".
class Drawing {
 public:
  Drawing(const ir::Graph& graph, std::string prefix, int depth)
      : graph_(graph),
        prefix_(std::move(prefix)),
        depth_(depth),
        made_by_(graph.values.size()) {
    for (const ir::Node& node : graph_.nodes) {
      for (const ir::ValueId id : ir::defines_of(node)) {
        made_by_[id] = box_of(node);
      }
    }
  }

  std::string boxes() const {
    std::string out;
    std::set<std::string> drawn;
    for (const ir::Node& node : graph_.nodes) {
      const std::string box = box_of(node);
      if (drawn.insert(box).second) {
        const std::string label = box.substr(prefix_.size());
        out += "  " + quote(box) +
               " [shape=box, label=" + quote(label.empty() ? "." : label) +
               "];\n";
      }
    }
    return out;
  }

  std::string arrows() const {
    std::string out;
    std::set<std::pair<std::string, ir::ValueId>> drawn;
    for (const ir::Node& node : graph_.nodes) {
      const std::string box = box_of(node);
      for (const ir::ValueId id : ir::reads_of(node)) {
        const std::optional<std::string>& from = made_by_[id];
        if (from && *from != box && drawn.emplace(box, id).second) {
          out += arrow(*from, box, id);
        }
      }
    }
    return out;
  }

  /// Arrows from the box of an input to all modules that read it.
  std::string arrows_from(const std::string& from, ir::ValueId id) const {
    std::string out;
    std::set<std::string> drawn;
    for (const ir::Node& node : graph_.nodes) {
      const auto reads = ir::reads_of(node);
      const std::string box = box_of(node);
      for (const ir::ValueId read : reads) {
        if (read == id && drawn.insert(box).second) {
          out += arrow(from, box, id);
        }
      }
    }
    return out;
  }

  /// The box that makes a value; nullopt for an input or state.
  const std::optional<std::string>& maker(ir::ValueId id) const {
    return made_by_[id];
  }

  std::string arrow(
      const std::string& from, const std::string& to, ir::ValueId id) const {
    const ir::Value& value = graph_.values[id];
    return "  " + quote(from) + " -> " + quote(to) + " [label=" +
           quote(value.name + " " + human_bytes(num_bytes(value))) + "];\n";
  }

 private:
  std::string box_of(const ir::Node& node) const {
    const auto chain = module_chain(node);
    std::string fqn = chain.empty() ? "" : chain.back();
    int parts = 0;
    for (size_t i = 0; i < fqn.size(); ++i) {
      if (fqn[i] == '.' && ++parts == depth_) {
        fqn.resize(i);
      }
    }
    return prefix_ + fqn;
  }

  const ir::Graph& graph_;
  std::string prefix_;
  int depth_;
  std::vector<std::optional<std::string>> made_by_;  // box of each value
};

constexpr int kDefaultDepth = 2;
constexpr const char* kHead =
    "digraph model {\n  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n";

}  // namespace

std::string inspect_dot(const Model& model, const InspectOptions& options) {
  Drawing drawing(model.graph, "", options.depth.value_or(kDefaultDepth));
  std::string out = kHead + drawing.boxes();
  std::map<ir::ValueId, std::string> inputs;
  for (const ir::Input& input : model.graph.inputs) {
    const std::string id = "in:" + input.name;
    inputs[input.value] = id;
    out += ellipse(id, input.name) + drawing.arrows_from(id, input.value);
  }
  out += drawing.arrows();
  for (const ir::Output& output : model.graph.outputs) {
    const std::string id = "out:" + output.name;
    out += ellipse(id, output.name);
    const auto* ref = std::get_if<ir::Ref>(&output.value.value);
    if (ref == nullptr) {
      continue;  // the output is a constant
    }
    if (const auto input = inputs.find(ref->id); input != inputs.end()) {
      out += drawing.arrow(input->second, id, ref->id);
    } else if (drawing.maker(ref->id)) {
      out += drawing.arrow(*drawing.maker(ref->id), id, ref->id);
    }
  }
  return out + "}\n";
}

std::string inspect_dot(
    const StageDirectory& stages, const InspectOptions& options) {
  std::string out = kHead;
  std::string between;
  for (const ModelInput& input : stages.manifest.inputs) {
    between += ellipse("in:" + input.name, input.name);
  }
  for (const ModelOutput& output : stages.manifest.outputs) {
    between += ellipse("out:" + output.name, output.name);
  }
  std::map<std::string, std::string> sent;  // by value: the box it comes from
  for (size_t i = 0; i < stages.stages.size(); ++i) {
    const ir::Graph& graph = stages.stages[i].graph;
    const std::string prefix = std::to_string(i) + ":";
    Drawing drawing(graph, prefix, options.depth.value_or(kDefaultDepth));
    out += "  subgraph " + quote("cluster_" + std::to_string(i)) +
           " {\n  label=" + quote("stage " + std::to_string(i)) + ";\n" +
           drawing.boxes() + drawing.arrows();
    std::map<std::string, std::string> leaves;
    const auto& inputs = stages.manifest.stages[i].inputs;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const std::string from = inputs[k].from_user ? "in:" + inputs[k].user_name
                                                   : sent[inputs[k].value];
      if (!from.empty()) {
        between += drawing.arrows_from(from, graph.inputs[k].value);
        leaves[inputs[k].value] = from;
      }
    }
    const auto& outputs = stages.manifest.stages[i].outputs;
    for (size_t k = 0; k < outputs.size(); ++k) {
      const auto* ref = std::get_if<ir::Ref>(&graph.outputs[k].value.value);
      if (ref == nullptr) {
        continue;
      }
      if (drawing.maker(ref->id)) {
        leaves[outputs[k].value] = *drawing.maker(ref->id);
      }
      const auto from = leaves.find(outputs[k].value);
      if (!outputs[k].model_output.empty() && from != leaves.end()) {
        between += drawing.arrow(
            from->second, "out:" + outputs[k].model_output, ref->id);
      }
    }
    sent = std::move(leaves);
    out += "  }\n";
  }
  return out + between + "}\n";
}

}  // namespace pp
