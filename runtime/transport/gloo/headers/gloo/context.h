#pragma once

// LibTorch ships c10d's ProcessGroupGloo.hpp but not the Gloo headers that it
// includes. What that header needs of them is these names: nothing here is
// constructed, called or laid out by our code, so declarations are enough, and
// the definitions are the ones inside libtorch_cpu.

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
