#include "runtime/job/schema.h"

#include <deque>
#include <vector>

#include "runtime/job/fields.h"

namespace pp {
namespace {

/// Tables that have the keys of an input.
constexpr JobKey kTarget = {
    .path = "data.target",
    .default_note = "none",
    .meaning =
        "What the loss compares the output with; it has the keys of an "
        "input.",
    .same_as = "data.inputs.<name>",
    .types = kTable};
constexpr JobKey kEvalInput = {
    .path = "eval.data.inputs.<name>",
    .default_note = "required with `[eval]`",
    .meaning = "Held-out data, read in order; it has the keys of an input.",
    .same_as = "data.inputs.<name>",
    .types = kTable};
constexpr JobKey kEvalTarget = {
    .path = "eval.data.target",
    .default_note = "none",
    .meaning =
        "What the loss compares the output with; it has the keys of an "
        "input.",
    .same_as = "data.inputs.<name>",
    .types = kTable};

/// All keys. Owns the texts of their defaults, which the keys view.
class JobKeys {
 public:
  JobKeys() {
    add(model_fields());
    add(split_fields());
    add(pipeline_fields());
    add(parallel_fields());
    add(data_fields());
    add(source_fields());
    keys_.push_back(kTarget);
    add(train_fields());
    add(early_stop_fields());
    add(loss_fields());
    add(optimizer_fields());
    const std::span<const JobKey> options = optimizer_option_keys();
    keys_.insert(keys_.end(), options.begin(), options.end());
    add(ema_fields());
    add(lr_schedule_fields());
    add(eval_fields());
    add(eval_data_fields());
    keys_.push_back(kEvalInput);
    keys_.push_back(kEvalTarget);
    add(output_fields());
    add(output_rule_fields());
    add(security_fields());
  }

  std::span<const JobKey> keys() const { return keys_; }

 private:
  template <typename Config>
  void add(std::span<const Field<Config>> fields) {
    for (const Field<Config>& field : fields) {
      JobKey& key = keys_.emplace_back(field.key);
      if (field.default_value != nullptr) {
        key.default_value = defaults_.emplace_back(field.default_value());
      }
    }
  }

  std::deque<std::string> defaults_;
  std::vector<JobKey> keys_;
};

}  // namespace

std::span<const JobKey> job_keys() {
  static const JobKeys table;
  return table.keys();
}

}  // namespace pp
