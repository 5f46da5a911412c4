#include "runtime/program/split_backward.h"

#include <unordered_map>

#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

namespace pp {

namespace {

using torch::autograd::Edge;
using torch::autograd::edge_list;
using torch::autograd::Engine;
using torch::autograd::Node;
using torch::autograd::variable_list;

/// The nodes from which a gradient flows to one of the inputs.
class InputPaths {
 public:
  InputPaths(const std::vector<BackwardRoot>& roots, const edge_list& inputs) {
    for (const Edge& input : inputs) {
      reaches_[input.function.get()] = true;
    }
    for (const BackwardRoot& root : roots) {
      visit(root.edge.function.get());
    }
  }

  bool contains(const Node* node) const {
    const auto found = reaches_.find(node);
    return found != reaches_.end() && found->second;
  }

  /// The nodes, each once, in any order.
  const std::vector<Node*>& nodes() const { return order_; }

 private:
  /// Depth first without recursion: a network may be thousands of nodes deep.
  void visit(Node* root) {
    struct Frame {
      Node* node;
      size_t next = 0;
    };
    std::vector<Frame> stack;
    const auto enter = [&](Node* node) {
      if (node != nullptr && reaches_.emplace(node, false).second) {
        stack.push_back({node});
      }
    };
    enter(root);
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const edge_list& edges = frame.node->next_edges();
      if (frame.next < edges.size()) {
        enter(edges[frame.next++].function.get());
        continue;
      }
      Node* node = frame.node;
      stack.pop_back();
      for (const Edge& edge : edges) {
        if (edge.is_valid() && contains(edge.function.get())) {
          reaches_[node] = true;
          order_.push_back(node);
          break;
        }
      }
    }
  }

  std::unordered_map<const Node*, bool> reaches_;
  std::vector<Node*> order_;
};

bool leaves_path(const Node& node, const InputPaths& paths) {
  for (const Edge& edge : node.next_edges()) {
    if (edge.is_valid() && !paths.contains(edge.function.get())) {
      return true;
    }
  }
  return false;
}

variable_list execute(
    const std::vector<BackwardRoot>& roots,
    bool keep_graph,
    bool accumulate,
    const edge_list& outputs) {
  edge_list edges;
  variable_list gradients;
  for (const BackwardRoot& root : roots) {
    edges.push_back(root.edge);
    gradients.push_back(root.gradient);
  }
  return Engine::get_default_engine().execute(
      edges,
      gradients,
      keep_graph,
      /*create_graph=*/false,
      accumulate,
      outputs);
}

}  // namespace

void run_backward(const std::vector<BackwardRoot>& roots) {
  if (!roots.empty()) {
    execute(roots, false, /*accumulate=*/true, {});
  }
}

std::vector<at::Tensor> run_inputs(
    std::vector<BackwardRoot> roots,
    const std::vector<Edge>& inputs,
    DeferredWeights& deferred) {
  const InputPaths paths(roots, inputs);
  std::vector<BackwardRoot> on_path;
  for (BackwardRoot& root : roots) {
    (paths.contains(root.edge.function.get()) ? on_path : deferred.roots)
        .push_back(std::move(root));
  }
  std::vector<at::Tensor> gradients(inputs.size());
  if (on_path.empty()) {
    return gradients;
  }

  edge_list wanted = inputs;
  const size_t num_inputs = wanted.size();
  for (Node* node : paths.nodes()) {
    if (leaves_path(*node, paths)) {
      for (uint32_t k = 0; k < node->num_inputs(); ++k) {
        wanted.emplace_back(node->getptr(), k);
      }
    }
  }
  const variable_list captured =
      execute(on_path, /*keep_graph=*/true, /*accumulate=*/false, wanted);
  for (size_t i = 0; i < num_inputs; ++i) {
    gradients[i] = captured[i];
  }
  for (size_t i = num_inputs; i < wanted.size(); ++i) {
    if (captured[i].defined()) {
      deferred.roots.push_back({wanted[i], captured[i]});
    }
  }

  // The weight half needs neither the paths to the inputs nor what was saved
  // for them. Saved variables would keep the paths alive.
  for (Node* node : paths.nodes()) {
    if (!leaves_path(*node, paths)) {
      node->release_variables();
    }
  }
  for (Node* node : paths.nodes()) {
    for (Edge& edge : node->next_edges()) {
      if (edge.is_valid() && paths.contains(edge.function.get())) {
        edge = Edge();
      }
    }
  }
  return gradients;
}

void run_weights(DeferredWeights deferred) {
  run_backward(deferred.roots);
}

}  // namespace pp
