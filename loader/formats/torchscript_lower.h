#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "loader/formats/torchscript_builder.h"
#include "loader/formats/torchscript_states.h"

namespace pp::ts {

/// Walks the code of a module as an interpreter would: modules, lists and
/// constants are dealt with at once, operators on tensors and sizes become
/// nodes.
class Lowering {
 public:
  Lowering(Builder& builder, const States& states, std::string where)
      : builder_(builder), states_(states), where_(std::move(where)) {}

  /// Runs forward on `inputs` and gives what it returns.
  /// throws Error(Input) naming operator, module and place in the source
  Item run(const torch::jit::Module& module, const std::vector<Item>& inputs);

 private:
  using Values = std::unordered_map<const torch::jit::Value*, Item>;
  struct Call {
    const torch::jit::Node& node;
    const std::vector<Item>& inputs;
    Values& values;
  };
  using Items = std::vector<Item>;
  using Handler = std::optional<Items> (Lowering::*)(const Call& call);
  struct Row {
    std::string_view kind;
    Handler handler;
  };

  [[noreturn]] void refuse(
      const torch::jit::Node& node, const std::string& why) const;
  static Handler try_handler(std::string_view kind);

  Items run_function(torch::jit::Function& function, const Items& inputs);
  void run_block(const torch::jit::Block& block, Values& values);
  Items lower(const torch::jit::Node& node, Values& values);
  Items lower_operator(const Call& call);
  std::optional<Items> try_fold(const Call& call) const;
  std::optional<Items> try_numbers(const Call& call);
  std::optional<Items> try_number_tensors(const Call& call);

  // One a kind of node; nothing: not its case, go on with the operator.
  std::optional<Items> constant(const Call& call);
  std::optional<Items> get_attribute(const Call& call);
  std::optional<Items> set_attribute(const Call& call);
  std::optional<Items> call_method(const Call& call);
  std::optional<Items> call_function(const Call& call);
  std::optional<Items> construct(const Call& call);
  std::optional<Items> unpack(const Call& call);
  std::optional<Items> index_tuple(const Call& call);
  std::optional<Items> branch(const Call& call);
  std::optional<Items> loop(const Call& call);
  std::optional<Items> raise(const Call& call);
  std::optional<Items> number_to_tensor(const Call& call);
  std::optional<Items> to_number(const Call& call);
  std::optional<Items> size(const Call& call);
  std::optional<Items> length(const Call& call);
  std::optional<Items> num_dims(const Call& call);
  std::optional<Items> element_type(const Call& call);
  std::optional<Items> device(const Call& call);
  std::optional<Items> get_item(const Call& call);
  std::optional<Items> append(const Call& call);
  std::optional<Items> extend(const Call& call);
  std::optional<Items> insert(const Call& call);
  std::optional<Items> pop(const Call& call);
  std::optional<Items> set_item(const Call& call);
  std::optional<Items> copy_list(const Call& call);
  std::optional<Items> repeat_list(const Call& call);
  std::optional<Items> join_lists(const Call& call);
  std::optional<Items> slice_list(const Call& call);
  std::optional<Items> is_same(const Call& call);
  std::optional<Items> pass(const Call& call);
  std::optional<Items> nothing(const Call& call);

  Compound* try_list(const Item& item) const;
  Compound& own_list(const Call& call, const char* verb);
  size_t place_in(const Call& call, int64_t length) const;
  std::optional<Items> try_items(
      const Call& call, const Item& item, const char* verb);
  Item new_list(const Call& call, Items items);

  // Branches and loops that depend on what is computed.
  struct LoopBody {
    Builder::Block block;
    Items results;  ///< the carried values after a turn, taken apart
  };
  std::optional<ir::TypeKind> kind_of_leaf(const Item& item) const;
  std::optional<c10::IValue> common_hint(const Item& a, const Item& b) const;
  ir::Arg leaf_arg(const Call& call, const Item& leaf);
  Items branch_at_run_time(const Call& call);
  std::optional<int64_t> trip_count(const Call& call) const;
  Items loop_at_run_time(
      const Call& call,
      const Item& most,
      const Item& condition,
      const Items& carried);
  LoopBody lower_body(
      const Call& call,
      const Items& carried,
      const Items& initial,
      const std::vector<bool>& keeps_hint);
  Items add_loop(
      const Call& call,
      const Item& most,
      const Item& condition,
      const Items& carried,
      const Items& initial,
      LoopBody body);

  Builder& builder_;
  const States& states_;
  std::string where_;
  int depth_ = 0;
};

}  // namespace pp::ts
