#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "loader/allowed/allowed_operators.h"

// Goes over every operator of the LibTorch that this was built with, so that a
// new version can't add one that nobody has looked at.

namespace pp {
namespace {

std::vector<c10::FunctionSchema> all_schemas() {
  std::vector<c10::FunctionSchema> out;
  for (const auto& op : torch::jit::getAllOperators()) {
    out.push_back(op->schema());
  }
  for (const c10::OperatorName& name :
       c10::Dispatcher::singleton().getAllOpNames()) {
    if (const auto op = c10::Dispatcher::singleton().findSchema(name)) {
      out.push_back(op->schema());
    }
  }
  return out;
}

/// Namespaces whose operators are refused, whatever they are called. Those of
/// `prim` are allowed one by one.
bool is_known_namespace(const std::string& name) {
  static const std::set<std::string> known{
      "_c10d_functional",
      "_c10d_functional_autograd",
      "_dtensor",
      "_native",
      "_native_aot",
      "_quantized",
      "_test",
      "aten",
      "c10d",
      "cuda",
      "debugprims",
      "fsdp",
      "inductor",
      "inductor_prims",
      "mkl",
      "mkldnn",
      "mkldnn_prepacked",
      "onednn",
      "onnx",
      "prim",
      "profiler",
      "quantization",
      "quantized",
      "sparse",
      "static_runtime",
      "symm_mem",
  };
  return known.contains(name);
}

/// Types that say nothing about files, other processes, or memory besides the
/// tensors themselves.
bool is_data(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::ListType:
    case c10::TypeKind::DictType:
    case c10::TypeKind::TupleType:
      return std::ranges::all_of(
          type.containedTypes(),
          [](const c10::TypePtr& inner) { return is_data(*inner); });
    case c10::TypeKind::StorageType:
    case c10::TypeKind::StreamObjType:
    case c10::TypeKind::ClassType:
    case c10::TypeKind::InterfaceType:
    case c10::TypeKind::CapsuleType:
    case c10::TypeKind::RRefType:
    case c10::TypeKind::FutureType:
    case c10::TypeKind::PyObjectType:
      return false;
    default:
      return true;
  }
}

TEST(Registry, EveryOperatorIsAllowedOrRefusedForAReason) {
  const AllowedOperators allowed;
  std::set<std::string> unknown;
  for (const c10::FunctionSchema& schema : all_schemas()) {
    const std::string& name = schema.name();
    if (name.starts_with("aten::") && !allowed.contains(name) &&
        try_reason_to_refuse(name).empty()) {
      unknown.insert(name);
    }
    const std::string space = name.substr(0, name.find("::"));
    if (!is_known_namespace(space)) {
      unknown.insert(space + "::*");
    }
  }
  EXPECT_EQ(unknown, std::set<std::string>{})
      << "add each to a family in loader/allowed/";
}

TEST(Registry, NoOperatorIsBothAllowedAndRefused) {
  const AllowedOperators allowed;
  std::set<std::string> both;
  for (const c10::FunctionSchema& schema : all_schemas()) {
    if (allowed.contains(schema.name()) &&
        !try_reason_to_refuse(schema.name()).empty()) {
      both.insert(schema.name());
    }
  }
  EXPECT_EQ(both, std::set<std::string>{});
}

TEST(Registry, AllowedOperatorsTakeDataOnly) {
  const AllowedOperators allowed;
  std::set<std::string> others;
  for (const c10::FunctionSchema& schema : all_schemas()) {
    for (const c10::Argument& argument : schema.arguments()) {
      if (allowed.contains(schema.name()) && !is_data(*argument.type())) {
        others.insert(schema.name() + ": " + argument.name());
      }
    }
  }
  EXPECT_EQ(others, std::set<std::string>{});
}

TEST(Registry, HasOperators) {
  EXPECT_GT(all_schemas().size(), 2000);
}

}  // namespace
}  // namespace pp
