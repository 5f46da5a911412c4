#include "runtime/training/trainer.h"

#include <chrono>
#include <optional>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/archive/mapping_table.h"
#include "loader/core/count_text.h"
#include "loader/core/seconds_since.h"
#include "runtime/rank/agree.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"
#include "runtime/training/evaluation.h"
#include "runtime/training/fault_reports.h"
#include "runtime/training/load_weights.h"
#include "runtime/training/step_runner.h"
#include "runtime/training/training_checkpoints.h"
#include "runtime/training/training_output.h"

namespace pp {

namespace {

RankStages build_stages(const Plan& plan, const RankContext& pipeline) {
  RankStages stages(
      plan.source,
      stages_of(plan.train_schedule.stage_to_rank, pipeline.rank),
      stage_options(plan, device_of(pipeline)));
  stages.freeze(plan.train->freeze);
  use_graphs(plan.execution, pipeline, stages);
  return stages;
}

std::optional<SavedOutputs> outputs_to_save(
    const Plan& plan, const std::filesystem::path& path, int pipeline_rank) {
  std::optional<SavedOutputs> outputs;
  if (!plan.saved_outputs.empty() &&
      owns_last_stage(plan.train_schedule.stage_to_rank, pipeline_rank)) {
    outputs.emplace(path, plan.output.outputs, plan.saved_outputs);
  }
  return outputs;
}

bool is_due(const std::optional<int64_t>& every, int64_t num_steps) {
  return every && *every > 0 && num_steps % *every == 0;
}

/// One rank's training: the loop over steps, and when to evaluate and save.
class Trainer {
 public:
  Trainer(
      const Plan& plan, RankContext& context, const TrainingOptions& options)
      : plan_(plan),
        options_(options),
        ranks_(plan.mesh, context),
        trace_(ranks_.world, ranks_.replicas.rank, plan.output.trace),
        stages_(build_stages(plan, ranks_.pipeline)),
        replicas_(ranks_.replicas, stages_.stages(), plan.shards_optimizer),
        data_(plan, training_loader_options(plan, ranks_, stages_)),
        num_steps_(data_.num_updates(log_of_first_rank())),
        updates_(
            *plan.train,
            replicas_,
            [this](int stage) {
              return stages_.stages().at(stage).keeps_gradients();
            }),
        outputs_(outputs_to_save(plan, outputs_path(), ranks_.pipeline.rank)),
        steps_(
            {plan,
             ranks_,
             trace_,
             stages_,
             replicas_,
             data_,
             updates_,
             outputs_ ? &*outputs_ : nullptr,
             options.save_and_stop},
            num_steps_),
        checkpoints_(plan, ranks_, stages_, replicas_, updates_),
        faults_(plan.train->on_nan, log_of_first_rank()) {
    if (plan.eval) {
      evaluation_.emplace(
          plan,
          ranks_,
          stages_,
          training_loader_options(plan, ranks_, stages_));
    }
  }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  ~Trainer() { stop(); }

  void run() {
    const int64_t first = start(options_.point);
    if (num_steps_ == 0 && evaluation_) {
      return evaluate_only(first);
    }
    if (evaluation_ && first < num_steps_) {
      evaluation_->check_padding();
    }
    if (options_.on_training) {
      options_.on_training();
    }
    bool stopped = evaluation_is_missing(first) && !evaluate(first);
    for (int64_t step = first; !stopped && step < num_steps_; ++step) {
      const bool stop = run_step(step);
      const int64_t done = step + 1;
      const bool is_last = done == num_steps_;
      stopped = stop && !is_last;
      if (stopped) {
        save(done, true);
        break;
      }
      note_saved(checkpoints_.poll());
      // Before an evaluation, which may fail.
      if (is_last || is_due(plan_.output.checkpoint_every, done)) {
        save(done, is_last && !evaluation_);
      }
      if (evaluates_after(done) && !evaluate(done)) {
        stopped = true;
        if (saved_at_ != done) {
          save(done, true);
        }
        break;
      }
    }
    finish(
        first < num_steps_ ? std::optional(plan_.output.dir / "trace.json")
                           : std::nullopt);
    if (stopped) {
      end_interrupted();
    }
  }

  /// Ends the threads that work beside the loop, in an order that matters:
  ///
  /// 1. The checkpoint thread, while the job's store and transports are still
  ///    there and all members exist: it writes tensors of the stages and
  ///    optimizers, and a save under way is finished if it can be.
  /// 2. The thread that reads data ahead.
  ///
  /// After a failure it is called once the failure was reported, since a rank
  /// may wait here for its disk while the others still wait for this rank.
  void stop() noexcept {
    const auto saved = checkpoints_.leave();
    try {
      note_saved(saved);
    } catch (const std::exception&) {
      // The failure that brought us here is the one to report.
    }
    data_.stop();
  }

 private:
  RankContext& world() { return ranks_.world; }
  bool is_first_rank() const { return ranks_.world.rank == 0; }
  Log log_of_first_rank() const {
    return is_first_rank() ? ranks_.world.log : Log(LogLevel::Error);
  }

  std::filesystem::path outputs_path() const {
    return plan_.output.dir / "outputs.safetensors";
  }

  /// Loads what the run begins with. Returns the number of updates already
  /// done.
  int64_t start(const ResumePoint& point) {
    agree(world(), "data", {{"data", data_.order_text()}});
    const auto resumed = checkpoints_.resume(point, data_.order_text());
    const int64_t done = resumed ? resumed->num_steps : 0;
    first_step_ = done;
    if (resumed) {
      last_checkpoint_ = resumed->path;
      saved_at_ = done;
      faults_.resume(resumed->first_bad);
    }
    if (!resumed && plan_.initial_weights) {
      load_weights(world(), *plan_.initial_weights, stages_);
    }
    for (const std::string& line : stages_.notes()) {
      if (is_first_rank()) {
        world().log.warning(line);
      }
    }
    output_.emplace(
        plan_.output,
        world(),
        TrainingOutput::Start{
            done + 1,
            resumed.has_value(),
            checkpoints_.leads_folder(),
            options_.overwrite});
    if (resumed) {
      output_->note(
          "resuming from " + resumed->path.string() +
          (num_steps_ == 0 ? "" : rest_text(done)));
    }
    if (resumed && is_first_rank() && done < num_steps_) {
      const std::string text = changed_rates(
          plan_.train->lr_schedule, updates_.base_lr(), *resumed, num_steps_);
      if (!text.empty()) {
        world().log.warning(text);
      }
    }
    return done;
  }

  /// Says that a resumed run has no step left; empty if it has.
  std::string rest_text(int64_t done) const {
    return done < num_steps_
               ? ""
               : "; the job's " + count_text(num_steps_, "step", "steps") +
                     (num_steps_ == 1 ? " is" : " are") +
                     " done, so nothing is left to train";
  }

  bool evaluates_after(int64_t done) const {
    return evaluation_ &&
           (done == num_steps_ || is_due(plan_.eval->every, done));
  }

  /// Returns whether a rank was asked to save and stop.
  bool run_step(int64_t step) {
    const StepOutcome outcome = steps_.run(step);
    if (outcome.dropped && is_first_rank()) {
      world().log.info(
          "step " + std::to_string(step + 1) +
          ": the gradients overflow at a loss scale of " +
          std::to_string(static_cast<int64_t>(outcome.loss_scale)) +
          "; their update is left out");
    }
    faults_.note(step + 1, outcome);
    const bool ends = ends_run(outcome.fault, plan_.train->on_nan);
    // A run that fails in its first step leaves an earlier run's files alone.
    if (is_first_rank() && !(ends && step == first_step_)) {
      output_->write(report_of(outcome, step + 1, num_steps_));
    }
    if (ends) {
      end_faulty(step + 1, outcome);
    }
    output_->begin();
    return outcome.summary.stop;
  }

  /// Ends a run whose step went wrong, once what was saved before is on disk.
  /// All ranks end with one error: there is no rank to blame.
  [[noreturn]] void end_faulty(int64_t step, const StepOutcome& outcome) {
    note_saved(checkpoints_.finish());
    Cause cause;
    cause.message = broadcast_text(
        world(), FaultReports::end_text(step, outcome, last_checkpoint_));
    throw JobFailed(cause);
  }

  /// Returns whether the evaluation is complete; false after a request to stop.
  bool evaluate(int64_t done) {
    const auto report = run_evaluation(done);
    if (report && is_first_rank()) {
      output_->write(*report);
    }
    return report.has_value();
  }

  /// Whether this run continues from a checkpoint after which an earlier run
  /// was to evaluate, but ended before it had the result.
  bool evaluation_is_missing(int64_t done) {
    if (saved_at_ != done || !evaluates_after(done)) {
      return false;
    }
    const bool is_missing = is_first_rank() && !output_->has_evaluation(done);
    return !broadcast_text(world(), is_missing ? "missing" : "").empty();
  }

  /// The whole job of `train.steps = 0`.
  void evaluate_only(int64_t done) {
    const auto report = run_evaluation(done);
    if (!report) {
      end_interrupted();
    }
    if (is_first_rank()) {
      output_->write_evaluation(*report);
      output_->note("wrote " + output_->evaluation_path().string());
    }
    // A file of its own: trace.json stays the trace of the training.
    finish(plan_.output.dir / "eval_trace.json");
  }

  /// The report is complete on rank 0; nullopt on all ranks after a request to
  /// stop. An evaluation changes nothing, so one that gives no number is no
  /// reason to end a run.
  std::optional<EvalReport> run_evaluation(int64_t done) {
    const auto start = std::chrono::steady_clock::now();
    trace_.begin("evaluate");
    const Evaluation::Result result = evaluation_->run(options_.save_and_stop);
    trace_.end();
    if (result.ended_early) {
      return std::nullopt;
    }
    check_mapped_files(world().log);
    if (!result.problem.empty()) {
      world().log.warning(
          "evaluation at step " + std::to_string(done) + ": " + result.problem);
    }
    return EvalReport{done, result.loss, seconds_since(start)};
  }

  /// Ends a run that was asked to stop, once it is saved on all ranks: the
  /// first rank to throw interrupts the others.
  [[noreturn]] void end_interrupted() {
    barrier(world());
    Cause cause;
    cause.message = "interrupted";
    cause.interrupted = true;
    throw JobFailed(cause);
  }

  /// is_last  whether nothing changes the model afterwards
  void save(int64_t done, bool is_last) {
    check_mapped_files(world().log);
    trace_.begin("checkpoint");
    saved_at_ = done;
    checkpoints_.save(
        {done,
         num_steps_,
         data_.position_after(done),
         is_last,
         faults_.first_bad_update()});
    trace_.end();
  }

  /// trace_file  none: there was nothing to do, so an earlier run's trace and
  ///             outputs stay
  void finish(const std::optional<std::filesystem::path>& trace_file) {
    note_saved(checkpoints_.finish());
    faults_.finish();
    steps_.report_memory(world().log);
    if (trace_file) {
      if (const auto path = trace_.finish(*trace_file)) {
        output_->note("wrote " + path->string());
      }
    }
    if (!plan_.saved_outputs.empty() && trace_file && num_steps_ > 0) {
      if (outputs_) {
        outputs_->finish();
      }
      barrier_for_disk(world());
      output_->note("wrote " + outputs_path().string());
    }
    output_->finish();
  }

  void note_saved(const std::vector<std::filesystem::path>& paths) {
    for (const std::filesystem::path& path : paths) {
      output_->note("saved " + path.string());
      last_checkpoint_ = path;
    }
  }

  const Plan& plan_;
  const TrainingOptions& options_;
  MeshRank ranks_;
  RunTrace trace_;
  RankStages stages_;
  Replicas replicas_;
  TrainingData data_;
  int64_t num_steps_;  ///< updates in the whole run
  Updates updates_;
  std::optional<SavedOutputs> outputs_;  ///< nullopt if this rank saves none
  StepRunner steps_;
  TrainingCheckpoints checkpoints_;
  std::optional<Evaluation> evaluation_;
  std::optional<TrainingOutput> output_;  ///< from the start of the run
  FaultReports faults_;
  int64_t first_step_ = 0;  ///< first step of this run, counted from 0
  int64_t saved_at_ = -1;   ///< number of updates at the last save()
  std::optional<std::filesystem::path> last_checkpoint_;  ///< on rank 0
};

}  // namespace

void train(
    const Plan& plan, RankContext& context, const TrainingOptions& options) {
  Trainer trainer(plan, context, options);
  try {
    trainer.run();
  } catch (...) {
    context.report_failure(std::current_exception());
    trainer.stop();
    throw;
  }
}

}  // namespace pp
