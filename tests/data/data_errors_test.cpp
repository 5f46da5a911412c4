#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/data/data_loader.h"
#include "tests/archive/expect_error.h"
#include "tests/data/data_files.h"

// Data that don't match their model. `$` stands for the folder.
namespace pp {
namespace {

using test::counting;
using test::input;
using test::put_npy;
using test::source;
using test::TempFolder;
using test::windows;

constexpr auto kFloat = ir::ScalarType::Float;
constexpr auto kLong = ir::ScalarType::Long;

struct Case {
  std::string_view name;
  ErrorKind kind;
  std::string_view error;
  std::vector<InputSpec> inputs;
  /// Writes the files and sets up the configuration, whose batch size is 2.
  std::function<void(const TempFolder&, DataConfig&)> set_up;
};

void PrintTo(const Case& wrong, std::ostream* out) {
  *out << wrong.name;
}

const InputSpec kX = input("x", kFloat, {"s0", "2"});

/// Writes x.npy with 4 rows of 2 floats.
std::string write_rows(const TempFolder& folder) {
  return put_npy(folder, "x.npy", "<f4", {4, 2}, counting<float>(8));
}

class WrongData : public testing::TestWithParam<Case> {};

TEST_P(WrongData, IsRefused) {
  const Case& wrong = GetParam();
  const TempFolder folder;
  DataConfig data;
  data.batch_size = 2;
  wrong.set_up(folder, data);
  std::string error(wrong.error);
  for (size_t at = 0; (at = error.find('$', at)) != std::string::npos;) {
    error.replace(at, 1, folder.path().string());
    at += folder.path().string().size();
  }
  test::expect_error(wrong.kind, error, [&] {
    DataLoaderOptions options;
    options.plan.batch_size = data.batch_size;
    options.inputs = wrong.inputs;
    const DataLoader loader(data, options);
  });
}

const Case kCases[] = {
    {"NoData",
     ErrorKind::Usage,
     "there is no [data]; set inputs.NAME = { path = \"...\" } for each input "
     "of the model",
     {kX},
     [](const TempFolder&, DataConfig&) {}},
    {"InputWithoutData",
     ErrorKind::Usage,
     "the model's input 'mask' has no data; add data.inputs.mask = { path = "
     "\"...\" }",
     {kX, input("mask", kFloat, {"s0"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
     }},
    {"DataWithoutInput",
     ErrorKind::Usage,
     "data.inputs.input_idz: the model has no such input; it has input_ids",
     {input("input_ids", kFloat, {"s0", "2"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["input_idz"] = source(write_rows(folder));
     }},
    {"FloatsForIntegers",
     ErrorKind::Input,
     "x needs int64, but $/x.npy holds float32; save it as int64",
     {input("x", kLong, {"s0", "2"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
     }},
    {"IntegersForFloats",
     ErrorKind::Input,
     "x needs float32, but $/x.npy holds uint8; save it as float32",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(
           put_npy(folder, "x.npy", "|u1", {4, 2}, counting<uint8_t>(8)));
     }},
    {"WrongSize",
     ErrorKind::Input,
     "x needs shape [s0, 3], but $/x.npy has [4, 2]: dimension 1 is 2, not 3",
     {input("x", kFloat, {"s0", "3"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
     }},
    {"WrongNumberOfDimensions",
     ErrorKind::Input,
     "x needs shape [s0, 2, 2], but $/x.npy has [4, 2]: 2 dimensions, not 3",
     {input("x", kFloat, {"s0", "2", "2"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
     }},
    {"WrongWindow",
     ErrorKind::Input,
     "x needs shape [s0, 4], but $/x.npy has [3, 3]: dimension 1 is 3, not 4",
     {input("x", kLong, {"s0", "4"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = windows(
           put_npy(folder, "x.npy", "|u1", {9}, counting<uint8_t>(9)), 3);
     }},
    {"SymbolsThatDisagree",
     ErrorKind::Input,
     "y and x need the same size seq, but $/y.npy has 3 and $/x.npy has 2",
     {input("x", kFloat, {"s0", "seq"}), input("y", kFloat, {"s0", "seq"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
       data.inputs["y"] =
           source(put_npy(folder, "y.npy", "<f4", {4, 3}, counting<float>(12)));
     }},
    {"RowsThatDisagree",
     ErrorKind::Input,
     "data disagree on the number of rows: x has 4 ($/x.npy), target has 3 "
     "($/y.npy)",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
       data.target =
           source(put_npy(folder, "y.npy", "<f4", {3}, counting<float>(3)));
     }},
    {"NoRows",
     ErrorKind::Usage,
     "no input has rows: each has split_dim = \"none\"; remove it from the "
     "inputs whose dimension 0 counts samples",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
       data.inputs["x"].split_dim.reset();
     }},
    {"FewerRowsThanABatch",
     ErrorKind::Usage,
     "the data has 4 rows, fewer than one batch of 5, and a partial batch is "
     "left out (drop_last); set a smaller batch_size",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       data.batch_size = 5;
       data.drop_last = true;
       data.inputs["x"] = source(write_rows(folder));
     }},
    {"NoSuchDimension",
     ErrorKind::Input,
     "x: $/x.npy has shape [4, 2], which has no dimension 2 (split_dim)",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = source(write_rows(folder));
       data.inputs["x"].split_dim = 2;
     }},
    {"WindowsOfAMatrix",
     ErrorKind::Input,
     "x: windows are cut from one long sequence, but $/x.npy has shape [4, 2]",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = windows(write_rows(folder), 2);
     }},
    {"SequenceShorterThanAWindow",
     ErrorKind::Input,
     "x: $/s.npy has 4 elements, too few for one window of 4 shifted by 1",
     {input("x", kFloat, {"s0", "4"})},
     [](const TempFolder& folder, DataConfig& data) {
       data.inputs["x"] = windows(
           put_npy(folder, "s.npy", "<f4", {4}, counting<float>(4)), 4, 1);
     }},
    {"FilesOfDifferentRows",
     ErrorKind::Input,
     "x: files have rows of different shapes: $/a0.npy has [4, 2], $/a1.npy "
     "has [4, 3]",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       put_npy(folder, "a0.npy", "<f4", {4, 2}, counting<float>(8));
       put_npy(folder, "a1.npy", "<f4", {4, 3}, counting<float>(12));
       data.inputs["x"] = source((folder / "a?.npy").string());
     }},
    {"FilesOfDifferentTypes",
     ErrorKind::Input,
     "x: files have different types: $/a0.npy holds float32, $/a1.npy holds "
     "float64",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       put_npy(folder, "a0.npy", "<f4", {4, 2}, counting<float>(8));
       put_npy(folder, "a1.npy", "<f8", {4, 2}, counting<double>(8));
       data.inputs["x"] = source((folder / "a?.npy").string());
     }},
    {"WholeOfSeveralFiles",
     ErrorKind::Usage,
     "x: split_dim = \"none\" allows one file, but $/a?.npy matches 2",
     {kX},
     [](const TempFolder& folder, DataConfig& data) {
       put_npy(folder, "a0.npy", "<f4", {4, 2}, counting<float>(8));
       put_npy(folder, "a1.npy", "<f4", {4, 2}, counting<float>(8));
       data.inputs["x"] = source((folder / "a?.npy").string());
       data.inputs["x"].split_dim.reset();
     }},
};

INSTANTIATE_TEST_SUITE_P(
    DataLoader,
    WrongData,
    testing::ValuesIn(kCases),
    [](const testing::TestParamInfo<Case>& test) {
      return std::string(test.param.name);
    });

}  // namespace
}  // namespace pp
