#include "runtime/job/first_job.h"

#include <algorithm>

#include "loader/ir/dims_text.h"
#include "runtime/job/first_job_loss.h"

namespace pp {
namespace {

constexpr int64_t kUsualRows = 8;        ///< rows of a microbatch
constexpr int64_t kUsualInference = 32;  ///< rows of a step of inference
constexpr int64_t kPerStage = 2;         ///< microbatches per stage

/// Dimension 0 of the inputs that have rows.
const ir::Dim* batch_dim(const std::vector<ModelInput>& inputs) {
  const ir::Dim* first = nullptr;
  for (const ModelInput& input : inputs) {
    if (!input.tensor.known || input.tensor.sizes.empty()) {
      continue;
    }
    const ir::Dim& dim = input.tensor.sizes.front();
    if (!dim.is_fixed()) {
      return &dim;
    }
    first = first == nullptr ? &dim : first;
  }
  return first;
}

bool has_rows(const ModelInput& input, const ir::Dim* batch) {
  if (!input.tensor.known || batch == nullptr) {
    return true;
  }
  if (input.tensor.sizes.empty()) {
    return false;
  }
  const ir::Dim& own = input.tensor.sizes.front();
  return batch->is_fixed() ? own == *batch : own.expr == batch->expr;
}

bool holds_integers(const ModelInput& input) {
  return input.tensor.known && !ir::is_floating(input.tensor.dtype) &&
         !ir::is_complex(input.tensor.dtype);
}

bool is_token_input(const ModelInput& input) {
  return holds_integers(input) && input.tensor.sizes.size() == 2;
}

/// Whether a file holds one long sequence from which rows are cut.
bool is_sequence(const ModelInput& input, const FirstJobData& data) {
  return is_token_input(input) && data.dtype && data.sizes.size() == 1;
}

std::string needs_text(
    const FirstJobModel& model, const ModelInput& input, bool rows) {
  if (!input.tensor.known) {
    return "an unknown type and shape, which the model doesn't state";
  }
  return ir::name_of(input.tensor.dtype) + " " +
         sizes_text(model, input.tensor.sizes, rows ? "rows" : "");
}

/// The number of rows of a source's file; nullopt if it isn't there yet.
std::optional<int64_t> rows_in(const FirstJobSource& source) {
  const std::vector<int64_t>& sizes = source.data.sizes;
  if (!source.data.dtype || sizes.empty() || !source.has_rows) {
    return std::nullopt;
  }
  return source.window ? (sizes.front() - 1) / *source.window : sizes.front();
}

/// Chooses the number of rows, so that the export accepts every microbatch and
/// the data fills at least one step.
class BatchChooser {
 public:
  BatchChooser(
      const FirstJobModel& model,
      const FirstJobRequest& request,
      const ir::Dim* batch)
      : model_(model), request_(request), batch_(batch) {}

  void choose(std::optional<int64_t> available, FirstJobPlan& plan) const {
    const bool trains = request_.kind != FirstJobKind::Infer;
    plan.is_fixed_batch = batch_ != nullptr && batch_->is_fixed();
    plan.rows = usual_rows();
    plan.microbatches =
        trains && model_.num_stages > 1 ? kPerStage * model_.num_stages : 1;
    if (!available) {
      return;
    }
    plan.microbatches = std::clamp<int64_t>(
        *available / std::max<int64_t>(least(), 1), 1, plan.microbatches);
    if (plan.batch_size() > *available && may_vary()) {
      plan.rows =
          std::max<int64_t>({least(), 1, *available / plan.microbatches});
    }
    if (!trains && may_vary()) {
      leave_no_small_rest(*available, plan);
    }
  }

 private:
  bool may_vary() const {
    return batch_ == nullptr ||
           (ir::is_symbol(*batch_) && model_.guards.empty());
  }

  int64_t least() const {
    if (!may_vary()) {
      return usual_rows();
    }
    const auto range = range_of();
    return range.min.value_or(1);
  }

  ir::Range range_of() const {
    const auto found = batch_ == nullptr ? model_.ranges.end()
                                         : model_.ranges.find(batch_->expr);
    return found == model_.ranges.end() ? ir::Range() : found->second;
  }

  /// Returns the number of rows of the export if it is fixed, or if it is
  /// unclear which other numbers the export accepts.
  int64_t usual_rows() const {
    if (!may_vary()) {
      return std::max<int64_t>(batch_->value, 1);
    }
    const ir::Range range = range_of();
    const int64_t usual =
        request_.kind == FirstJobKind::Infer ? kUsualInference : kUsualRows;
    const int64_t rows = std::max({usual, range.min.value_or(1), int64_t{1}});
    return std::min(rows, range.max.value_or(rows));
  }

  /// Lowers the number of rows if the last microbatch of the data would have
  /// fewer rows than the export needs.
  void leave_no_small_rest(int64_t available, FirstJobPlan& plan) const {
    for (int64_t rows = plan.rows; rows >= std::max<int64_t>(least(), 1);
         --rows) {
      if (available % rows == 0 || available % rows >= least()) {
        plan.rows = rows;
        return;
      }
    }
  }

  const FirstJobModel& model_;
  const FirstJobRequest& request_;
  const ir::Dim* batch_;
};

FirstJobSource input_source(
    const FirstJobModel& model,
    const FirstJobRequest& request,
    const ModelInput& input,
    bool rows) {
  FirstJobSource source{.name = input.name};
  source.has_rows = rows;
  source.needs = needs_text(model, input, rows);
  if (const auto data = request.inputs.find(input.name);
      data != request.inputs.end()) {
    source.data = data->second;
  }
  if (is_sequence(input, source.data)) {
    source.window = std::max<int64_t>(input.tensor.sizes[1].value, 1);
  }
  return source;
}

/// Whether the next token of a sequence is the target of each token.
bool is_language_model(
    const FirstJobModel& model,
    const FirstJobLoss& loss,
    const FirstJobRequest& request) {
  const bool is_only_input =
      model.inputs.size() == 1 && is_token_input(model.inputs.front());
  return request.kind != FirstJobKind::Infer && is_only_input &&
         loss.is_per_token && loss.name == "cross_entropy" &&
         request.target.path.empty();
}

/// Cuts tokens and their targets from one sequence.
void read_from_one_sequence(const FirstJobModel& model, FirstJobPlan& plan) {
  FirstJobSource& tokens = plan.inputs.front();
  const bool exists = tokens.data.dtype.has_value();
  if (exists && !tokens.window) {
    return;  // the file has rows
  }
  tokens.window =
      std::max<int64_t>(model.inputs.front().tensor.sizes[1].value, 1);
  tokens.needs = ir::name_of(model.inputs.front().tensor.dtype) +
                 " [tokens], one long sequence";
  plan.target = tokens;
  plan.target->name = "target";
  plan.target->shift = 1;
}

void plan_target(
    const FirstJobModel& model,
    const FirstJobRequest& request,
    FirstJobPlan& plan) {
  const FirstJobLoss loss = guess_loss(model, request);
  plan.loss = loss.name;
  plan.loss_output = loss.output;
  plan.loss_reason = loss.reason;
  if (loss.name.empty()) {
    return;
  }
  if (is_language_model(model, loss, request)) {
    read_from_one_sequence(model, plan);
  }
  if (!plan.target) {
    plan.target.emplace();
    plan.target->name = "target";
    plan.target->data = request.target;
    plan.target->needs = loss.target;
    if (plan.target->data.path.empty()) {
      plan.target->data.path = "target.npy";
    }
  }
}

}  // namespace

FirstJobPlan plan_first_job(
    const FirstJobModel& model, const FirstJobRequest& request) {
  FirstJobPlan plan;
  const ir::Dim* batch = batch_dim(model.inputs);
  for (const ModelInput& input : model.inputs) {
    plan.inputs.push_back(
        input_source(model, request, input, has_rows(input, batch)));
  }
  if (request.kind != FirstJobKind::Infer) {
    plan_target(model, request, plan);
  }
  std::optional<int64_t> available;
  for (const FirstJobSource& source : plan.inputs) {
    if (const std::optional<int64_t> rows = rows_in(source)) {
      available = std::min(available.value_or(*rows), *rows);
    }
  }
  BatchChooser(model, request, batch).choose(available, plan);
  return plan;
}

}  // namespace pp
