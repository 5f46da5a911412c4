#include "loader/torchscript/lower/node_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "loader/torchscript/lower/arithmetic.h"
#include "loader/torchscript/lower/attributes.h"
#include "loader/torchscript/lower/branches.h"
#include "loader/torchscript/lower/calls.h"
#include "loader/torchscript/lower/containers.h"
#include "loader/torchscript/lower/conversions.h"
#include "loader/torchscript/lower/dicts.h"
#include "loader/torchscript/lower/folding.h"
#include "loader/torchscript/lower/grad_mode.h"
#include "loader/torchscript/lower/list_changes.h"
#include "loader/torchscript/lower/list_numbers.h"
#include "loader/torchscript/lower/loops.h"
#include "loader/torchscript/lower/new_tensors.h"
#include "loader/torchscript/lower/operators.h"
#include "loader/torchscript/lower/optionals.h"
#include "loader/torchscript/lower/properties.h"
#include "loader/torchscript/lower/ranges.h"

namespace pp::ts {

namespace {

struct NodeRow {
  std::string_view kind;
  NodeHandler handler;
};

constexpr std::array kNodeTable = {
    // attributes.cpp
    NodeRow{"prim::Constant", lower_constant},
    NodeRow{"prim::GetAttr", lower_get_attribute},
    NodeRow{"prim::SetAttr", lower_set_attribute},
    // calls.cpp
    NodeRow{"prim::CallMethod", lower_method_call},
    NodeRow{"prim::CallFunction", lower_function_call},
    NodeRow{"prim::RaiseException", lower_raise},
    NodeRow{"prim::Print", lower_message},
    NodeRow{"aten::warn", lower_message},
    // containers.cpp
    NodeRow{"prim::ListConstruct", lower_construct},
    NodeRow{"prim::TupleConstruct", lower_construct},
    NodeRow{"prim::DictConstruct", lower_construct},
    NodeRow{"prim::ListUnpack", lower_unpack},
    NodeRow{"prim::TupleUnpack", lower_unpack},
    NodeRow{"prim::TupleIndex", lower_get_item},
    NodeRow{"aten::__getitem__", lower_get_item},
    NodeRow{"aten::list", lower_copy_list},
    NodeRow{"aten::copy", lower_copy_list},
    NodeRow{"aten::add", lower_join_lists},
    NodeRow{"aten::mul", lower_repeat_list},
    NodeRow{"aten::slice", lower_slice_list},
    // list_changes.cpp
    NodeRow{"aten::_set_item", lower_set_item},
    NodeRow{"aten::append", lower_append},
    NodeRow{"aten::extend", lower_extend},
    NodeRow{"aten::add_", lower_extend},
    NodeRow{"aten::insert", lower_insert},
    NodeRow{"aten::pop", lower_pop},
    NodeRow{"aten::Delete", lower_delete},
    NodeRow{"aten::reverse", lower_reverse},
    NodeRow{"aten::sort", lower_sort},
    NodeRow{"aten::remove", lower_remove},
    NodeRow{"aten::clear", lower_clear},
    // branches.cpp, loops.cpp
    NodeRow{"prim::If", lower_branch},
    NodeRow{"prim::Loop", lower_loop},
    // conversions.cpp
    NodeRow{"prim::NumToTensor", lower_number_to_tensor},
    NodeRow{"aten::Int", lower_to_number},
    NodeRow{"aten::Float", lower_to_number},
    NodeRow{"aten::Bool", lower_to_number},
    NodeRow{"aten::IntImplicit", lower_to_number},
    NodeRow{"aten::FloatImplicit", lower_to_number},
    NodeRow{"aten::ScalarImplicit", lower_to_number},
    NodeRow{"aten::item", lower_to_number},
    // properties.cpp
    NodeRow{"aten::size", lower_size},
    NodeRow{"aten::len", lower_length},
    NodeRow{"aten::dim", lower_num_dims},
    NodeRow{"prim::dtype", lower_element_type},
    NodeRow{"prim::device", lower_device},
    NodeRow{"aten::is_floating_point", lower_is_floating_point},
    NodeRow{"prim::requires_grad", lower_requires_grad},
    NodeRow{"prim::is_nested", lower_no_special_layout},
    NodeRow{"prim::is_sparse", lower_no_special_layout},
    NodeRow{"prim::is_quantized", lower_is_quantised},
    // grad_mode.cpp
    NodeRow{"prim::CreateObject", lower_create_object},
    NodeRow{"prim::Enter", lower_enter},
    NodeRow{"prim::Exit", lower_exit},
    NodeRow{"aten::is_grad_enabled", lower_is_grad_enabled},
    NodeRow{"aten::is_autocast_enabled", lower_is_autocast_enabled},
    NodeRow{"aten::is_autocast_cpu_enabled", lower_is_autocast_enabled},
    // dicts.cpp
    NodeRow{"aten::__contains__", lower_contains},
    NodeRow{"aten::dict", lower_new_dict},
    NodeRow{"aten::get", lower_get_entry},
    NodeRow{"aten::setdefault", lower_set_default},
    NodeRow{"aten::update", lower_update},
    NodeRow{"aten::popitem", lower_pop_first_entry},
    NodeRow{"aten::keys", lower_keys},
    NodeRow{"aten::values", lower_values},
    NodeRow{"aten::items", lower_entries},
    // arithmetic.cpp, ranges.cpp
    NodeRow{"prim::abs", lower_absolute},
    NodeRow{"aten::round", lower_round},
    NodeRow{"aten::__range_length", lower_range_length},
    NodeRow{"aten::__derive_index", lower_range_item},
    // list_numbers.cpp
    NodeRow{"aten::eq", lower_equal_lists},
    NodeRow{"aten::ne", lower_equal_lists},
    NodeRow{"aten::sum", lower_reduce_list},
    NodeRow{"prim::max", lower_reduce_list},
    NodeRow{"prim::min", lower_reduce_list},
    // new_tensors.cpp
    NodeRow{"aten::tensor", lower_new_tensor},
    NodeRow{"aten::as_tensor", lower_new_tensor},
    // optionals.cpp
    NodeRow{"aten::__is__", lower_is_none},
    NodeRow{"aten::__isnot__", lower_is_none},
    NodeRow{"prim::unchecked_cast", lower_unwrap},
    NodeRow{"prim::unchecked_unwrap_optional", lower_unwrap},
    NodeRow{"aten::_unwrap_optional", lower_unwrap},
    NodeRow{"prim::Uninitialized", lower_uninitialized},
};

}  // namespace

NodeHandler try_find_handler(std::string_view kind) {
  const auto* row = std::ranges::find(kNodeTable, kind, &NodeRow::kind);
  return row == kNodeTable.end() ? nullptr : row->handler;
}

Items lower_node(
    Lowering& lowering, const torch::jit::Node& node, CodeValues& values) {
  Items inputs;
  for (const torch::jit::Value* input : node.inputs()) {
    inputs.push_back(values.at(input));
  }
  const NodeCall call{lowering, node, inputs, values};
  if (const auto handler = try_find_handler(node.kind().toQualString())) {
    if (auto results = handler(call)) {
      return std::move(*results);
    }
  }
  // The functions below execute the operator, on constants or meta tensors.
  const std::string_view name = node.kind().toQualString();
  if (!lowering.allowed.contains(name)) {
    refuse(call, "it " + lowering.allowed.refusal(name));
  }
  if (auto folded = try_fold(call)) {
    return std::move(*folded);
  }
  if (auto numbers = try_lower_arithmetic(call)) {
    return std::move(*numbers);
  }
  return lower_operator(call);
}

}  // namespace pp::ts
