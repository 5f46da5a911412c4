#include "tests/splitter/symbolic.h"

#include <algorithm>
#include <functional>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"

namespace pp::test {

namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  return (a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2))) *
         0xff51afd7ed558ccdULL;
}

uint64_t hash_text(const std::string& text) {
  return std::hash<std::string>{}(text);
}

bool writes(const ir::Node& node, ir::ValueId id) {
  return std::ranges::count(node.effects.writes, id) > 0;
}

}  // namespace

Symbolic::Tensor Symbolic::make(const std::string& content) {
  storages_.push_back(hash_text(content));
  return {static_cast<int>(storages_.size()) - 1, 0};
}

uint64_t Symbolic::content(const Tensor& tensor) const {
  const uint64_t whole = storages_.at(static_cast<size_t>(tensor.storage));
  return tensor.path == 0 ? whole : mix(whole, tensor.path);
}

void Symbolic::add_states(const ir::Graph& graph, States& states) {
  for (const ir::State& state : graph.states) {
    if (!states.contains(state.fqn)) {
      states[state.fqn] = make(state.fqn);
    }
  }
}

uint64_t Symbolic::hash_arg(const ir::Arg& arg, const Values& values) const {
  if (const auto* ref = std::get_if<ir::Ref>(&arg.value)) {
    return content(values[ref->id]);
  }
  if (const auto* list = std::get_if<ir::List>(&arg.value)) {
    uint64_t hash = 17;
    for (const ir::Arg& item : list->items) {
      hash = mix(hash, hash_arg(item, values));
    }
    return hash;
  }
  if (const auto* number = std::get_if<int64_t>(&arg.value)) {
    return mix(3, static_cast<uint64_t>(*number));
  }
  return arg.value.index();
}

void Symbolic::run_node(
    const ir::Graph& graph, const ir::Node& node, Values& values) {
  const std::string_view name = operator_name(node.target);
  const auto defines = ir::defines_of(node);
  uint64_t work = hash_text(node.target);  // includes the operands' content
  uint64_t view = work;                    // the same for all contents
  for (const ir::NamedArg& input : node.inputs) {
    work = mix(work, hash_arg(input.arg, values));
    if (!std::holds_alternative<ir::Ref>(input.arg.value)) {
      view = mix(view, hash_arg(input.arg, values));
    }
  }
  if (node.effects.random) {
    work = mix(work, hash_text(graph.values[defines.front()].name));
  }
  for (const ir::ValueId id : node.effects.writes) {
    const Tensor& tensor = values[id];
    auto& storage = storages_[static_cast<size_t>(tensor.storage)];
    storage = mix(mix(storage, tensor.path), work);
  }
  for (size_t i = 0; i < defines.size(); ++i) {
    const ir::ValueId out = defines[i];
    const ir::Value& value = graph.values[out];
    const auto alias = std::ranges::find(
        node.effects.aliases, out, [](const auto& pair) { return pair.first; });
    if (alias != node.effects.aliases.end()) {
      values[out] = values[alias->second];
      if (!writes(node, alias->second)) {
        values[out].path = mix(mix(values[out].path, view), i);
      }
    } else if (value.scalar && !value.scalar->is_fixed()) {
      values[out] = make(value.scalar->expr);
    } else if (name == "clone") {
      values[out] = make("");
      storages_.back() =
          content(values
                      [node.inputs[0].arg.value.index() == 1
                           ? std::get<ir::Ref>(node.inputs[0].arg.value).id
                           : 0]);
    } else {
      values[out] = make("");
      storages_.back() = mix(work, i);
    }
  }
}

Symbolic::Values Symbolic::run(
    const ir::Graph& graph, const Values& inputs, States& states) {
  Values values(graph.values.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    values[graph.inputs[i].value] = inputs[i];
  }
  for (const ir::State& state : graph.states) {
    values[state.value] = states.at(state.fqn);
  }
  for (const ir::Node& node : graph.nodes) {
    run_node(graph, node, values);
  }
  Values outputs;
  for (const ir::Output& output : graph.outputs) {
    const auto* ref = std::get_if<ir::Ref>(&output.value.value);
    outputs.push_back(ref == nullptr ? make("constant") : values[ref->id]);
  }
  for (const ir::Mutation& mutation : graph.mutations) {
    const Tensor& buffer = states.at(mutation.fqn);
    storages_[static_cast<size_t>(buffer.storage)] =
        content(values[mutation.value]);
  }
  return outputs;
}

namespace {

constexpr int kMicrobatches = 2;

std::string user_content(const std::string& name, int microbatch) {
  return name + " of " + std::to_string(microbatch);
}

/// The content of a model input. The content of a size is its expression.
std::string input_content(const ir::Graph& graph, size_t i, int microbatch) {
  const ir::Input& input = graph.inputs[i];
  const auto& scalar = graph.values[input.value].scalar;
  return scalar && !scalar->is_fixed() ? scalar->expr
                                       : user_content(input.name, microbatch);
}

struct Result {
  std::vector<uint64_t> outputs;
  std::string faults;
  std::map<std::string, uint64_t> states;
};

Result run_unsplit(const ir::Graph& graph) {
  Symbolic machine;
  Symbolic::States states;
  machine.add_states(graph, states);
  Result out;
  for (int microbatch = 0; microbatch < kMicrobatches; ++microbatch) {
    Symbolic::Values inputs;
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      inputs.push_back(machine.make(input_content(graph, i, microbatch)));
    }
    for (const auto& tensor : machine.run(graph, inputs, states)) {
      out.outputs.push_back(machine.content(tensor));
    }
  }
  for (const auto& [fqn, tensor] : states) {
    out.states[fqn] = machine.content(tensor);
  }
  return out;
}

Result run_stages(
    const ir::Graph& graph, const std::vector<ir::Graph>& stages) {
  Symbolic machine;
  // One tensor per microbatch, which all stages that read it share.
  std::vector<std::map<std::string, Symbolic::Tensor>> data(kMicrobatches);
  for (int microbatch = 0; microbatch < kMicrobatches; ++microbatch) {
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      data[microbatch][graph.inputs[i].name] =
          machine.make(input_content(graph, i, microbatch));
    }
  }
  std::vector<Symbolic::Values> flowing(kMicrobatches);
  // Tensors that no stage may write to any more, and their content.
  std::vector<std::pair<Symbolic::Tensor, uint64_t>> frozen;
  for (const auto& inputs : data) {
    for (const auto& [name, tensor] : inputs) {
      frozen.emplace_back(tensor, machine.content(tensor));
    }
  }
  Result out;
  for (const ir::Graph& stage : stages) {
    Symbolic::States states;  // each stage has its own copies
    machine.add_states(stage, states);
    for (int microbatch = 0; microbatch < kMicrobatches; ++microbatch) {
      Symbolic::Values inputs = flowing[microbatch];
      for (const ir::Input& input : stage.inputs) {
        if (input.keyword) {
          inputs.push_back(data[microbatch].at(input.name));
        }
      }
      check(inputs.size() == stage.inputs.size(), "a stage's inputs fit");
      flowing[microbatch] = machine.run(stage, inputs, states);
      for (const auto& tensor : flowing[microbatch]) {
        frozen.emplace_back(tensor, machine.content(tensor));
      }
    }
    for (const auto& [fqn, tensor] : states) {
      out.states[fqn] = machine.content(tensor);
    }
  }
  for (const auto& outputs : flowing) {
    for (const auto& tensor : outputs) {
      out.outputs.push_back(machine.content(tensor));
    }
  }
  const bool kept = std::ranges::all_of(frozen, [&](const auto& each) {
    return machine.content(each.first) == each.second;
  });
  if (!kept) {
    out.faults = "a stage writes to what it was sent; ";
  }
  return out;
}

}  // namespace

std::string compare_with_unsplit(
    const ir::Graph& graph, const std::vector<ir::Graph>& stages) {
  const Result want = run_unsplit(graph);
  const Result have = run_stages(graph, stages);
  std::string out = have.faults;
  for (size_t i = 0; i < want.outputs.size(); ++i) {
    if (i >= have.outputs.size() || want.outputs[i] != have.outputs[i]) {
      out += "output " + std::to_string(i) + " differs; ";
    }
  }
  for (const auto& [fqn, content] : want.states) {
    const auto found = have.states.find(fqn);
    if (found == have.states.end() || found->second != content) {
      out += "state '" + fqn + "' differs; ";
    }
  }
  return out;
}

}  // namespace pp::test
