#pragma once

#include <memory>
#include <type_traits>

#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>

namespace pp {

/// The pointer type with which this version of LibTorch holds nodes.
using NodePointer = decltype(torch::autograd::Edge::function);

template <typename Made>
NodePointer make_node() {
  if constexpr (std::is_same_v<
                    NodePointer,
                    std::shared_ptr<torch::autograd::Node>>) {
    return std::make_shared<Made>();
  } else {
    return c10::make_intrusive<Made>();
  }
}

}  // namespace pp
