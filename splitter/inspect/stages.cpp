#include "loader/core/text.h"
#include "splitter/cut/operators.h"
#include "splitter/inspect/text.h"
#include "splitter/manifest/type_text.h"

namespace pp {

namespace {

using enum Table::Align;

/// One line per value that a stage reads or sends: from, to, name, type, bytes,
/// remarks.
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
        remark += "only because the model returns it";
      }
      table.add(
          {stage(i),
           "-> " + (output.to_next ? stage(i + 1) : "output"),
           output.to_next ? output.value : output.model_output,
           describe_type(output.type, output.tensor),
           human_bytes(num_bytes(output.type, output.tensor)),
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
  return tree.text() + "\ndata flow\n" + flow_text(stages.manifest) +
         tied_text(stages.manifest) + notes_text(stages.manifest);
}

}  // namespace pp
