#include "runtime/data/data_loader.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <ATen/ops/zeros.h>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/data/fit.h"
#include "runtime/data/row_order.h"
#include "runtime/data/size_rules.h"
#include "runtime/data/source.h"
#include "runtime/data/step_rows.h"

namespace pp {
namespace {

/// Returns the largest shift among the sources that cut windows from the same
/// files.
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
  const bool is_integer =
      number_kind(type) == NumberKind::Integer && type != ir::ScalarType::Bool;
  return is_integer ? at::kLong : static_cast<at::ScalarType>(type);
}

/// Reads the rows of one microbatch from a source.
///
/// step_rows  the rows of the whole step, which determine the padding
at::Tensor rows_of(
    const Source& source,
    std::span<const int64_t> step_rows,
    std::span<const int64_t> rows,
    at::ScalarType as) {
  return source.lengths() == nullptr
             ? source.gather(rows, as)
             : source.gather_padded(
                   rows, source.lengths()->padded(step_rows), as);
}

/// Returns a mask that is 1 where rows_of() has elements and 0 where it has
/// padding.
at::Tensor mask_of(
    const Source& source,
    std::span<const int64_t> step_rows,
    std::span<const int64_t> rows,
    at::ScalarType as) {
  at::Tensor mask = at::zeros(
      {std::ssize(rows), source.lengths()->padded(step_rows)},
      at::TensorOptions().dtype(as));
  for (int64_t i = 0; i < std::ssize(rows); ++i) {
    mask.select(0, i).narrow(0, 0, source.own_size(rows[i])).fill_(1);
  }
  return mask;
}

/// Checks that the padding of integer rows is an integer.
void check_pad(
    const std::string& label, const SourceConfig& source, ir::ScalarType type) {
  constexpr double kLargest = 1e15;  // doubles hold every integer up to it
  const double pad = source.pad.value_or(0);
  if (!ir::is_differentiable(type) &&
      (pad != std::floor(pad) || std::abs(pad) > kLargest)) {
    throw usage_error(
        label + ".pad must be an integer, because the rows are " +
        ir::name_of(type));
  }
}

}  // namespace

struct DataLoader::State {
  State(const DataConfig& config, DataLoaderOptions given)
      : options(std::move(given)), rules(options.inputs, options.guards) {
    check_input_names("data", config, options.inputs);
    std::vector<const Source*> all;
    sources.reserve(options.inputs.size());
    for (InputSpec& input : options.inputs) {
      SourceConfig source = config.inputs.at(input.name);
      is_mask.push_back(!source.mask.empty());
      if (is_mask.back()) {
        source = config.inputs.at(source.mask);
      }
      sources.emplace_back(input.name, source, last_shift(config, source));
      InputSpec expected = input;
      if (!input.known) {
        input.dtype =
            is_mask.back() ? ir::ScalarType::Long : sources.back().dtype();
      }
      // A mask may have any type, but must have the size of its rows.
      expected.dtype = is_mask.back() ? sources.back().dtype() : input.dtype;
      check_fits(sources.back(), expected);
      check_pad("data.inputs." + input.name, source, input.dtype);
      all.push_back(&sources.back());
    }
    check_symbols(all, options.inputs);
    if (config.target) {
      open_target(config);
      all.push_back(target.get());
    }
    steps.emplace(
        common_rows(all),
        options.plan,
        LastBatch{
            .drop = config.drop_last,
            .keep_short = options.keep_short_batch,
            .pads_fixed = options.pads_fixed_batch,
            .is_padding_trial = options.is_padding_trial});
    // Check all sizes that can be known before the rows are read.
    for (const int64_t count : steps->microbatch_sizes()) {
      check_sizes(count, {});
    }
    for (const std::string& notice : steps->notices()) {
      options.log.warning(notice);
    }
    order = std::make_unique<RowOrder>(
        steps->num_rows(), config.shuffle, options.seed);
    shuffle = config.shuffle;
  }

  void open_target(const DataConfig& config) {
    SourceConfig source = *config.target;
    const int64_t shift = last_shift(config, source);
    if (!source.lengths.empty() && !source.pad) {
      source.pad = kIgnoreIndex;
    }
    target = std::make_unique<Source>("target", source, shift);
    if (!config.target->pad && target->lengths() != nullptr &&
        ir::is_differentiable(target->dtype())) {
      throw usage_error(
          "target: " + target->path() + " holds " +
          (ir::is_complex(target->dtype()) ? "complex" : "floating-point") +
          " numbers, for which pad has no default; set pad to the number that "
          "fills short rows");
    }
    check_pad("data.target", source, target->dtype());
  }

  /// Checks the sizes of a microbatch of `count` rows.
  /// step_rows  the rows of its step; empty if they aren't known yet
  void check_sizes(int64_t count, std::span<const int64_t> step_rows) const {
    InputSizes sizes;
    for (size_t k = 0; k < sources.size(); ++k) {
      const Source& source = sources[k];
      const Lengths* lengths = source.lengths();
      const bool varies = lengths != nullptr && !lengths->is_fixed();
      if (varies && step_rows.empty()) {
        continue;
      }
      std::vector<int64_t> own = source.sizes();
      if (source.has_rows()) {
        own.at(static_cast<size_t>(source.split_dim())) = count;
      }
      if (varies) {
        own.at(1) = lengths->padded(step_rows);
      }
      sizes.emplace(options.inputs[k].name, std::move(own));
    }
    rules.check(sizes, "microbatches of " + count_text(count, "row", "rows"));
  }

  /// Reads the inputs of one of a step's microbatches.
  ///
  /// all, chunk  rows of the step and of the microbatch
  /// first       the first microbatch that this rank reads: tensors without
  ///             rows are read for it and shared by the others
  void read_inputs(
      const std::vector<int64_t>& all,
      std::span<const int64_t> chunk,
      const Microbatch& first,
      Microbatch& out) const {
    for (size_t k = 0; k < sources.size(); ++k) {
      const InputSpec& input = options.inputs[k];
      if (!wants(input.name)) {
        continue;
      }
      const Source& source = sources[k];
      const auto type = static_cast<at::ScalarType>(input.dtype);
      at::Tensor value;
      if (is_mask[k]) {
        value = mask_of(source, all, chunk, type);
      } else if (source.has_rows()) {
        value = rows_of(source, all, chunk, type);
      } else {
        value =
            &out == &first ? source.whole(type) : first.inputs.at(input.name);
      }
      out.inputs.emplace(input.name, std::move(value));
    }
  }

  /// Sets a microbatch's padding rows to zero.
  void clear_padding(Microbatch& microbatch) const {
    for (const Source& source : sources) {
      const auto input = microbatch.inputs.find(source.label());
      if (input != microbatch.inputs.end() && source.has_rows()) {
        input->second
            .narrow(
                source.split_dim(), microbatch.num_rows, microbatch.num_padding)
            .zero_();
      }
    }
  }

  bool has_varying_lengths() const {
    return std::ranges::any_of(sources, [](const Source& source) {
      return source.lengths() != nullptr && !source.lengths()->is_fixed();
    });
  }

  bool wants(const std::string& input) const {
    return !options.wanted || options.wanted->contains(input);
  }

  DataLoaderOptions options;
  SizeRules rules;
  std::vector<Source> sources;  ///< in the order of options.inputs
  std::vector<bool> is_mask;    ///< whether the input is a mask, by source
  std::unique_ptr<Source> target;
  std::optional<StepRows> steps;
  bool shuffle = false;
  std::unique_ptr<RowOrder> order;
};

DataLoader::DataLoader(const DataConfig& config, DataLoaderOptions options)
    : state_(std::make_unique<State>(config, std::move(options))) {}
DataLoader::~DataLoader() = default;
DataLoader::DataLoader(DataLoader&&) noexcept = default;
DataLoader& DataLoader::operator=(DataLoader&&) noexcept = default;

int64_t DataLoader::num_rows() const {
  return state_->steps->num_rows();
}

bool DataLoader::pads() const {
  return state_->steps->pads();
}

int64_t DataLoader::steps_per_epoch() const {
  return state_->steps->steps_per_epoch();
}

const std::vector<std::string>& DataLoader::notices() const {
  return state_->steps->notices();
}

int DataLoader::num_microbatches(int64_t step) const {
  return state_->steps->num_microbatches(step);
}

std::pair<int, int> DataLoader::own_microbatches(int64_t step) const {
  return state_->steps->own_microbatches(step, state_->options.replica);
}

std::vector<int64_t> DataLoader::rows(int64_t step) const {
  const auto [begin, end] = state_->steps->positions(step);
  const int64_t epoch = step / steps_per_epoch();
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(end - begin));
  for (int64_t position = begin; position < end; ++position) {
    rows.push_back(state_->order->row(epoch, position));
  }
  return rows;
}

/// Checks that the padded rows of a step aren't shorter than the model allows.
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
          " has " + count_text(lengths->padded(rows), "element", "elements") +
          ", but the model needs at least " + std::to_string(least) +
          "; set pad_to to at least " + std::to_string(least));
    }
  }
}

std::vector<Microbatch> DataLoader::step(int64_t step) const {
  const State& state = *state_;
  std::vector<int64_t> all = rows(step);
  check_lengths(step, all);
  const int64_t padding = state.steps->padding(step);
  all.insert(all.end(), static_cast<size_t>(padding), all.back());
  if (state.options.is_padding_trial) {
    const std::vector<int64_t> once = all;
    all.insert(all.end(), once.begin(), once.end());
  }
  const std::vector<int64_t> sizes =
      chunk_sizes(std::ssize(all), num_microbatches(step));
  if (state.has_varying_lengths()) {
    for (const int64_t size : std::set(sizes.begin(), sizes.end())) {
      state.check_sizes(size, all);
    }
  }
  const auto [first, count] = own_microbatches(step);
  std::vector<Microbatch> out(sizes.size());
  std::span<const int64_t> left = all;
  for (size_t m = 0; m < sizes.size(); ++m) {
    const auto chunk = left.first(static_cast<size_t>(sizes[m]));
    left = left.subspan(chunk.size());
    out[m].index = static_cast<int>(m);
    out[m].num_rows = sizes[m];
    if (m + 1 == sizes.size() || state.options.is_padding_trial) {
      out[m].num_rows -= padding;
      out[m].num_padding = padding;
    }
    const int index = out[m].index;
    if (first <= index && index < first + count) {
      state.read_inputs(all, chunk, out[static_cast<size_t>(first)], out[m]);
    }
    if (state.target && state.options.wants_target) {
      out[m].target = rows_of(
          *state.target,
          all,
          chunk.first(static_cast<size_t>(out[m].num_rows)),
          target_type(state.target->dtype()));
    }
  }
  if (state.options.is_padding_trial) {
    state.clear_padding(out.back());
  }
  return out;
}

// Checkpoints store this text, so its words must not change.
std::string DataLoader::order_text() const {
  const State& state = *state_;
  return "rows " + std::to_string(num_rows()) + ", batch " +
         std::to_string(state.options.plan.batch_size) + ", microbatches " +
         std::to_string(state.options.plan.total_microbatches()) +
         ", steps an epoch " + std::to_string(steps_per_epoch()) +
         (state.shuffle
              ? ", shuffled by seed " + std::to_string(state.options.seed)
              : ", in order");
}

}  // namespace pp
