#include "runtime/run/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <memory>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "loader/core/error.h"
#include "loader/core/seconds_since.h"
#include "runtime/data/data_loader.h"
#include "runtime/data/prefetch.h"
#include "runtime/executor/executor.h"
#include "runtime/launch/agree.h"
#include "runtime/launch/collectives.h"
#include "runtime/launch/failure.h"
#include "runtime/run/checkpoints.h"
#include "runtime/run/counted.h"
#include "runtime/run/device_watch.h"
#include "runtime/run/evaluate.h"
#include "runtime/run/failed_rows.h"
#include "runtime/run/find_checkpoint.h"
#include "runtime/run/gradients.h"
#include "runtime/run/kept_outputs.h"
#include "runtime/run/loss_function.h"
#include "runtime/run/mesh.h"
#include "runtime/run/rank_stages.h"
#include "runtime/run/replicas.h"
#include "runtime/run/run_trace.h"
#include "runtime/run/shared_folder.h"
#include "runtime/run/specs.h"
#include "runtime/run/training_log.h"
#include "runtime/run/updates.h"
#include "runtime/train/lr_schedule.h"

namespace pp {

namespace {

using Clock = std::chrono::steady_clock;

class Trainer {
 public:
  Trainer(const Plan& plan, RankContext& context)
      : plan_(plan),
        job_(plan.job),
        ranks_(plan.mesh, context),
        trace_(ranks_.world, ranks_.replicas.rank, plan.job.output.trace),
        stage_to_rank_(plan.train_schedule.stage_to_rank),
        stages_(build_stages(plan, ranks_.pipeline)),
        replicas_(ranks_.replicas, stages_.stages(), job_.parallel.zero == 1),
        data_(job_.data, loader_options()),
        rows_([this](int64_t step) { return data_.step(step); }, num_batches()),
        loss_(job_.train->loss, plan.loss_output, device_of(context)),
        executor_(ranks_.pipeline, plan.train_schedule, stages_.pointers()),
        updates_(
            *job_.train,
            replicas_,
            [this](int stage) {
              return stages_.stages().at(stage).keeps_gradients();
            }),
        sharing_(sharing_of_checkpoints()),
        saver_(
            ranks_.world,
            checkpoint_folder(job_),
            sharing_,
            plan.num_stages()) {
    use_graphs(job_, ranks_.pipeline, stages_);
    if (context.device != nullptr) {
      device_watch_.emplace(*context.device, stages_.stages());
    }
    total_steps_ = job_.train->steps.value_or(updates_of_epochs());
    check_lr_schedule(
        lr_spec(job_.train->lr_schedule), updates_.base_lr(), total_steps_);
    if (job_.eval) {
      DataLoaderOptions options = loader_options();
      options.plan = plan.eval_batch;
      options.keep_short_batch = true;
      eval_data_.emplace(job_.eval->data, std::move(options));
      eval_executor_.emplace(
          ranks_.pipeline, plan.forward_schedule, stages_.pointers());
    }
  }

  void run(const ResumePoint& point) {
    agree(world(), "data", {{"data", data_.order_text()}});
    const auto contract = resume_contract(job_, data_.order_text());
    int64_t first = 0;
    auto resumed_from =
        checkpoint_to_resume(world(), checkpoint_folder(job_), sharing_, point);
    if (resumed_from) {
      const CheckpointState state = load_checkpoint(
          *resumed_from, contract, stages_, updates_.optimizers(), replicas_);
      first = state.step;
      updates_.load(state);
    } else if (job_.model.checkpoint) {
      load_weights(world(), *job_.model.checkpoint, stages_);
    }
    begun_ = resumed_from.has_value();
    if (world().rank == 0) {
      for (const std::string& line : stages_.notes()) {
        world().log.warning(line);
      }
      log_.emplace(job_.output.dir, first + 1, [this] { begin_output(); });
    }
    if (resumed_from) {
      note(
          "resuming from " + resumed_from->path().string() +
          (first < total_steps_
               ? ""
               : ", the last of " + std::to_string(total_steps_) +
                     " steps: nothing to do"));
    }
    if (owns_last_stage() && !plan_.saved_outputs.empty()) {
      kept_.emplace(outputs_path(), job_.output.outputs, plan_.saved_outputs);
    }
    if (total_steps_ == 0 && job_.eval) {
      run_eval(first);
    }
    for (int64_t step = first; step < total_steps_; ++step) {
      one_step(step);
      begin_output();
      const int64_t done = step + 1;
      const bool is_last = done == total_steps_;
      if (job_.eval && (is_last || is_due(job_.eval->every, done))) {
        run_eval(done);
      }
      note_saved(saver_.poll());
      if (is_last || is_due(job_.output.checkpoint_every, done)) {
        save(done, contract);
      }
    }
    note_saved(saver_.finish());
    if (device_watch_) {
      device_watch_->report(world().log);
    }
    if (const auto path = trace_.finish(job_.output.dir)) {
      note("wrote " + path->string());
    }
    if (!plan_.saved_outputs.empty() && first < total_steps_) {
      if (kept_) {
        kept_->finish();
      }
      barrier(world());
      note("wrote " + outputs_path().string());
    }
    if (log_) {
      log_->finish();
    }
  }

  /// After a failure: what was being saved is, if it can be.
  void leave() { note_saved(saver_.leave()); }

 private:
  static RankStages build_stages(
      const Plan& plan, const RankContext& pipeline) {
    RankStages stages(
        plan.source,
        stages_of(plan.train_schedule.stage_to_rank, pipeline.rank),
        stage_options(plan, device_of(pipeline)));
    stages.freeze(plan.job.train->freeze);
    return stages;
  }

  RankContext& world() { return ranks_.world; }

  FolderSharing sharing_of_checkpoints() {
    return world().launcher == LauncherKind::Local
               ? FolderSharing::all_in_one(world().size)
               : find_sharing(world(), checkpoint_folder(job_));
  }

  /// Once something is known to have gone well: the folder is this run's.
  void begin_output() {
    if (!begun_ && sharing_.leads(world().rank)) {
      set_earlier_run_aside(job_, world().log);
    }
    begun_ = true;
  }

  std::filesystem::path outputs_path() const {
    return job_.output.dir / "outputs.safetensors";
  }

  static bool is_due(const std::optional<int64_t>& every, int64_t done) {
    return every && *every > 0 && done % *every == 0;
  }

  /// Of the whole run.
  int64_t num_batches() const {
    return job_.train->steps ? *job_.train->steps * job_.train->accumulate
                             : *job_.train->epochs * data_.steps_per_epoch();
  }

  int64_t updates_of_epochs() {
    const int64_t batches =
        job_.train->epochs.value_or(1) * data_.steps_per_epoch();
    const int64_t parts = job_.train->accumulate;
    if (batches < parts) {
      throw usage_error(
          "train.accumulate is " + std::to_string(parts) +
          ", but the run has " + counted(batches, "batch", "batches"));
    }
    if (batches % parts != 0 && world().rank == 0) {
      world().log.warning(
          counted(batches % parts, "batch", "batches") +
          " at the end of the run make no whole update (train.accumulate = " +
          std::to_string(parts) + ") and are left out");
    }
    return batches / parts;
  }

  DataLoaderOptions loader_options() {
    DataLoaderOptions options;
    options.plan = plan_.batch;
    options.inputs = plan_.inputs;
    options.wanted = stages_.user_inputs();
    options.wants_target = owns_last_stage();
    options.seed = job_.seed();
    options.replica = ranks_.replicas.rank;
    options.log = world().rank == 0 ? world().log : Log(LogLevel::Error);
    return options;
  }

  bool owns_last_stage() const {
    return stage_to_rank_.back() == ranks_.pipeline.rank;
  }

  /// What an update sees: `accumulate` batches, as if they were one.
  StepData batch_of(int64_t step) {
    const int64_t parts = job_.train->accumulate;
    std::vector<Microbatch> all;
    for (int64_t part = 0; part < parts; ++part) {
      for (Microbatch& microbatch : rows_.take(step * parts + part)) {
        microbatch.index = static_cast<int>(all.size());
        all.push_back(std::move(microbatch));
      }
    }
    return StepData(std::move(all), world().device);
  }

  /// Of the data, in the order of batch_of().
  std::vector<int64_t> rows_of(int64_t step) const {
    const int64_t parts = job_.train->accumulate;
    std::vector<int64_t> rows;
    for (int64_t part = 0; part < parts; ++part) {
      std::ranges::copy(
          data_.rows(step * parts + part), std::back_inserter(rows));
    }
    return rows;
  }

  /// One run of the pipeline, over the microbatches from `first` on.
  /// is_last  of the update: then the gradients are complete
  StepInputs inputs_of(
      const StepData& batch, int64_t step, int first, bool is_last) {
    StepInputs inputs;
    inputs.pass = Pass::Train;
    inputs.seed = job_.seed();
    inputs.step = step;
    inputs.place = [step, first](int microbatch) {
      return std::pair(step, first + microbatch);
    };
    inputs.user_inputs = [&batch, first](int microbatch) -> const UserInputs& {
      return batch[first + microbatch].inputs;
    };
    inputs.on_outputs = [this, &batch, first](
                            int microbatch, const auto& outputs) {
      const Microbatch& rows = batch[first + microbatch];
      if (kept_) {
        kept_->take(first + microbatch, rows.num_rows, outputs);
      }
      return loss_(rows, outputs);
    };
    if (device_watch_) {
      inputs.on_computing = [this](const Action& action) {
        device_watch_->begin(action);
      };
      inputs.on_computed = [this](const Action& action, double) {
        device_watch_->end(action);
      };
    }
    if (is_last) {
      inputs.on_reduce_grad = [this](const Action& action) {
        action.kind == ActionKind::ReduceGrad ? replicas_.start(action.stage)
                                              : replicas_.finish(action.stage);
      };
    }
    return inputs;
  }

  void one_step(int64_t step) {
    const Clock::time_point start = Clock::now();
    trace_.begin_step(step + 1);
    trace_.begin("rows");
    if (device_watch_) {
      device_watch_->begin_step();
    }
    const StepData batch = batch_of(step);
    trace_.end();
    if (owns_last_stage()) {
      loss_.begin_step(batch);
      loss_.set_scale(updates_.loss_scale());
    }
    StepTimes times;
    const int own = plan_.batch.num_microbatches * ranks_.replicas.rank;
    const int all = plan_.batch.total_microbatches();
    for (int first = 0; first < batch.num_microbatches(); first += all) {
      const bool is_last = first + all == batch.num_microbatches();
      try {
        const StepTimes part =
            executor_.run(inputs_of(batch, step, first + own, is_last));
        times.wall_s += part.wall_s;
        times.busy_s += part.busy_s;
      } catch (const ActionFailed& failure) {
        throw with_rows(
            failure, batch, rows_of(step), first + own + failure.microbatch());
      }
    }
    trace_.begin("gradients");
    replicas_.finish_all();
    if (kept_) {
      kept_->end_step();
    }
    sum_tied_gradients(
        ranks_.pipeline,
        plan_.source.manifest,
        stage_to_rank_,
        replicas_.parameters());
    if (device_watch_) {
      times = device_watch_->finish(trace_);
    }
    RankSummary mine;
    mine.loss = owns_last_stage() ? loss_.value() : 0;
    mine.busy_s = times.busy_s;
    mine.wall_s = times.wall_s;
    mine.tokens = ranks_.pipeline.rank == stage_to_rank_.front()
                      ? static_cast<double>(batch.num_tokens())
                      : 0;
    mine.counts_norm = replicas_.counts_norm();
    StepSummary summary =
        summarise(world(), plan_, replicas_.parameters(), mine);
    const double scale = updates_.loss_scale();
    summary.grad_norm /= scale;
    trace_.end();
    trace_.begin("update");
    const double lr = learning_rate(
        lr_spec(job_.train->lr_schedule),
        updates_.base_lr(),
        total_steps_,
        step);
    const bool dropped = update(summary.grad_norm, lr);
    trace_.end();
    if (dropped && world().rank == 0) {
      world().log.info(
          "step " + std::to_string(step + 1) +
          ": the gradients overflow at a loss scale of " +
          std::to_string(static_cast<int64_t>(scale)) +
          "; their update is left out");
    }
    // Below 1 the scale is not what makes them overflow.
    watch_for_divergence(step + 1, summary, dropped && scale >= 1);
    if (world().rank == 0) {
      report(step + 1, summary, lr, seconds_since(start), batch);
    }
  }

  /// returns  whether the gradients were dropped
  bool update(double grad_norm, double lr) {
    if (!device_watch_) {
      return updates_.apply(grad_norm, lr);
    }
    const bool dropped = updates_.apply(grad_norm, lr, [this](int stage) {
      device_watch_->begin_update(stage);
    });
    device_watch_->end_update();
    return dropped;
  }

  /// Says once that the numbers went bad; from then on no earlier checkpoint
  /// is removed, since all later ones are worthless.
  void watch_for_divergence(
      int64_t step, const StepSummary& summary, bool norm_may_overflow) {
    if (diverged_ ||
        (std::isfinite(summary.loss) &&
         (norm_may_overflow || std::isfinite(summary.grad_norm)))) {
      return;
    }
    diverged_ = true;
    if (world().rank != 0) {
      return;
    }
    world().log.warning(
        "step " + std::to_string(step) + ": the loss is " +
        std::to_string(summary.loss) + " and the gradient norm " +
        std::to_string(summary.grad_norm) +
        "; the checkpoints made so far are kept");
  }

  void report(
      int64_t step,
      const StepSummary& summary,
      double lr,
      double seconds,
      const StepData& batch) {
    StepReport report;
    report.step = step;
    report.total = total_steps_;
    report.loss = summary.loss;
    report.grad_norm = summary.grad_norm;
    report.lr = lr;
    report.step_ms = seconds * 1000;
    report.samples_per_s = static_cast<double>(batch.num_rows()) / seconds;
    if (summary.tokens > 0) {
      report.tokens_per_s = summary.tokens / seconds;
    }
    if (summary.wall_s > 0) {
      report.bubble = 1 - summary.busy_s / summary.wall_s;
    }
    log_->write(report);
  }

  void run_eval(int64_t done) {
    const Clock::time_point start = Clock::now();
    trace_.begin("evaluate");
    LossFunction loss(job_.train->loss, plan_.loss_output, device_of(world()));
    const double value = evaluate(
        ranks_,
        *eval_executor_,
        stage_to_rank_,
        loss,
        *eval_data_,
        job_.seed());
    trace_.end();
    if (world().rank == 0) {
      log_->write(EvalReport{done, value, seconds_since(start)});
    }
  }

  void save(int64_t done, const std::map<std::string, std::string>& contract) {
    trace_.begin("checkpoint");
    CheckpointState state;
    state.step = done;
    const int64_t batches = done * job_.train->accumulate;
    state.epoch = batches / data_.steps_per_epoch();
    state.data_position =
        batches % data_.steps_per_epoch() * job_.data.batch_size;
    state.seed = job_.seed();
    state.job = contract;
    updates_.save(state);
    saver_.save(
        state,
        checkpoint_parts(
            plan_.source.manifest, stages_, updates_.optimizers(), replicas_),
        diverged_ ? 0 : job_.output.keep,
        done == total_steps_ ? CheckpointSaver::Take::Tensors
                             : CheckpointSaver::Take::Copies);
    trace_.end();
  }

  void note_saved(const std::vector<std::filesystem::path>& paths) {
    for (const std::filesystem::path& path : paths) {
      note("saved " + path.string());
    }
  }

  void note(const std::string& line) {
    if (log_) {
      log_->note(line);
    } else if (world().rank == 0) {
      world().log.info(line);
    }
  }

  const Plan& plan_;
  const Job& job_;
  MeshRank ranks_;
  RunTrace trace_;
  StageMap stage_to_rank_;
  RankStages stages_;
  Replicas replicas_;
  std::optional<DeviceWatch> device_watch_;  ///< off the CPU
  DataLoader data_;
  Prefetch rows_;
  LossFunction loss_;
  Executor executor_;
  Updates updates_;
  std::optional<DataLoader> eval_data_;
  std::optional<Executor> eval_executor_;
  std::optional<TrainingLog> log_;   ///< on rank 0
  std::optional<KeptOutputs> kept_;  ///< with the last stage, if asked for
  bool diverged_ = false;
  bool begun_ = false;  ///< what the output folder held has made way
  int64_t total_steps_ = 0;
  FolderSharing sharing_;  ///< of the folder of checkpoints
  CheckpointSaver saver_;  ///< ends first
};

}  // namespace

void train(const Plan& plan, RankContext& context, const ResumePoint& point) {
  Trainer trainer(plan, context);
  try {
    trainer.run(point);
  } catch (...) {
    // Before the trainer ends: a checkpoint may be in the making.
    context.report_failure(std::current_exception());
    trainer.leave();
    throw;
  }
}

}  // namespace pp
