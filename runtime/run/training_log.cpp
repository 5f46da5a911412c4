#include "runtime/run/training_log.h"

#include <utility>

#include "runtime/run/output_folder.h"

namespace pp {

TrainingLog::TrainingLog(
    std::filesystem::path folder,
    int64_t first_step,
    std::function<void()> begin)
    : folder_(std::move(folder)),
      first_step_(first_step),
      begin_(std::move(begin)),
      progress_(make_progress(stdout)) {}

MetricsWriter& TrainingLog::metrics() {
  if (!metrics_) {
    make_output_folder(folder_);
    begin_();
    metrics_.emplace(folder_ / "metrics.jsonl", first_step_);
  }
  return *metrics_;
}

void TrainingLog::write(const StepReport& report) {
  metrics().write(report);
  progress_->step(report);
}

void TrainingLog::write(const EvalReport& report) {
  metrics().write(report);
  progress_->eval(report);
}

}  // namespace pp
