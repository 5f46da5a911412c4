#include "loader/torchscript/code/code.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "loader/core/error.h"
#include "loader/torchscript/code/code_nodes.h"
#include "loader/torchscript/code/code_outputs.h"
#include "loader/torchscript/code/code_values.h"

namespace pp::ts {

namespace {

/// Turns `name` into a name that Python accepts for an argument.
std::string identifier(const std::string& name) {
  std::string out = name;
  std::ranges::replace_if(
      out, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  const bool has_prefix =
      out.empty() || std::isdigit(static_cast<unsigned char>(out[0])) != 0;
  return has_prefix ? "x_" + out : out;
}

}  // namespace

std::shared_ptr<torch::jit::Graph> to_code(
    const ir::Graph& graph, ModuleTree& modules, const Returned* returned) {
  CodeDraft draft{
      .graph = &graph,
      .code = std::make_shared<torch::jit::Graph>(),
      .values = std::vector<torch::jit::Value*>(graph.values.size(), nullptr)};
  torch::jit::Value* self = draft.code->addInput("self");
  self->setType(modules.root()._ivalue()->type());
  for (const ir::Input& input : graph.inputs) {
    torch::jit::Value* value = draft.code->addInput(identifier(input.name));
    value->setType(code_type(draft.type_of(input.value)));
    draft.value(input.value) = value;
  }
  for (const ir::State& state : graph.states) {
    draft.value(state.value) = ModuleTree::read(*draft.code, self, state.fqn);
  }
  for (const ir::Node& node : graph.nodes) {
    add_code_node(draft, node);
  }
  for (const ir::Mutation& mutation : graph.mutations) {
    ModuleTree::write(
        *draft.code, self, mutation.fqn, draft.value(mutation.value));
  }
  add_code_outputs(draft, *modules.unit(), returned);
  draft.code->lint();
  return draft.code;
}

}  // namespace pp::ts
