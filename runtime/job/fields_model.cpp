#include <array>

#include "runtime/job/fields.h"

namespace pp {
namespace {

/// Reads a directory, or a list of files.
void read_stages(
    const toml::node& node,
    const std::filesystem::path& folder,
    ModelConfig& model) {
  if (node.is_array()) {
    model.stage_files =
        Codec<std::vector<std::filesystem::path>>::read(node, folder);
  } else {
    model.stages = Codec<std::filesystem::path>::read(node, folder);
  }
}

/// Reads a folder, or the word `latest`, which set_output() replaces by a
/// folder once the output folder is known.
void read_checkpoint(
    const toml::node& node,
    const std::filesystem::path& folder,
    ModelConfig& model) {
  model.checkpoint = node.value<std::string>() == kLatest
                         ? std::filesystem::path(kLatest)
                         : Codec<std::filesystem::path>::read(node, folder);
}

constexpr std::array kModelFields = {
    field<&ModelConfig::path>(
        {.path = "model.path",
         .default_note = "one of `path` and `stages` is required",
         .meaning = "Saved full model: `.pt2`, or TorchScript `.pt`."}),
    Field<ModelConfig>{
        .key =
            {.path = "model.stages",
             .default_note = "one of `path` and `stages` is required",
             .meaning = "Stage directory that `pp split` wrote, or the files "
                        "of stages exported by hand, in order.",
             .types = kString | kStringList},
        .read = read_stages},
    field<&ModelConfig::mode>(
        {.path = "model.mode",
         .meaning = "Training flags of dropout and batch-norm: as exported, "
                    "all on, or all off. If `path` is TorchScript, this "
                    "also decides which branches on `self.training` run."}),
    field<&ModelConfig::weights>(
        {.path = "model.weights",
         .default_note = "none",
         .meaning = "Safetensors files that replace the model's parameters "
                    "and buffers, by FQN; `*` and `?` in the last part of "
                    "the path match several files. Or the folder of a model "
                    "of `transformers`."}),
    Field<ModelConfig>{
        .key =
            {.path = "model.checkpoint",
             .default_note = "none",
             .meaning = "Where to load the initial weights from: a checkpoint "
                        "folder `step_N`; a run's folder, for its newest "
                        "checkpoint; or `latest`, for the newest one in "
                        "`output.dir`.",
             .types = kString},
        .read = read_checkpoint}};

constexpr std::array kSplitFields = {
    field<&SplitSpec::at>(
        {.path = "split.at",
         .default_note = "none",
         .meaning = "Split points: `FQN` cuts before the module, `FQN:end` "
                    "after it."}),
    field<&SplitSpec::num_stages>(
        {.path = "split.stages",
         .default_note = "none",
         .meaning = "Number of stages; the cuts are chosen by `balance`.",
         .min = 1,
         .max = kLargestCount}),
    field<&SplitSpec::balance>(
        {.path = "split.balance",
         .meaning = "Quantity that `stages` balances; `time` is measured "
                    "first."}),
    field<&SplitSpec::markers>(
        {.path = "split.markers",
         .meaning = "Cut where the model calls `pipe_split()`."}),
    field<&SplitSpec::tied>(
        {.path = "split.tied",
         .meaning = "How stages share a parameter: each holds a copy and the "
                    "gradients are summed, or one stage sends it to the "
                    "others."})};

}  // namespace

std::span<const Field<ModelConfig>> model_fields() {
  return kModelFields;
}

std::span<const Field<SplitSpec>> split_fields() {
  return kSplitFields;
}

}  // namespace pp
