#include "runtime/program/tape.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include "loader/core/error.h"
#include "runtime/program/recorder.h"

namespace pp {

namespace {

// See Walk::add_product().
constexpr int64_t kLargeProduct = 1 << 16;  // elements
constexpr int64_t kMaxTermsPerBlock = 256;

bool is_alone(const at::Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.has_storage() &&
         tensor.storage().use_count() == 1;
}

/// Adds to a parameter's grad() as autograd does. A gradient that shares its
/// memory with another one is copied. Unlike autograd it leaves no conjugation
/// pending, because optimizers and messages read the memory.
void add_to_parameter(const at::Tensor& parameter, at::Tensor gradient) {
  using torch::autograd::AccumulateGrad;
  gradient = gradient.resolve_conj().resolve_neg();
  at::Tensor& sum = parameter.mutable_grad();
  const size_t references = is_alone(gradient) ? 1 : 0;
  AccumulateGrad::accumulateGrad(
      parameter, sum, gradient, references, [&](at::Tensor&& first) {
        sum = std::move(first);
      });
}

/// The backward over a recording, or one half of it.
class Walk {
 public:
  Walk(Tape::Recording& recording, Half half)
      : recording_(recording), half_(half) {}

  void run(std::vector<Entry>& entries) {
    for (size_t i = entries.size(); i-- > 0;) {
      Entry& entry = entries[i];
      // The input half skips calls that depend on parameters only.
      if (half_ == Half::Inputs && !entry.on_path) {
        continue;
      }
      if (entry.repeat) {
        run_repeat(*entry.repeat);
      } else if (entry.island) {
        run_island(entry);
      } else {
        run_rule(entry);
      }
      if (half_ != Half::Inputs) {
        entry = Entry();
      }
    }
  }

  /// Adds to the gradient of a value; of a parameter, to its grad().
  void add(ir::ValueId id, at::Tensor gradient) {
    if (!gradient.defined()) {
      return;
    }
    if (recording_.accumulates_directly(id)) {
      add_to_parameter(state_of(id), std::move(gradient));
      return;
    }
    at::Tensor& sum = recording_.gradients[id];
    if (!sum.defined()) {
      sum = std::move(gradient);
    } else if (sum.is_sparse()) {
      sum = gradient.add(sum);
    } else if (is_alone(sum) && sum.is_non_overlapping_and_dense()) {
      sum.add_(gradient);
    } else {
      sum = sum.add(gradient);
    }
  }

  /// Adds the sums of parameters with several readers to their grad(), once all
  /// readers have contributed.
  void add_sums() {
    if (half_ == Half::Inputs) {
      return;
    }
    for (size_t i = 0; i < recording_.states.size(); ++i) {
      at::Tensor& sum = recording_.gradients[recording_.body.states[i]];
      if (sum.defined()) {
        add_to_parameter(
            recording_.states[i], std::exchange(sum, at::Tensor()));
      }
    }
  }

 private:
  /// Accumulates a large product into a parameter's gradient directly, which
  /// saves a pass over it. The result is bit-identical to a separate sum as
  /// long as the terms of an element fit into one block of the kernel.
  void add_product(ir::ValueId id, const at::Tensor& a, const at::Tensor& b) {
    if (recording_.accumulates_directly(id)) {
      const at::Tensor& sum = state_of(id).mutable_grad();
      if (sum.defined() && sum.numel() >= kLargeProduct &&
          sum.is_contiguous() && sum.scalar_type() == a.scalar_type() &&
          (a.scalar_type() == at::kFloat || a.scalar_type() == at::kDouble) &&
          a.size(1) > 1 && a.size(1) <= kMaxTermsPerBlock &&
          a.device().is_cpu()) {
        sum.addmm_(a, b);
        return;
      }
    }
    add(id, a.mm(b));
  }

  const at::Tensor& state_of(ir::ValueId id) const {
    return recording_.states[recording_.body.state_of[id]];
  }

  bool is_wanted(ir::ValueId id) const {
    if (id == ir::kNoValue || recording_.flags[id] == 0) {
      return false;
    }
    const bool on_path = (recording_.flags[id] & kOnPath) != 0;
    return half_ == Half::Both || on_path == (half_ == Half::Inputs);
  }

  /// Whether the weight half will need this call.
  bool is_wanted_later(const Instruction& instruction) const {
    return half_ == Half::Inputs &&
           std::ranges::any_of(instruction.rule_inputs, [&](ir::ValueId id) {
             return id != ir::kNoValue &&
                    recording_.flags[id] == kNeedsGradient;
           });
  }

  /// Moves out the gradients that arrived at the results; empty if none did.
  std::vector<at::Tensor> take_arrived(const Instruction& instruction) {
    std::vector<at::Tensor> arrived;
    bool any = false;
    for (const ir::NodeOutput& output : instruction.outputs) {
      for (const ir::ValueId id : output.ids) {
        arrived.push_back(
            id == ir::kNoValue ? at::Tensor()
                               : std::move(recording_.gradients[id]));
        any = any || arrived.back().defined();
      }
    }
    if (!any) {
      arrived.clear();
    }
    return arrived;
  }

  void run_rule(Entry& entry) {
    const Instruction& instruction = *entry.instruction;
    const bool is_second_half = half_ == Half::Weights && entry.on_path;
    std::vector<at::Tensor> arrived =
        is_second_half ? std::move(entry.gradients) : take_arrived(instruction);
    if (arrived.empty()) {
      return;
    }
    const std::vector<ir::ValueId>& inputs = instruction.rule_inputs;
    wanted_.clear();
    bool any = false;
    for (const ir::ValueId id : inputs) {
      wanted_.push_back(is_wanted(id) ? 1 : 0);
      any = any || wanted_.back() != 0;
    }
    if (any) {
      call(entry, arrived);
    }
    if (is_wanted_later(instruction)) {
      entry.gradients = std::move(arrived);
    } else {
      entry.kept.clear();
    }
  }

  void call(const Entry& entry, const std::vector<at::Tensor>& arrived) {
    const Instruction& instruction = *entry.instruction;
    const auto give = [&](size_t position, at::Tensor gradient) {
      add(instruction.rule_inputs[position], std::move(gradient));
    };
    const auto give_product =
        [&](size_t position, const at::Tensor& a, const at::Tensor& b) {
          add_product(instruction.rule_inputs[position], a, b);
        };
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    try {
      instruction.rule->backward(
          {entry.kept, arrived, wanted_, give, give_product});
    } catch (const c10::Error& error) {
      fail_backward(instruction, error.what_without_backtrace());
    } catch (const std::exception& error) {
      fail_backward(instruction, error.what());
    }
  }

  [[noreturn]] void fail_backward(
      const Instruction& instruction, const std::string& message) {
    fail(recording_.body, instruction, {}, "failed in its backward", message);
  }

  void run_island(Entry& entry) {
    const Island& island = *entry.island;
    const std::string until =
        island.first == island.last
            ? ""
            : "here or in a node up to '" + island.last->name + "': ";
    try {
      run_island_graph(entry);
    } catch (const c10::Error& error) {
      fail_backward(*island.first, until + error.what_without_backtrace());
    } catch (const std::exception& error) {
      fail_backward(*island.first, until + error.what());
    }
  }

  void run_island_graph(Entry& entry) {
    Island& island = *entry.island;
    const bool is_second_half = half_ == Half::Weights && entry.on_path;
    if (is_second_half) {
      run_weights(std::move(island.deferred));
    } else {
      std::vector<BackwardRoot> roots;
      for (Island::Root& root : island.roots) {
        at::Tensor gradient = std::move(recording_.gradients[root.value]);
        if (gradient.defined()) {
          roots.push_back({std::move(root.edge), std::move(gradient)});
        }
      }
      island.roots.clear();
      if (half_ == Half::Inputs) {
        run_island_inputs(island, std::move(roots));
        return;
      }
      run_backward(roots);
    }
    for (Island::Leaf& leaf : island.leaves) {
      if (is_wanted(leaf.value)) {
        add(leaf.value, leaf.graph.take_gradient());
      }
    }
  }

  void run_island_inputs(Island& island, std::vector<BackwardRoot> roots) {
    std::vector<torch::autograd::Edge> edges;
    std::vector<ir::ValueId> values;
    for (const Island::Leaf& leaf : island.leaves) {
      if (is_wanted(leaf.value)) {
        edges.push_back(leaf.graph.edge());
        values.push_back(leaf.value);
      }
    }
    std::vector<at::Tensor> gradients =
        run_inputs(std::move(roots), edges, island.deferred);
    for (size_t i = 0; i < values.size(); ++i) {
      add(values[i], std::move(gradients[i]));
    }
  }

  void run_repeat(Repeat& repeat) {
    if (!repeat.is_done) {
      Frame frame(recording_.body);
      for (size_t i = 0; i < repeat.inputs.size(); ++i) {
        frame.slots[repeat.segment->inputs[i].value] =
            std::move(repeat.inputs[i]);
      }
      repeat.inputs.clear();
      Recorder(recording_).run(repeat.segment->parts, frame, repeat.entries);
      repeat.is_done = true;
    }
    run(repeat.entries);
  }

  Tape::Recording& recording_;
  Half half_;
  std::vector<uint8_t> wanted_;
};

}  // namespace

Tape::Tape(std::unique_ptr<Recording> recording)
    : recording_(std::move(recording)) {}
Tape::~Tape() = default;
Tape::Tape(Tape&&) noexcept = default;
Tape& Tape::operator=(Tape&&) noexcept = default;

void Tape::seed(size_t output, at::Tensor gradient) {
  const c10::AutoGradMode no_gradients(false);
  recording_->gradients.resize(recording_->body.num_values);
  Walk(*recording_, Half::Both)
      .add(recording_->body.outputs[output].index, std::move(gradient));
}

void Tape::backward(Half half) {
  const c10::AutoGradMode no_gradients(false);
  recording_->gradients.resize(recording_->body.num_values);
  Walk walk(*recording_, half);
  walk.run(recording_->entries);
  walk.add_sums();
}

at::Tensor Tape::take_gradient(size_t input) {
  return std::move(recording_->gradients[recording_->body.inputs[input]]);
}

size_t Tape::num_islands() const {
  return static_cast<size_t>(std::ranges::count_if(
      recording_->entries,
      [](const Entry& entry) { return entry.island || entry.repeat; }));
}

}  // namespace pp
