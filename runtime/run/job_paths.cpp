#include "runtime/run/job_paths.h"

#include <string>

namespace pp {

namespace {

void add(const std::filesystem::path& path, SandboxRules& rules) {
  if (!path.empty()) {
    rules.reads.push_back(place_of(path));
  }
}

void add(const SourceConfig& source, SandboxRules& rules) {
  add(source.path, rules);
  add(source.lengths, rules);
}

void add(const DataConfig& data, SandboxRules& rules) {
  for (const auto& [name, source] : data.inputs) {
    add(source, rules);
  }
  if (data.target) {
    add(*data.target, rules);
  }
}

}  // namespace

std::filesystem::path place_of(const std::filesystem::path& path) {
  return path.filename().string().find_first_of("*?") == std::string::npos
             ? path
             : path.parent_path();
}

SandboxRules paths_of(const Job& job) {
  SandboxRules rules;
  add(job.model.path, rules);
  add(job.model.stages, rules);
  for (const std::filesystem::path& file : job.model.stage_files) {
    add(file, rules);
  }
  add(job.model.weights.value_or(std::filesystem::path()), rules);
  add(job.model.checkpoint.value_or(std::filesystem::path()), rules);
  if (job.pipeline.schedule.ends_with(".csv")) {
    add(std::filesystem::path(job.pipeline.schedule), rules);
  }
  add(job.data, rules);
  if (job.train) {
    add(job.train->loss.path, rules);
    add(job.train->loss.weights.path, rules);
  }
  if (job.eval) {
    add(job.eval->data, rules);
  }
  rules.writes.push_back(job.output.dir);
  return rules;
}

}  // namespace pp
