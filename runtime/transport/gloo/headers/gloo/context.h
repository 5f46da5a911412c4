#pragma once

// LibTorch ships c10d's ProcessGroupGloo.hpp but not the Gloo headers that it
// includes. ProcessGroupGloo.hpp needs only these names from them: our code
// constructs, calls and lays out nothing here, so declarations are enough, and
// the definitions are those inside libtorch_cpu.

#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {
class UnboundBuffer;
}  // namespace transport

}  // namespace gloo
