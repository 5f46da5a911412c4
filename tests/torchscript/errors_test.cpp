#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "loader/model_loader.h"
#include "loader/torchscript/write.h"
#include "tests/torchscript/examples.h"

// The messages of what is refused.
namespace pp {
namespace {

using test::example;
using test::fixture;
using test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "nothing was refused";
}

/// Copies an archive with one record replaced.
void copy_with(
    const fs::path& from,
    const fs::path& to,
    const std::string& record,
    std::string_view content) {
  const ZipReader archive(from);
  ZipWriter writer(to, "copy");
  for (const ZipRecord& each : archive.records()) {
    if (each.name == record) {
      writer.add(each.name, content);
    } else {
      writer.copy(each.name, archive, each);
    }
  }
  writer.finish();
}

TEST(TorchScriptErrors, AListThatGrowsInALoop) {
  EXPECT_THAT(
      refusal([] { load_model(example("grows-a-list-script.pt")); }),
      AllOf(
          HasSubstr("grows-a-list-script.pt: 'aten::append'"),
          HasSubstr("to a list made outside")));
}

/// A module of refused_cases.py, with the node that is refused and why.
struct RefusedCase {
  const char* module;
  const char* kind;
  const char* why;
};

constexpr std::array kRefusedCases = {
    RefusedCase{
        "unknown-index",
        "aten::__getitem__",
        "the index is not known before the model runs"},
    RefusedCase{
        "unknown-index-written",
        "aten::_set_item",
        "the list index is not known before the model runs"},
    RefusedCase{
        "index-out-of-range",
        "aten::__getitem__",
        "index -3 is out of range for a list or tuple of 2 items"},
    RefusedCase{
        "pops-from-empty-list",
        "aten::pop",
        "list index -1 is out of range for a list of 0 items"},
    RefusedCase{
        "unknown-slice",
        "aten::slice",
        "the bounds of the slice are not known before the model runs"},
    RefusedCase{
        "unknown-repetition",
        "aten::mul",
        "the number of repetitions of a list is not known before the model "
        "runs"},
    RefusedCase{
        "unknown-length",
        "aten::cat",
        "it reads a list of tensors whose length is not known"},
    RefusedCase{
        "unknown-type",
        "prim::dtype",
        "the element type is not known before the model runs"},
    RefusedCase{
        "integer-keys",
        "prim::DictConstruct",
        "dictionary keys must be strings"},
    RefusedCase{
        "missing-key", "aten::__getitem__", "the dictionary has no key 'b'"},
    RefusedCase{
        "always-raises",
        "prim::RaiseException",
        "the model raises an exception for every input: not implemented"},
    RefusedCase{
        "branch-lengths",
        "prim::If",
        "its branches end with lists of different lengths or structures"},
    RefusedCase{
        "branch-appends",
        "prim::If",
        "its branches end with lists of different lengths or structures"},
    RefusedCase{
        "branch-returns-changed",
        "prim::If",
        "a branch changes a list or dictionary and also returns it"},
    RefusedCase{
        "branch-in-loop",
        "prim::If",
        "changes a list made outside the enclosing loop"},
    RefusedCase{
        "branch-none",
        "prim::If",
        "one branch returns a tensor or number and the other returns None"},
    RefusedCase{
        "loop-grows",
        "prim::Loop",
        "an iteration changes the length or structure of a list or dictionary"},
    RefusedCase{
        "loop-text",
        "prim::Loop",
        "it carries a constant of type String from one iteration to the next"},
    RefusedCase{
        "changes-list-attribute",
        "aten::append",
        "appends to the list or dictionary in attribute 'history', but a graph "
        "can't keep the change for the next call"},
    RefusedCase{
        "changes-dict-attribute",
        "aten::_set_item",
        "writes into the list or dictionary in attribute 'named'"},
    RefusedCase{
        "changes-one-of-two-lists",
        "aten::append",
        "appends to a list or dictionary that a branch or loop may have "
        "replaced"},
    RefusedCase{
        "changes-a-carried-list",
        "aten::add_",
        "appends to a list or dictionary that the loop carries"},
    RefusedCase{
        "sorts-tensors",
        "aten::sort",
        "sorts a tensor or number; only numbers and strings"},
    RefusedCase{
        "removes-a-missing-item",
        "aten::remove",
        "the item to remove is not in the list"},
    RefusedCase{
        "changes-one-of-three-lists",
        "aten::_set_item",
        "writes into a list or dictionary that a branch or loop may have "
        "replaced"},
    RefusedCase{
        "changes-a-list-with-two-names",
        "aten::_set_item",
        "writes into a list or dictionary that a branch or loop may have "
        "replaced"},
    RefusedCase{
        "changes-a-list-that-a-loop-returns",
        "aten::_set_item",
        "writes into a list or dictionary that a branch or loop may have "
        "replaced"},
    RefusedCase{
        "sets-a-buffer",
        "prim::SetAttr",
        "the model assigns a new tensor to its attribute 'mask' while it runs, "
        "but the tensor's element type and sizes are unknown"},
    RefusedCase{
        "pops-a-missing-key", "aten::pop", "the dictionary has no key 'z'"},
    RefusedCase{
        "repeats-in-place",
        "aten::mul_",
        "this kind of change to a list or dictionary is not supported"},
    RefusedCase{
        "unknown-step",
        "aten::__range_length",
        "the step of the range must be a number other than 0"},
    RefusedCase{
        "asks-after-quantising",
        "prim::is_quantized",
        "the model quantises tensors"},
    RefusedCase{
        "asks-before-quantising",
        "prim::is_quantized",
        "the model quantises tensors"},
};

TEST(TorchScriptErrors, TheMessageNamesTheNodeAndTheReason) {
  for (const RefusedCase& row : kRefusedCases) {
    const std::string file = std::string(row.module) + "-script.pt";
    EXPECT_THAT(
        refusal([&] { load_model(example(file)); }),
        AllOf(
            HasSubstr(file + ": '" + row.kind + "'"),
            HasSubstr(std::string(": ") + row.why)));
  }
}

TEST(TorchScriptErrors, CodeThatRunsTooLong) {
  for (const char* name :
       {"long-list", "doubling-list", "nested-loops", "many-calls"}) {
    const std::string file = std::string(name) + "-script.pt";
    EXPECT_THAT(
        refusal([&] { load_model(example(file)); }),
        HasSubstr(
            file + ": the model's code runs more than 5000000 steps while it "
                   "is loaded"));
  }
}

TEST(TorchScriptErrors, ModulesWithTooManyPaths) {
  EXPECT_THAT(
      refusal([] { load_model(example("shared-modules-script.pt")); }),
      HasSubstr("its modules have more than 200000 attributes"));
}

TEST(TorchScriptErrors, ALongTextIsUnknown) {
  EXPECT_THAT(
      refusal([] { load_model(example("long-text-script.pt")); }),
      HasSubstr("a string that is not known before the model runs"));
}

TEST(TorchScriptErrors, TheMessageNamesTheInputsWhoseSizesMayHelp) {
  const auto load = [](const InputHints& inputs) {
    load_model(example("unknown-index-script.pt"), {.inputs = inputs});
  };
  EXPECT_THAT(
      refusal([&] { load({}); }),
      HasSubstr("may be the cause: try --input x=SIZES, with SIZES such as"));
  EXPECT_THAT(
      refusal([&] { load(parse_input_hints({"x=4x8"})); }),
      ::testing::Not(HasSubstr("--input")));
}

TEST(TorchScriptErrors, HintsForInputsThatAreNot) {
  try {
    load_model(
        example("branch-script.pt"), {.inputs = parse_input_hints({"y=4x8"})});
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_THAT(
        error.what(),
        HasSubstr("--input y: forward has no such argument; it has x"));
  }
}

TEST(InputHints, AreNamesWithSizesAndTypes) {
  const InputHints hints =
      parse_input_hints({"x=4x32", "ids=2x16:int64", "s="});
  EXPECT_EQ(hints.at("x").sizes[1].value, 32);
  EXPECT_EQ(hints.at("x").strides[0].value, 32);
  EXPECT_EQ(hints.at("ids").dtype, ir::ScalarType::Long);
  EXPECT_TRUE(hints.at("s").sizes.empty());
  for (const char* wrong :
       {"x", "=4", "x=4x", "x=x4", "x=-1", "x=4y5", "x=4:int65"}) {
    EXPECT_THROW(parse_input_hints({wrong}), Error) << wrong;
  }
  EXPECT_THROW(parse_input_hints({"x=4", "x=5"}), Error);
}

TEST(TorchScriptErrors, AnAttributeThatIsSet) {
  EXPECT_THAT(
      refusal([] { load_model(example("sets-attribute-script.pt")); }),
      AllOf(HasSubstr("'prim::SetAttr'"), HasSubstr("'last'")));
}

TEST(TorchScriptErrors, DamagedStructure) {
  const TemporaryFolder folder;
  const fs::path path = folder / "damaged.pt";
  copy_with(fixture("mlp-plain-script.pt"), path, "data.pkl", "\x80\x02N.");
  EXPECT_THAT(
      refusal([&] { load_model(path); }),
      HasSubstr("damaged.pt: LibTorch can't read this TorchScript archive"));
}

TEST(TorchScriptErrors, AGraphThatIsNotThatOfTheCode) {
  const TemporaryFolder folder;
  const Model source = load_model(fixture("mlp-plain-script.pt"));
  const fs::path path = folder / "stage.pt";
  const fs::path changed = folder / "changed.pt";
  write_torchscript(path, source.graph, source, true);
  ir::Graph other = source.graph;
  other.nodes[1].target = "aten.gelu.default";
  copy_with(path, changed, "extra/pp_graph.txt", ir::to_text(other));
  EXPECT_THAT(
      refusal([&] { load_model(changed); }),
      AllOf(
          HasSubstr("does not match the code next to it"),
          HasSubstr(
              "is 'aten.gelu.default', but the code has 'aten.relu.default'")));
}

TEST(TorchScriptErrors, ATextThatIsNoGraph) {
  const TemporaryFolder folder;
  const Model source = load_model(fixture("mlp-plain-script.pt"));
  const fs::path path = folder / "stage.pt";
  const fs::path changed = folder / "changed.pt";
  write_torchscript(path, source.graph, source, true);
  copy_with(path, changed, "extra/pp_graph.txt", "input x = ");
  EXPECT_THAT(
      refusal([&] { load_model(changed); }),
      HasSubstr("changed.pt: extra/pp_graph.txt: "));
}

}  // namespace
}  // namespace pp
