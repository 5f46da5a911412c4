#include <array>

#include "runtime/job/fields.h"

namespace pp {
namespace {

inline constexpr std::string_view kAuto = "auto";

/// Reads a schedule's name, or the path of a file.
void read_schedule(
    const toml::node& node,
    const std::filesystem::path& folder,
    PipelineConfig& pipeline) {
  pipeline.schedule = Codec<std::string>::read(node, folder);
  if (pipeline.schedule.ends_with(".csv")) {
    pipeline.schedule =
        Codec<std::filesystem::path>::read(node, folder).string();
  }
}

constexpr std::array kPipelineFields = {
    Field<PipelineConfig>{
        .key =
            {.path = "pipeline.schedule",
             .meaning =
                 "A name from `pp schedule --list` (upper and lower case "
                 "are equal), or the path of a `.csv`.",
             .types = kString},
        .read = read_schedule,
        .default_value =
            [] { return Codec<std::string>::text(PipelineConfig{}.schedule); }},
    field<&PipelineConfig::microbatches>(
        {.path = "pipeline.microbatches",
         .default_note = "fixed-batch export: `batch_size` / its batch; else 1",
         .meaning = "Microbatches per step.",
         .min = 1,
         .max = kLargestCount}),
    field<&PipelineConfig::ranks>(
        {.path = "pipeline.ranks",
         .default_note = "stages / `stages_per_rank`; under `env`, WORLD_SIZE",
         .meaning = "Ranks of the pipeline.",
         .min = 1,
         .max = kLargestCount}),
    field<&PipelineConfig::stages_per_rank>(
        {.path = "pipeline.stages_per_rank",
         .default_note = "the schedule's own",
         .meaning = "Stages that each rank owns. If the split has more stages, "
                    "neighbours run as one.",
         .min = 1,
         .max = kLargestCount}),
    field<&PipelineConfig::rank_map>(
        {.path = "pipeline.rank_map",
         .default_note = "the schedule's own",
         .meaning = "The rank of each stage: renumbers the schedule's ranks.",
         .min = 0,
         .max = kLargestCount}),
    field_or<&PipelineConfig::launcher, kAuto>(
        {.path = "pipeline.launcher",
         .meaning = "Ranks are threads (`local`), processes that `pp` starts "
                    "(`processes`), or processes that torchrun, Slurm or Open "
                    "MPI started (`env`). `auto`: `env` if one of these "
                    "started `pp`, else `local`."}),
    field<&PipelineConfig::transport>(
        {.path = "pipeline.transport",
         .meaning = "How messages travel between ranks that are processes. "
                    "`auto`: shared memory within a host, Gloo (TCP) between "
                    "hosts. `gloo`: Gloo everywhere."}),
    field<&PipelineConfig::threads_per_rank>(
        {.path = "pipeline.threads_per_rank",
         .unit = "threads",
         .meaning = "Threads that one rank's operators use; changes the last "
                    "bits of results.",
         .min = 1,
         .max = 1024}),
    field<&PipelineConfig::device>(
        {.path = "pipeline.device",
         .meaning = "Where the ranks compute. `cuda`: each host's ranks are "
                    "assigned to its GPUs in turn; `cuda:N`: all use that "
                    "one. See [cuda.md](cuda.md)."}),
    field<&PipelineConfig::cuda_graphs>(
        {.path = "pipeline.cuda_graphs",
         .meaning = "Capture the stages' passes as CUDA graphs and replay "
                    "them. See [cuda.md](cuda.md)."}),
    field<&PipelineConfig::stall_timeout>(
        {.path = "pipeline.stall_timeout",
         .unit = "seconds",
         .meaning = "A rank that makes no progress for this long has failed.",
         .min = 0,
         .max = 1e6,
         .above_min = true}),
    field<&PipelineConfig::recompute>(
        {.path = "pipeline.recompute",
         .meaning = "Modules (patterns) whose forward runs again in the "
                    "backward, to save memory; `true`: whole stages."})};

constexpr std::array kParallelFields = {
    field<&ParallelConfig::replicas>(
        {.path = "parallel.replicas",
         .meaning = "Copies of the pipeline that share each step's rows.",
         .min = 1,
         .max = kLargestCount}),
    field<&ParallelConfig::zero>(
        {.path = "parallel.zero",
         .meaning = "What is sharded over replicas. 0: nothing; 1: the "
                    "optimizer state; 2 and 3 are not yet supported.",
         .min = 0,
         .max = 3}),
    Field<ParallelConfig>{
        .key =
            {.path = "parallel.tensor",
             .meaning = "Ranks that share one stage's operators.",
             .min = 1,
             .max = kLargestCount,
             .supported_only = "1",
             .types = kInteger},
        .default_value = [] { return std::string("1"); }},
    field<&ParallelConfig::order>(
        {.path = "parallel.order",
         .meaning = "Order of the mesh's dimensions, fastest first."})};

}  // namespace

std::span<const Field<PipelineConfig>> pipeline_fields() {
  return kPipelineFields;
}

std::span<const Field<ParallelConfig>> parallel_fields() {
  return kParallelFields;
}

}  // namespace pp
