#include "runtime/training/trainer.h"

#include <optional>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/archive/mapping_table.h"
#include "runtime/rank/agree.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"
#include "runtime/training/fault_reports.h"
#include "runtime/training/load_weights.h"
#include "runtime/training/step_runner.h"
#include "runtime/training/training_checkpoints.h"
#include "runtime/training/training_evaluations.h"
#include "runtime/training/training_output.h"
#include "runtime/training/training_parts.h"

namespace pp {

namespace {

/// Why the loop over steps ends before the last one.
enum class EarlyReason { None, Interrupted, TimeUp, NoImprovement };

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
          plan, ranks_, stages_, updates_, trace_, options.save_and_stop);
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
    EarlyReason reason = resume_evaluations(first);
    for (int64_t step = first; reason == EarlyReason::None && step < num_steps_;
         ++step) {
      reason = run_update(step);
    }
    if (plan_.output.export_dtype && reason != EarlyReason::Interrupted) {
      export_weights(*plan_.output.export_dtype);
    }
    finish(
        first < num_steps_ ? std::optional(plan_.output.dir / "trace.json")
                           : std::nullopt);
    if (reason == EarlyReason::Interrupted) {
      end_interrupted();
    }
    note_early_end(reason);
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
          rest_text(done, num_steps_));
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

  bool checkpoint_is_due(int64_t done) const {
    const auto& every = plan_.output.checkpoint_every;
    return every && done % *every == 0;
  }

  /// Runs one step, and saves and evaluates if it is time to.
  EarlyReason run_update(int64_t step) {
    const StepOutcome outcome = run_step(step);
    const int64_t done = step + 1;
    const bool is_last = done == num_steps_;
    if (!is_last && (outcome.summary.stop || outcome.summary.time_is_up)) {
      save(done, true);
      return outcome.summary.stop ? EarlyReason::Interrupted
                                  : EarlyReason::TimeUp;
    }
    note_saved(checkpoints_.poll());
    // Before an evaluation, which may fail.
    if (is_last || checkpoint_is_due(done)) {
      save(done, is_last && !evaluation_);
    }
    const EarlyReason reason =
        evaluation_ && evaluation_->are_due(done, num_steps_)
            ? evaluate(done)
            : EarlyReason::None;
    if (reason != EarlyReason::None && saved_at_ != done) {
      save(done, true);
    }
    return reason;
  }

  StepOutcome run_step(int64_t step) {
    StepOutcome outcome = steps_.run(step);
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
    return outcome;
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

  /// Evaluates, and keeps the checkpoint if it is the best one.
  EarlyReason evaluate(int64_t done) {
    const auto report = evaluation_->run(done);
    if (!report) {
      return EarlyReason::Interrupted;
    }
    if (is_first_rank()) {
      output_->write(*report);
    }
    const auto verdict = evaluation_->judge(*report);
    if (verdict.is_best) {
      if (saved_at_ != done) {
        save(done, false);
      }
      note_saved(checkpoints_.finish());
      checkpoints_.set_best(done);
      output_->note("step_" + std::to_string(done) + " is the best checkpoint");
    }
    return verdict.ends_training && done < num_steps_
               ? EarlyReason::NoImprovement
               : EarlyReason::None;
  }

  /// Takes up the evaluations of the run that this one continues, and makes up
  /// for the last one if that run ended before it had the result.
  EarlyReason resume_evaluations(int64_t done) {
    if (saved_at_ != done || !evaluation_) {
      return EarlyReason::None;  // a new run
    }
    const auto resumed = evaluation_->resume(
        is_first_rank() ? output_->evaluations(done)
                        : std::vector<EvalReport>(),
        done,
        num_steps_);
    if (plan_.output.keep_best) {
      checkpoints_.set_best(resumed.best_step);
    }
    if (resumed.is_missing) {
      return evaluate(done);
    }
    return resumed.ends_training ? EarlyReason::NoImprovement
                                 : EarlyReason::None;
  }

  void note_early_end(EarlyReason reason) {
    if (!is_first_rank() || reason == EarlyReason::None) {
      return;
    }
    output_->note(
        "ended after step " + std::to_string(saved_at_) + " of " +
        std::to_string(num_steps_) + ": " +
        (reason == EarlyReason::TimeUp
             ? "train.max_time is over; --resume continues"
             : evaluation_->stop_text() + " (train.early_stop)"));
  }

  /// The whole job of `train.steps = 0`.
  void evaluate_only(int64_t done) {
    const auto report = evaluation_->run(done);
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

  /// Writes the weights alone: the averages, if the job keeps them.
  void export_weights(ExportDtype dtype) {
    note_saved(checkpoints_.finish());  // which reads the same tensors
    updates_.use_averages();
    const auto folder = checkpoints_.export_weights(dtype);
    updates_.use_parameters();
    output_->note("wrote " + folder.string());
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
  std::optional<TrainingEvaluations> evaluation_;
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
