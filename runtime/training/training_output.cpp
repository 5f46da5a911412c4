#include "runtime/training/training_output.h"

#include "loader/archive/atomic_file.h"
#include "loader/archive/folders.h"
#include "runtime/checkpoint/resume.h"

namespace pp {

TrainingOutput::TrainingOutput(
    const OutputConfig& config, const RankContext& world, const Start& start)
    : config_(config), world_(world), start_(start), begun_(start.resumed) {
  if (world.rank == 0) {
    progress_ = make_progress(stdout);
  }
}

void TrainingOutput::begin() {
  if (!begun_ && start_.leads_folder) {
    make_way_for_run(config_, start_.overwrite, world_.log);
  }
  begun_ = true;
}

MetricsWriter& TrainingOutput::metrics() {
  if (!metrics_) {
    make_output_folder(config_.dir);
    begin();
    metrics_.emplace(config_.dir / "metrics.jsonl", start_.step);
  }
  return *metrics_;
}

void TrainingOutput::write(const StepReport& report) {
  metrics().write(report);
  progress_->step(report);
}

void TrainingOutput::write(const EvalReport& report) {
  metrics().write(report);
  progress_->eval(report);
}

std::vector<EvalReport> TrainingOutput::evaluations(int64_t last_step) const {
  return read_evaluations(config_.dir / "metrics.jsonl", last_step);
}

void TrainingOutput::write_evaluation(const EvalReport& report) {
  make_output_folder(config_.dir);
  write_file(evaluation_path(), metrics_line(report) + "\n");
  progress_->eval(report);
}

void TrainingOutput::note(const std::string& line) {
  if (progress_) {
    progress_->note(line);
  }
}

void TrainingOutput::finish() {
  if (progress_) {
    progress_->finish();
  }
}

}  // namespace pp
