#include "loader/core/text.h"
#include "splitter/inspect_text.h"
#include "splitter/operators.h"
#include "splitter/type_text.h"

namespace pp {

namespace {

using enum Table::Align;

uint64_t wire_bytes(const ir::Type& type, const ir::TensorMeta& tensor) {
  return type.kind == ir::TypeKind::Tensor ? ir::num_bytes(tensor) : 8;
}

/// A line a value: from, to, name, type, bytes, remarks.
std::string flow_text(const Manifest& manifest) {
  Table table({Left, Left, Left, Left, Right, Left});
  const auto stage = [](size_t i) { return "stage " + std::to_string(i); };
  for (size_t i = 0; i < manifest.stages.size(); ++i) {
    for (const StageInput& input : manifest.stages[i].inputs) {
      if (input.from_user) {
        table.add(
            {"data",
             "-> " + stage(i),
             input.user_name,
             describe_type(input.type, input.tensor),
             "",
             ""});
      }
    }
    for (const StageOutput& output : manifest.stages[i].outputs) {
      std::string remark = output.relayed ? "relayed" : "";
      if (output.only_for_output) {
        remark += remark.empty() ? "" : ", ";
        remark += "only an output of the model";
      }
      table.add(
          {stage(i),
           "-> " + (output.to_next ? stage(i + 1) : "output"),
           output.to_next ? output.value : output.model_output,
           describe_type(output.type, output.tensor),
           human_bytes(wire_bytes(output.type, output.tensor)),
           remark});
    }
  }
  return table.text("  ");
}

}  // namespace

std::string inspect(
    const StageDirectory& stages, const InspectOptions& options) {
  if (options.format == InspectFormat::Json) {
    return inspect_json(stages, options);
  }
  if (options.format == InspectFormat::Dot) {
    return inspect_dot(stages, options);
  }
  Table tree = tree_table();
  for (size_t i = 0; i < stages.stages.size(); ++i) {
    add_tree(
        tree,
        module_tree(stages.stages[i].graph),
        "stage " + std::to_string(i) + ": " + stages.manifest.stages[i].file,
        options.depth);
  }
  std::string out = tree.text() + "\ndata flow\n" + flow_text(stages.manifest);
  for (const TiedParameter& tied : stages.manifest.tied) {
    std::vector<std::string> holders;
    for (const int stage : tied.stages) {
      holders.push_back(std::to_string(stage));
    }
    out += "tied: " + tied.fqn + ", held by stages " + join(holders) + "\n";
  }
  for (size_t i = 0; i < stages.manifest.stages.size(); ++i) {
    for (const std::string& note : stages.manifest.stages[i].notes) {
      out += "stage " + std::to_string(i) + " " + note + "\n";
    }
  }
  return out;
}

}  // namespace pp
