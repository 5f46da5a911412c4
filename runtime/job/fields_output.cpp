#include <array>

#include "runtime/job/fields.h"

namespace pp {
namespace {

constexpr std::array kEvalFields = {
    field<&EvalConfig::every>(
        {.path = "eval.every",
         .default_note = "at the end only",
         .unit = "steps",
         .meaning = "Steps from one evaluation to the next.",
         .min = 1,
         .max = 1e12}),
    field<&EvalConfig::metrics>(
        {.path = "eval.metrics",
         .meaning = "Numbers to give besides the loss."})};

constexpr std::array kEvalDataFields = {
    field<&DataConfig::batch_size>(
        {.path = "eval.data.batch_size",
         .default_note = "`data.batch_size`",
         .unit = "rows",
         .meaning = "Rows per step of the evaluation.",
         .min = 1,
         .max = 1e12}),
    field<&DataConfig::drop_last>(
        {.path = "eval.data.drop_last",
         .meaning = "Leave out the last batch if it is not full."})};

constexpr std::array kOutputFields = {
    field<&OutputConfig::dir>(
        {.path = "output.dir",
         .default_note = "`runs/` and the job file's name",
         .meaning = "Folder for everything the run writes. With several "
                    "machines: one folder that all of them see, or [one "
                    "each](clusters.md#with-a-shared-folder-or-without)."}),
    field<&OutputConfig::checkpoint_every>(
        {.path = "output.checkpoint_every",
         .default_note = "at the end only",
         .unit = "steps",
         .meaning = "Steps from one checkpoint to the next.",
         .min = 1,
         .max = 1e12}),
    field<&OutputConfig::keep>(
        {.path = "output.keep",
         .unit = "checkpoints",
         .meaning = "Number of newest checkpoints to keep; 0: all.",
         .min = 0,
         .max = kLargestCount}),
    field<&OutputConfig::keep_best>(
        {.path = "output.keep_best",
         .default_note = "none",
         .meaning = "The number of the evaluations by which the best "
                    "checkpoint is chosen; it is kept beside the newest ones, "
                    "and `checkpoints/best` links to it."}),
    field<&OutputConfig::export_dtype>(
        {.path = "output.export_dtype",
         .default_note = "none",
         .meaning = "At its end, a training also writes the weights alone, the "
                    "floating-point ones in this type, to `weights/`."}),
    field<&OutputConfig::save_on_interrupt>(
        {.path = "output.save_on_interrupt",
         .meaning = "On the first SIGINT, SIGTERM or SIGHUP, training "
                    "finishes its step and saves a checkpoint before it ends; "
                    "inference writes the outputs that are finished."}),
    field<&OutputConfig::interrupt_timeout>(
        {.path = "output.interrupt_timeout",
         .unit = "seconds",
         .meaning = "Longest time that `save_on_interrupt` may take; then the "
                    "run ends at once.",
         .min = 0,
         .max = 1e6,
         .above_min = true}),
    field<&OutputConfig::trace>(
        {.path = "output.trace",
         .meaning = "Write `trace.json`, a timeline of every rank, for "
                    "Perfetto or chrome://tracing."}),
    field<&OutputConfig::save>(
        {.path = "output.save",
         .default_note = "inference: all; training: none",
         .meaning = "The outputs to write."}),
    Field<OutputConfig>{
        .key = {
            .path = "output.shard_rows",
            .default_note = "none: one file",
            .unit = "rows",
            .meaning = "Rows per file of inference outputs.",
            .min = 1,
            .supported_only = "-",
            .types = kInteger}}};

/// Reads a dimension, or the name of a rule.
void read_join(
    const toml::node& node,
    const std::filesystem::path& folder,
    OutputRule& rule) {
  if (node.is_integer()) {
    rule.join = Join::Dimension;
    rule.dimension = Codec<int64_t>::read(node, folder);
  } else {
    rule.join = Codec<Join>::read(node, folder);
  }
}

constexpr std::array kOutputRuleFields = {
    Field<OutputRule>{
        .key =
            {.path = "output.outputs.<name>.join",
             .default_note = "0; `mean` for a scalar",
             .meaning = "How microbatches are joined: along a dimension, or by "
                        "a rule. A mean is weighted by rows; `same`: all must "
                        "be equal.",
             .min = -64,
             .max = 64,
             .types = kInteger | kString,
             .choices = kEnumWords<Join>},
        .read = read_join},
    field<&OutputRule::reduce>(
        {.path = "output.outputs.<name>.reduce",
         .default_note = "none",
         .meaning = "What to keep of each microbatch: the index of the largest "
                    "entry along the last dimension, or the last entry along "
                    "dimension 1."})};

}  // namespace

std::span<const Field<EvalConfig>> eval_fields() {
  return kEvalFields;
}

std::span<const Field<DataConfig>> eval_data_fields() {
  return kEvalDataFields;
}

std::span<const Field<OutputConfig>> output_fields() {
  return kOutputFields;
}

std::span<const Field<OutputRule>> output_rule_fields() {
  return kOutputRuleFields;
}

}  // namespace pp
