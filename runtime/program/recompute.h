#pragma once

#include <functional>
#include <memory>

#include <c10/util/ThreadLocalDebugInfo.h>

namespace pp {

/// While one lives, autograd keeps none of the values it saves on this thread,
/// but for parameters and other leaves. The first time a backward asks for one
/// of them, the part of the forward that this stood for runs again; what it
/// then saves stays until that backward, or its weight half, is through with
/// it. The autograd graph is the same as without, so every kind of backward
/// is.
///
/// Not to be nested.
class ForgetSaved {
 public:
  /// rerun  repeats the part from the same values, so that it saves the same
  ///        in the same order, and keeps nothing; what it captures lives until
  ///        it has run. Called at most once, with gradients on.
  explicit ForgetSaved(std::function<void()> rerun);

 private:
  c10::DebugInfoGuard guard_;
};

/// Has LibTorch run its backwards from now on as the first ForgetSaved would.
/// It starts threads for devices with the first backward of the process, for
/// the engine of that backward alone: so before it, where there are devices.
void use_asking_engine();

}  // namespace pp
