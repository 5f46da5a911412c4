#include "runtime/program/recompute.h"

#include <string>
#include <utility>
#include <vector>

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/saved_variable_hooks.h>

#include "loader/core/error.h"

namespace pp {

namespace {

using torch::autograd::Engine;
using torch::autograd::SavedVariableHooks;

// A kind of our own there is not; nothing else in this program uses this one.
c10::DebugInfoKind saving_kind() {
  return c10::DebugInfoKind::INFERENCE_CONTEXT;
}

/// What autograd asks, on this thread, for each value it saves.
class Saving : public c10::DebugInfoBase {
 public:
  virtual std::unique_ptr<SavedVariableHooks> next() = 0;
};

/// One part of a forward: the values it saved, by the order it saved them in.
class Part {
 public:
  explicit Part(std::function<void()> rerun) : rerun_(std::move(rerun)) {}

  size_t add() {
    values_.emplace_back();
    return values_.size() - 1;
  }
  /// This value is not asked for any more.
  void drop(size_t index) { values_[index] = {{}, true}; }
  at::Tensor value(size_t index);
  /// From the second run.
  void set(size_t index, const at::Tensor& tensor) {
    if (index < values_.size() && !values_[index].dropped) {
      values_[index].tensor = tensor.detach();
    }
  }

 private:
  struct Value {
    at::Tensor tensor;
    bool dropped = false;
  };
  std::function<void()> rerun_;
  std::vector<Value> values_;
};

class FirstRun final : public Saving {
 public:
  explicit FirstRun(std::shared_ptr<Part> part) : part_(std::move(part)) {}

  std::unique_ptr<SavedVariableHooks> next() override {
    return std::make_unique<Forgotten>(part_);
  }

 private:
  class Forgotten final : public SavedVariableHooks {
   public:
    explicit Forgotten(std::shared_ptr<Part> part)
        : part_(std::move(part)), index_(part_->add()) {}
    ~Forgotten() override { part_->drop(index_); }
    void call_pack_hook(const at::Tensor& tensor) override {
      if (tensor.is_leaf() && tensor.requires_grad()) {
        leaf_ = tensor.detach();  // it lives anyway
      }
    }
    at::Tensor call_unpack_hook() override {
      return leaf_.defined() ? leaf_ : part_->value(index_);
    }

   private:
    std::shared_ptr<Part> part_;
    size_t index_;
    at::Tensor leaf_;
  };

  std::shared_ptr<Part> part_;
};

class SecondRun final : public Saving {
 public:
  explicit SecondRun(Part& part) : part_(part) {}

  std::unique_ptr<SavedVariableHooks> next() override {
    return std::make_unique<Taken>(part_, count_++);
  }
  size_t count() const { return count_; }

 private:
  /// Of a graph that nobody runs: it hands its value to the part.
  class Taken final : public SavedVariableHooks {
   public:
    Taken(Part& part, size_t index) : part_(part), index_(index) {}
    void call_pack_hook(const at::Tensor& tensor) override {
      part_.set(index_, tensor);
    }
    at::Tensor call_unpack_hook() override {
      check(false, "no backward runs through a forward that is run again");
      return {};
    }

   private:
    Part& part_;
    size_t index_;
  };

  Part& part_;
  size_t count_ = 0;
};

at::Tensor Part::value(size_t index) {
  if (rerun_) {
    const auto again = std::make_shared<SecondRun>(*this);
    {
      const c10::DebugInfoGuard guard(saving_kind(), again);
      const c10::AutoGradMode with_grad(true);
      std::exchange(rerun_, nullptr)();
    }
    if (again->count() != values_.size()) {
      throw runtime_error(
          "the forward that was run again for the backward saved " +
          std::to_string(again->count()) + " values, " +
          std::to_string(values_.size()) + " the first time");
    }
  }
  check(values_[index].tensor.defined(), "a saved value was made again");
  return values_[index].tensor;
}

/// LibTorch asks its engine for the hooks of saved values.
class AskingEngine final : public Engine {
  std::unique_ptr<SavedVariableHooks> get_default_saved_variable_hooks()
      override {
    auto* saving =
        static_cast<Saving*>(c10::ThreadLocalDebugInfo::get(saving_kind()));
    return saving == nullptr ? nullptr : saving->next();
  }
};

Engine& asking_engine() {
  // As LibTorch's own: one, for as long as the process lives.
  static AskingEngine* const engine = new AskingEngine;
  return *engine;
}

}  // namespace

void use_asking_engine() {
  torch::autograd::set_default_engine_stub(asking_engine);
}

ForgetSaved::ForgetSaved(std::function<void()> rerun)
    : guard_(
          saving_kind(),
          (use_asking_engine(),
           std::make_shared<FirstRun>(
               std::make_shared<Part>(std::move(rerun))))) {}

}  // namespace pp
