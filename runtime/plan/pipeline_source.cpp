#include "runtime/plan/pipeline_source.h"

#include <charconv>
#include <set>
#include <utility>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model/weights.h"
#include "loader/model_loader.h"
#include "runtime/measure/measure.h"
#include "splitter/cut/unread_inputs.h"

namespace pp {

namespace {

void add_unread_inputs(PipelineSource& source) {
  std::vector<const ir::Graph*> graphs;
  for (const StageSource& stage : source.stages) {
    graphs.push_back(stage.absent.empty() ? &stage.graph : nullptr);
  }
  for (std::string& note : unread_input_notes(source.manifest, graphs)) {
    source.notes.push_back(std::move(note));
  }
}

PipelineSource cut_at(
    const Model& model,
    const SplitFlow& flow,
    const SplitSpec& spec,
    std::vector<Cut> cuts) {
  Partition parts = partition(model, flow, spec, cuts);
  PipelineSource out;
  out.cuts = std::move(cuts);
  out.manifest = std::move(parts.manifest);
  for (ir::Graph& graph : parts.stages) {
    out.stages.push_back({std::move(graph), model.records, model.archive, {}});
  }
  add_unread_inputs(out);
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
  const SplitFlow flow(model.graph, spec.rematerialise);
  return cut_at(model, flow, spec, choose_cuts(flow, with_costs(model, spec)));
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
      const char* end = words.front().data() + words.front().size();
      const auto [stop, error] =
          std::from_chars(words.front().data(), end, cut.position);
      if (error != std::errc() || stop != end) {
        throw runtime_error(
            "can't read the cuts that rank 0 sent; does every rank run the "
            "same "
            "version of pp?");
      }
      cut.names.assign(words.begin() + 1, words.end());
      std::erase(cut.names, "");
    }
  }
  return cuts;
}

PipelineSource open_pipeline(
    const ModelConfig& model,
    const SplitSpec& split,
    const std::optional<std::vector<Cut>>& cuts,
    const InputHints& examples,
    Stages wanted,
    const Trust& trust) {
  PipelineSource out;
  if (!model.path.empty()) {
    LoadOptions options{.examples = examples};
    if (model.mode != Mode::Exported) {
      options.training = model.mode == Mode::Train;
    }
    Model whole = load_model(model.path, options, trust);
    std::vector<std::string> notes;
    if (model.weights) {
      notes = bind_weights({&whole, 1}, *model.weights);
    }
    const auto num_nodes = static_cast<int>(whole.graph.nodes.size());
    if (cuts && !cuts->empty() && cuts->back().position >= num_nodes) {
      throw input_error(
          model.path.string() + " is not the model that rank 0 has: it has " +
          std::to_string(num_nodes) + " nodes, and rank 0 cuts before node " +
          std::to_string(cuts->back().position));
    }
    out = cuts ? cut_at(
                     whole,
                     SplitFlow(whole.graph, split.rematerialise),
                     split,
                     *cuts)
               : cut_model(whole, split);
    out.notes.insert(out.notes.begin(), notes.begin(), notes.end());
    return out;
  }
  std::vector<Model> stages;
  std::set<int> absent;
  if (model.stage_files.empty()) {
    StageDirectory directory =
        open_stages(model.stages, model_formats(trust), wanted);
    absent = std::move(directory.absent);
    out.manifest = std::move(directory.manifest);
    stages = std::move(directory.stages);
  } else {
    Assembly assembly = load_assembly(model.stage_files, model_formats(trust));
    out.manifest = std::move(assembly.manifest);
    stages = std::move(assembly.stages);
  }
  if (model.weights) {
    out.notes = bind_weights(stages, *model.weights);
  }
  if (!absent.empty()) {
    out.notes.clear();  // other hosts may use the weights that are unused here
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    Model& stage = stages[i];
    out.stages.push_back(
        {std::move(stage.graph), std::move(stage.records), stage.archive, {}});
    if (absent.contains(static_cast<int>(i))) {
      out.stages.back().absent = model.stages / out.manifest.stages[i].file;
    }
  }
  add_unread_inputs(out);
  return out;
}

}  // namespace pp
