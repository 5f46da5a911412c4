#include "runtime/data/data_loader.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <ATen/ops/zeros.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/data/fit.h"
#include "runtime/data/row_order.h"
#include "runtime/data/source.h"

namespace pp {
namespace {

/// Every input of the model has a source, and every source an input.
void check_names(const DataConfig& config, std::span<const InputSpec> inputs) {
  if (config.inputs.empty()) {
    throw usage_error(
        "there is no [data]: inputs.NAME = { path = \"...\" } says what each "
        "input of the model is fed");
  }
  std::vector<std::string> names;
  for (const InputSpec& input : inputs) {
    names.push_back(input.name);
  }
  for (const auto& [name, source] : config.inputs) {
    if (std::ranges::find(names, name) == names.end()) {
      throw usage_error(
          "data.inputs." + name + ": the model has no such input; it has " +
          join(names) + did_you_mean(name, names));
    }
  }
  for (const std::string& name : names) {
    if (!config.inputs.contains(name)) {
      throw usage_error(
          "the model's input '" + name + "' has no data; add data.inputs." +
          name + " = { path = \"...\" }");
    }
  }
}

/// What cross_entropy leaves out.
constexpr double kIgnored = -100;

/// The largest shift among the sources that cut windows of the same files.
int64_t last_shift(const DataConfig& config, const SourceConfig& source) {
  int64_t shift = source.shift;
  const auto consider = [&](const SourceConfig& other) {
    if (other.window && other.path == source.path) {
      shift = std::max(shift, other.shift);
    }
  };
  for (const auto& [name, other] : config.inputs) {
    consider(other);
  }
  if (config.target) {
    consider(*config.target);
  }
  return shift;
}

at::ScalarType target_type(ir::ScalarType type) {
  const bool integer = !ir::is_floating(type) && type != ir::ScalarType::Bool &&
                       type != ir::ScalarType::ComplexHalf &&
                       type != ir::ScalarType::ComplexFloat &&
                       type != ir::ScalarType::ComplexDouble;
  return integer ? at::kLong : static_cast<at::ScalarType>(type);
}

/// A microbatch's rows of a source, of those of the whole step.
at::Tensor rows_of(
    const Source& source,
    std::span<const int64_t> step,
    std::span<const int64_t> rows,
    at::ScalarType as) {
  return source.lengths() == nullptr
             ? source.gather(rows, as)
             : source.gather_padded(rows, source.lengths()->padded(step), as);
}

/// 1 where the source has elements of its own, 0 where it is filled up.
at::Tensor mask_of(
    const Source& source,
    std::span<const int64_t> step,
    std::span<const int64_t> rows,
    at::ScalarType as) {
  at::Tensor mask = at::zeros(
      {std::ssize(rows), source.lengths()->padded(step)},
      at::TensorOptions().dtype(as));
  for (int64_t i = 0; i < std::ssize(rows); ++i) {
    mask.select(0, i).narrow(0, 0, source.own_size(rows[i])).fill_(1);
  }
  return mask;
}

/// What fills up short rows must be a number of their kind.
void check_pad(
    const std::string& label, const SourceConfig& source, ir::ScalarType type) {
  constexpr double kLargest = 1e15;  // doubles hold every integer up to it
  const double pad = source.pad.value_or(0);
  if (!ir::is_floating(type) &&
      (pad != std::floor(pad) || std::abs(pad) > kLargest)) {
    throw usage_error(
        label + ".pad must be an integer: the rows are of " +
        ir::name_of(type));
  }
}

}  // namespace

struct DataLoader::State {
  State(const DataConfig& config, DataLoaderOptions given)
      : options(std::move(given)) {
    check_names(config, options.inputs);
    std::vector<const Source*> all;
    sources.reserve(options.inputs.size());
    for (InputSpec& input : options.inputs) {
      SourceConfig source = config.inputs.at(input.name);
      is_mask.push_back(!source.mask.empty());
      if (is_mask.back()) {
        source = config.inputs.at(source.mask);
      }
      sources.emplace_back(input.name, source, last_shift(config, source));
      InputSpec fits = input;
      if (!input.known) {
        input.dtype =
            is_mask.back() ? ir::ScalarType::Long : sources.back().dtype();
      }
      // A mask is of any type, but as large as its rows.
      fits.dtype = is_mask.back() ? sources.back().dtype() : input.dtype;
      check_fits(sources.back(), fits);
      check_pad("data.inputs." + input.name, source, input.dtype);
      all.push_back(&sources.back());
    }
    check_symbols(all, options.inputs);
    if (config.target) {
      SourceConfig source = *config.target;
      const int64_t shift = last_shift(config, source);
      if (!source.lengths.empty() && !source.pad) {
        source.pad = kIgnored;
      }
      target = std::make_unique<Source>("target", source, shift);
      if (!config.target->pad && target->lengths() != nullptr &&
          ir::is_floating(target->dtype())) {
        throw usage_error(
            "target: " + target->path() +
            " holds floating numbers, which no loss ignores: say what fills "
            "short rows by pad");
      }
      check_pad("data.target", source, target->dtype());
      all.push_back(target.get());
    }
    num_rows = common_rows(all);
    settle_steps(config);
    for (const std::string& notice : notices) {
      options.log.warning(notice);
    }
    order = std::make_unique<RowOrder>(num_rows, config.shuffle, options.seed);
    shuffle = config.shuffle;
  }

  /// Decides what becomes of the rows that do not fill a batch.
  void settle_steps(const DataConfig& config) {
    const BatchPlan& plan = options.plan;
    check(plan.batch_size > 0, "the batch is planned");
    const int64_t rest = num_rows % plan.batch_size;
    const bool too_few =
        rest < plan.total_microbatches() && !options.keep_short_batch;
    steps_per_epoch = num_rows / plan.batch_size;
    std::string why;
    if (plan.fixed_rows) {
      why = "the model was exported with a fixed batch";
    } else if (too_few) {
      why = "they are fewer than the microbatches";
    }
    if (rest > 0 && !config.drop_last && why.empty()) {
      ++steps_per_epoch;
    } else if (rest > 0 && !config.drop_last) {
      notices.push_back(
          "the last " + std::to_string(rest) + " of " +
          std::to_string(num_rows) +
          " rows of each epoch are left out: " + why);
    }
    if (steps_per_epoch == 0) {
      throw usage_error(
          "the data has " + std::to_string(num_rows) +
          " rows, fewer than one batch of " + std::to_string(plan.batch_size) +
          (config.drop_last ? " (drop_last)" : "") +
          "; set a smaller batch_size" + (why.empty() ? "" : " (" + why + ")"));
    }
  }

  bool wants(const std::string& input) const {
    return !options.wanted || options.wanted->contains(input);
  }

  DataLoaderOptions options;
  std::vector<Source> sources;  ///< in the order of options.inputs
  std::vector<bool> is_mask;    ///< where the source has elements, not those
  std::unique_ptr<Source> target;
  int64_t num_rows = 0;
  int64_t steps_per_epoch = 0;
  bool shuffle = false;
  std::unique_ptr<RowOrder> order;
  std::vector<std::string> notices;
};

DataLoader::DataLoader(const DataConfig& config, DataLoaderOptions options)
    : state_(std::make_unique<State>(config, std::move(options))) {}
DataLoader::~DataLoader() = default;
DataLoader::DataLoader(DataLoader&&) noexcept = default;
DataLoader& DataLoader::operator=(DataLoader&&) noexcept = default;

int64_t DataLoader::num_rows() const {
  return state_->num_rows;
}

int64_t DataLoader::steps_per_epoch() const {
  return state_->steps_per_epoch;
}

const std::vector<std::string>& DataLoader::notices() const {
  return state_->notices;
}

int DataLoader::num_microbatches(int64_t step) const {
  const BatchPlan& plan = state_->options.plan;
  const int64_t begin = step % state_->steps_per_epoch * plan.batch_size;
  return static_cast<int>(
      std::min<int64_t>(plan.total_microbatches(), state_->num_rows - begin));
}

std::pair<int, int> DataLoader::own_microbatches(int64_t step) const {
  const int all = num_microbatches(step);
  const int each = state_->options.plan.num_microbatches;
  const int first = std::min(all, each * state_->options.replica);
  return {first, std::min(each, all - first)};
}

std::vector<int64_t> DataLoader::rows(int64_t step) const {
  check(step >= 0, "steps count from 0");
  const int64_t batch_size = state_->options.plan.batch_size;
  const int64_t epoch = step / state_->steps_per_epoch;
  const int64_t begin = step % state_->steps_per_epoch * batch_size;
  const int64_t end = std::min(begin + batch_size, state_->num_rows);
  std::vector<int64_t> rows;
  rows.reserve(end - begin);
  for (int64_t position = begin; position < end; ++position) {
    rows.push_back(state_->order->row(epoch, position));
  }
  return rows;
}

/// Rows filled up to less than the model takes: known only by the step.
void DataLoader::check_lengths(
    int64_t step, std::span<const int64_t> rows) const {
  for (size_t k = 0; k < state_->sources.size(); ++k) {
    const Lengths* lengths = state_->sources[k].lengths();
    if (lengths == nullptr) {
      continue;
    }
    const InputSpec& input = state_->options.inputs[k];
    const auto range = input.known ? input.ranges.find(input.sizes.at(1).expr)
                                   : input.ranges.end();
    const int64_t least =
        range == input.ranges.end()
            ? 1
            : std::max<int64_t>(1, range->second.min.value_or(1));
    if (lengths->padded(rows) < least) {
      throw input_error(
          input.name + ": the longest row of batch " + std::to_string(step) +
          " has " + std::to_string(lengths->padded(rows)) +
          " elements, the model takes " + std::to_string(least) +
          " or more; set pad_to");
    }
  }
}

std::vector<Microbatch> DataLoader::step(int64_t step) const {
  const std::vector<int64_t> all = rows(step);
  const std::vector<int64_t> sizes =
      chunk_sizes(std::ssize(all), num_microbatches(step));
  const State& state = *state_;
  check_lengths(step, all);
  const auto [first, count] = own_microbatches(step);
  std::vector<Microbatch> out(sizes.size());
  std::span<const int64_t> left = all;
  for (size_t m = 0; m < sizes.size(); ++m) {
    const auto chunk = left.first(static_cast<size_t>(sizes[m]));
    left = left.subspan(chunk.size());
    out[m].index = static_cast<int>(m);
    out[m].num_rows = sizes[m];
    const int index = out[m].index;
    const bool is_own = first <= index && index < first + count;
    for (size_t k = 0; is_own && k < state.sources.size(); ++k) {
      const InputSpec& input = state.options.inputs[k];
      const Source& source = state.sources[k];
      const auto type = static_cast<at::ScalarType>(input.dtype);
      if (!state.wants(input.name)) {
        continue;
      }
      at::Tensor& value = out[m].inputs[input.name];
      if (state.is_mask[k]) {
        value = mask_of(source, all, chunk, type);
      } else if (source.has_rows()) {
        value = rows_of(source, all, chunk, type);
      } else {
        value = index == first ? source.whole(type)
                               : out[first].inputs.at(input.name);
      }
    }
    if (state.target && state.options.wants_target) {
      out[m].target = rows_of(
          *state.target, all, chunk, target_type(state.target->dtype()));
    }
  }
  return out;
}

std::string DataLoader::order_text() const {
  const State& state = *state_;
  return "rows " + std::to_string(state.num_rows) + ", batch " +
         std::to_string(state.options.plan.batch_size) + ", microbatches " +
         std::to_string(state.options.plan.total_microbatches()) +
         ", steps an epoch " + std::to_string(state.steps_per_epoch) +
         (state.shuffle
              ? ", shuffled by seed " + std::to_string(state.options.seed)
              : ", in order");
}

}  // namespace pp
