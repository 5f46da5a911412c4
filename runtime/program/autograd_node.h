#pragma once

#include <memory>
#include <type_traits>

#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>

namespace pp {

/// The type of pointer with which this version of LibTorch owns autograd nodes.
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
