#include "runtime/run/training_log.h"

#include <utility>

#include "runtime/run/output_folder.h"
#include "runtime/train/checkpoint.h"

namespace pp {

TrainingLog::TrainingLog(
    std::filesystem::path folder,
    int64_t first_step,
    bool resumed,
    int keep,
    Log log)
    : folder_(std::move(folder)),
      first_step_(first_step),
      resumed_(resumed),
      keep_(keep),
      log_(std::move(log)),
      progress_(make_progress(stdout)) {}

MetricsWriter& TrainingLog::metrics() {
  if (!metrics_) {
    make_output_folder(folder_);
    if (!resumed_) {
      if (const auto aside =
              set_aside_checkpoints(folder_ / "checkpoints", keep_)) {
        log_.warning(
            (folder_ / "checkpoints").string() +
            " held an earlier run's checkpoints: they are now in " +
            aside->string());
      }
    }
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
