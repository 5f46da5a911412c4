#include "runtime/run/pipeline_source.h"

#include <set>
#include <utility>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model_loader.h"
#include "loader/weights.h"
#include "runtime/measure/measure.h"

namespace pp {

namespace {

SplitSpec split_spec(const SplitConfig& config) {
  SplitSpec spec;
  for (const std::string& text : config.at) {
    spec.at.push_back(parse_split_point(text));
  }
  spec.num_stages = config.stages.value_or(0);
  spec.markers = config.markers;
  spec.transmit = config.tied == "transmit";
  if (config.balance == "time") {
    spec.balance = Balance::Time;
  } else if (config.balance == "flops") {
    spec.balance = Balance::Flops;
  } else if (config.balance == "memory") {
    spec.balance = Balance::Memory;
  }
  return spec;
}

PipelineSource cut_at(
    const Model& model, const SplitSpec& spec, std::vector<Cut> cuts) {
  Partition parts = partition(model, spec, cuts);
  PipelineSource out;
  out.cuts = std::move(cuts);
  out.manifest = std::move(parts.manifest);
  for (ir::Graph& graph : parts.stages) {
    out.stages.push_back({std::move(graph), model.records, model.archive, {}});
  }
  return out;
}

}  // namespace

const StageSource& PipelineSource::stage(int index) const {
  const StageSource& found = stages.at(index);
  if (!found.absent.empty()) {
    throw input_error(
        found.absent.string() + ": the file of stage " + std::to_string(index) +
        " is missing");
  }
  return found;
}

PipelineSource cut_model(const Model& model, const SplitSpec& spec) {
  return cut_at(model, spec, choose_cuts(model.graph, with_costs(model, spec)));
}

std::string cuts_text(const std::vector<Cut>& cuts) {
  std::string out;
  for (const Cut& cut : cuts) {
    out += std::to_string(cut.position) + "\t" + join(cut.names, "\t") + "\n";
  }
  return out;
}

std::vector<Cut> parse_cuts(const std::string& text) {
  std::vector<Cut> cuts;
  for (const std::string& line : split_text(text, '\n')) {
    std::vector<std::string> words = split_text(line, '\t');
    if (words.size() > 1) {
      Cut& cut = cuts.emplace_back();
      cut.position = std::stoi(words.front());
      cut.names.assign(words.begin() + 1, words.end());
      std::erase(cut.names, "");
    }
  }
  return cuts;
}

PipelineSource open_pipeline(
    const ModelConfig& model,
    const SplitConfig& split,
    const std::optional<std::vector<Cut>>& cuts,
    const InputHints& examples,
    Stages wanted) {
  PipelineSource out;
  std::vector<std::string> notes;
  if (!model.path.empty()) {
    LoadOptions options{.examples = examples};
    if (model.mode != "exported") {
      options.training = model.mode == "train";
    }
    Model whole = load_model(model.path, options);
    if (model.weights) {
      notes = bind_weights({&whole, 1}, *model.weights);
    }
    const SplitSpec spec = split_spec(split);
    const auto num_nodes = static_cast<int>(whole.graph.nodes.size());
    if (cuts && !cuts->empty() && cuts->back().position >= num_nodes) {
      throw input_error(
          model.path.string() + " is another model than rank 0's: it has " +
          std::to_string(num_nodes) + " nodes, and rank 0 cuts before node " +
          std::to_string(cuts->back().position));
    }
    out = cuts ? cut_at(whole, spec, *cuts) : cut_model(whole, spec);
    out.notes = std::move(notes);
    return out;
  }
  std::vector<Model> stages;
  std::set<int> absent;
  if (model.stage_files.empty()) {
    StageDirectory directory = open_stages(model.stages, wanted);
    absent = std::move(directory.absent);
    out.manifest = std::move(directory.manifest);
    stages = std::move(directory.stages);
  } else {
    Assembly assembly = load_assembly(model.stage_files);
    out.manifest = std::move(assembly.manifest);
    stages = std::move(assembly.stages);
  }
  if (model.weights) {
    out.notes = bind_weights(stages, *model.weights);
  }
  if (!absent.empty()) {
    out.notes.clear();  // weights that go unused here are other hosts'
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    Model& stage = stages[i];
    out.stages.push_back(
        {std::move(stage.graph), std::move(stage.records), stage.archive, {}});
    if (absent.contains(static_cast<int>(i))) {
      out.stages.back().absent = model.stages / out.manifest.stages[i].file;
    }
  }
  return out;
}

}  // namespace pp
