#include "runtime/pipeline/loss_function.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ops/cat.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model_loader.h"
#include "runtime/pipeline/class_weights.h"
#include "runtime/stage/map_states.h"

namespace pp {

/// A loss graph. Its inputs are model outputs by name, and the target as
/// `target` or `labels`. Where names don't match, the first is the output and
/// the second the target.
struct LossFunction::Graph {
  Model model;
  Program program;
  std::vector<at::Tensor> states;

  Graph(
      const std::filesystem::path& path, const Trust& trust, c10::Device device)
      : model(load_model(path, {}, trust)),
        program(model.graph, {{}, path.filename().string(), {}, device}),
        states(map_states(model.graph, model.records, *model.archive, false)) {
    if (model.graph.outputs.size() != 1) {
      throw input_error(
          path.string() + ": a loss graph must have one output, but has " +
          std::to_string(model.graph.outputs.size()));
    }
    const auto& written = program.written_states();
    const bool writes =
        std::ranges::any_of(written, [](uint8_t each) { return each != 0; });
    if (writes || !model.graph.mutations.empty()) {
      throw input_error(
          path.string() +
          ": a loss graph can't change its buffers, because checkpoints don't "
          "save them; make them outputs of the model");
    }
    for (at::Tensor& state : states) {
      state = state.to(device);
    }
  }

  at::Tensor operator()(
      const std::map<std::string, at::Tensor>& outputs,
      const std::string& output,
      const at::Tensor& target,
      RandomKey key) const {
    std::vector<c10::IValue> inputs;
    for (size_t i = 0; i < model.graph.inputs.size(); ++i) {
      const std::string& name = model.graph.inputs[i].name;
      const auto named = outputs.find(name);
      if (named != outputs.end()) {
        inputs.emplace_back(named->second);
      } else if (name == "target" || name == "labels" || i == 1) {
        inputs.emplace_back(target);
      } else if (i == 0) {
        inputs.emplace_back(outputs.at(output));
      } else {
        throw usage_error(
            model.path + ": the loss graph's input '" + name +
            "' is neither the target nor an output named in train.loss.output "
            "or output.save");
      }
    }
    // The loss graph has a seed of its own, because its nodes may have the same
    // names as nodes of the model.
    constexpr uint64_t kLossSeed = 0x6C6F7373;
    key.seed ^= kLossSeed;
    return program.run(std::move(inputs), states, key).outputs.at(0).toTensor();
  }
};

LossFunction::LossFunction(
    const LossConfig& config,
    std::string output,
    const Trust& trust,
    c10::Device device)
    : output_(std::move(output)) {
  if (!config.path.empty()) {
    graph_ = std::make_shared<const Graph>(config.path, trust, device);
    loss_ = make_output_loss();  // weighted by rows
  } else {
    loss_ = config.kind ? make_loss(
                              *config.kind,
                              {config.label_smoothing,
                               class_weights(config.weights),
                               !device.is_cpu()})
                        : make_output_loss();
  }
}

bool LossFunction::reads(const std::string& output) const {
  return output == output_ ||
         (graph_ != nullptr &&
          std::ranges::any_of(
              graph_->model.graph.inputs,
              [&](const ir::Input& input) { return input.name == output; }));
}

bool LossFunction::has_fixed_rows() const {
  if (graph_ == nullptr) {
    return false;
  }
  const ir::Graph& graph = graph_->model.graph;
  return std::ranges::any_of(graph.inputs, [&](const ir::Input& input) {
    const auto& tensor =
        graph.values.at(static_cast<size_t>(input.value)).tensor;
    return tensor && tensor->known && !tensor->sizes.empty() &&
           tensor->sizes.front().is_fixed();
  });
}

void LossFunction::begin_step(const StepData& data) {
  weights_.clear();
  values_.assign(data.microbatches().size(), {});
  weight_ = 0;
  for (const Microbatch& microbatch : data.microbatches()) {
    weights_.push_back(loss_->weight(microbatch.target, microbatch.num_rows));
    weight_ += weights_.back();
  }
  shares_ = weights_;
  for (double& share : shares_) {
    // A microbatch of weight 0 gives a sum, not a mean: see Loss::compute().
    share = (share > 0 ? share : 1) / (weight_ > 0 ? weight_ : 1);
  }
}

at::Tensor LossFunction::mean(
    const Microbatch& microbatch,
    const std::map<std::string, at::Tensor>& outputs,
    const RandomKey& key) const {
  if (graph_) {
    return (*graph_)(outputs, output_, microbatch.target, key);
  }
  return loss_->compute(
      outputs.at(output_), microbatch.target, weights_.at(microbatch.index));
}

at::Tensor LossFunction::operator()(
    const Microbatch& microbatch,
    const std::map<std::string, at::Tensor>& outputs,
    const RandomKey& key) {
  at::Tensor loss = mean(microbatch, outputs, key);
  if (loss.numel() != 1) {
    throw usage_error(
        "the loss must be one number, but '" + output_ + "' gives " +
        shape_text({loss.sizes().data(), loss.sizes().size()}));
  }
  const double share = shares_.at(microbatch.index);
  if (share != 1) {
    loss = loss.mul(share);
  }
  values_.at(microbatch.index) = loss.detach();
  return scale_ == 1 ? loss : loss.mul(scale_);
}

/// Each microbatch's part of the loss; 0 for those of other replicas.
std::vector<double> LossFunction::numbers() const {
  std::vector<double> numbers(values_.size(), 0);
  std::vector<at::Tensor> on_device;
  std::vector<size_t> places;
  for (size_t i = 0; i < values_.size(); ++i) {
    const at::Tensor& value = values_[i];
    if (value.defined() && value.device().is_cpu()) {
      numbers[i] = value.item<double>();
    } else if (value.defined()) {
      on_device.push_back(value.to(at::kDouble).reshape({1}));
      places.push_back(i);
    }
  }
  if (!on_device.empty()) {  // wait once for all of them
    const at::Tensor all = at::cat(on_device).cpu();
    for (size_t k = 0; k < places.size(); ++k) {
      numbers[places[k]] = all.const_data_ptr<double>()[k];
    }
  }
  return numbers;
}

double LossFunction::value() const {
  const std::vector<double> parts = numbers();
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

int LossFunction::first_bad() const {
  const std::vector<double> parts = numbers();
  const auto bad = std::ranges::find_if(
      parts, [](double part) { return !std::isfinite(part); });
  return bad == parts.end() ? -1 : static_cast<int>(bad - parts.begin());
}

}  // namespace pp
