#include "splitter/cut/unread_inputs.h"

#include <set>

#include "loader/ir/walk.h"

namespace pp {

namespace {

std::set<ir::ValueId> read_values(const ir::Graph& graph) {
  std::set<ir::ValueId> read;
  for (const ir::Node& node : graph.nodes) {
    const std::vector<ir::ValueId> values = ir::reads_of(node);
    read.insert(values.begin(), values.end());
  }
  for (const ir::Output& output : graph.outputs) {
    ir::for_each_ref(
        output.value, [&](ir::ValueId value) { read.insert(value); });
  }
  for (const ir::Mutation& mutation : graph.mutations) {
    read.insert(mutation.value);
  }
  return read;
}

/// Adds the names of the model inputs that a stage reads.
///
/// graph  the stage's graph; null: assume that the stage reads all its inputs
void add_read_inputs(
    const StageManifest& stage,
    const ir::Graph* graph,
    std::set<std::string>& names) {
  const std::set<ir::ValueId> read =
      graph == nullptr ? std::set<ir::ValueId>() : read_values(*graph);
  for (size_t i = 0; i < stage.inputs.size(); ++i) {
    const StageInput& input = stage.inputs[i];
    if (input.from_user &&
        (graph == nullptr || read.contains(graph->inputs.at(i).value))) {
      names.insert(input.user_name);
    }
  }
}

}  // namespace

std::vector<std::string> unread_input_notes(
    const Manifest& manifest, const std::vector<const ir::Graph*>& stages) {
  std::set<std::string> read;
  for (size_t i = 0; i < manifest.stages.size(); ++i) {
    add_read_inputs(manifest.stages[i], stages.at(i), read);
  }
  std::vector<std::string> notes;
  for (const ModelInput& input : manifest.inputs) {
    if (input.type.kind == ir::TypeKind::Tensor && !read.contains(input.name)) {
      notes.push_back(
          "the model doesn't read its input '" + input.name +
          "', so its values have no effect; if they should, export the model "
          "with a different tensor for each input, because torch.export treats "
          "one tensor passed twice as one input");
    }
  }
  return notes;
}

}  // namespace pp
