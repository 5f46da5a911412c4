#include "runtime/data/tensor_file.h"

#include <cstring>

#include <gtest/gtest.h>

#include "tests/archive/expect_error.h"
#include "tests/data/data_files.h"
#include "tests/support/paths.h"

namespace pp {
namespace {

using test::expect_error;
using test::source;
using test::TempFolder;

const std::string kFiles =
    (test::project_folder() / "tests/data/files/").string();

template <typename Element>
std::vector<Element> values_of(const TensorFile& file) {
  std::vector<Element> values(file.tensor.bytes.size() / sizeof(Element));
  std::memcpy(
      values.data(), file.tensor.bytes.data(), file.tensor.bytes.size());
  return values;
}

TensorFile open(const std::string& path, const std::string& key = "") {
  SourceConfig config = source(path);
  config.key = key;
  return open_tensor_file(path, config);
}

TEST(TensorFile, ReadsATensorThatPythonSaved) {
  const TensorFile file = open(kFiles + "tensor.pt");
  EXPECT_EQ(file.tensor.dtype, ir::ScalarType::Float);
  EXPECT_EQ(file.tensor.sizes, (std::vector<int64_t>{4, 3}));
  EXPECT_EQ(values_of<float>(file), test::counting<float>(12));
}

TEST(TensorFile, ReadsATensorOfADictThatPythonSaved) {
  const TensorFile file = open(kFiles + "dict.pt", "ids");
  EXPECT_EQ(file.tensor.dtype, ir::ScalarType::Long);
  EXPECT_EQ(file.tensor.sizes, (std::vector<int64_t>{4, 2}));
  EXPECT_EQ(values_of<int64_t>(file), test::counting<int64_t>(8));
}

TEST(TensorFile, PacksATensorThatIsNotContiguous) {
  const TensorFile file = open(kFiles + "dict.pt", "turned");
  EXPECT_EQ(file.tensor.sizes, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(values_of<float>(file), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(TensorFile, ReadsARawFile) {
  const TempFolder folder;
  SourceConfig config = source(folder.put("x.bin", "abcdefgh").string());
  config.dtype = ir::ScalarType::UInt16;
  EXPECT_EQ(
      open_tensor_file(config.path, config).tensor.sizes,
      (std::vector<int64_t>{4}));
  config.shape = {2};
  const TensorFile file = open_tensor_file(config.path, config);
  EXPECT_EQ(file.tensor.sizes, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(file.tensor.dtype, ir::ScalarType::UInt16);
}

TEST(TensorFile, FilesOfAPatternAreSorted) {
  const TempFolder folder;
  for (const char* name : {"b-2.npy", "b-1.npy", "c.npy", "b-1.txt"}) {
    folder.put(name, "");
  }
  const auto files = files_of(source((folder / "b-*.npy").string()));
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0], folder / "b-1.npy");
  EXPECT_EQ(files[1], folder / "b-2.npy");
}

// Errors.

TEST(TensorFile, SeveralTensorsAndNoKey) {
  expect_error(
      ErrorKind::Usage,
      "dict.pt holds 2 tensors; set key to one of: ids, turned",
      [] { open(kFiles + "dict.pt"); });
}

TEST(TensorFile, TheNameOfTheInputIsTheDefaultOfItsKey) {
  SourceConfig config = source(kFiles + "dict.pt");
  config.name = "ids";
  const TensorFile by_name = open_tensor_file(config.path, config);
  EXPECT_EQ(by_name.tensor.sizes, open(kFiles + "dict.pt", "ids").tensor.sizes);
  config.name = "x";
  expect_error(
      ErrorKind::Usage,
      "dict.pt holds 2 tensors, none of them 'x'; set key to one of: ids, "
      "turned",
      [&] { open_tensor_file(config.path, config); });
}

TEST(TensorFile, NoSuchKey) {
  expect_error(
      ErrorKind::Input, "dict.pt has no tensor 'idz'; did you mean 'ids'?", [] {
        open(kFiles + "dict.pt", "idz");
      });
}

TEST(TensorFile, NoTensorAtAll) {
  expect_error(
      ErrorKind::Input,
      "list.pt holds no tensor; save a tensor, or a dict of tensors by name",
      [] { open(kFiles + "list.pt"); });
}

TEST(TensorFile, UnknownEnding) {
  expect_error(
      ErrorKind::Usage,
      "can't tell what /x/a.csv holds; data files end in .npy, .safetensors, "
      ".pt or "
      ".bin",
      [] { open("/x/a.csv"); });
}

TEST(TensorFile, RawFileWithAPartialRow) {
  const TempFolder folder;
  SourceConfig config = source(folder.put("x.bin", "abcdefg").string());
  config.dtype = ir::ScalarType::Short;
  expect_error(
      ErrorKind::Input,
      "x.bin has 7 bytes, which is not a whole number of rows of int16",
      [&] { open_tensor_file(config.path, config); });
  config.shape = {int64_t{1} << 39, int64_t{1} << 39};
  expect_error(
      ErrorKind::Input, "rows of int16 [549755813888, 549755813888]", [&] {
        open_tensor_file(config.path, config);
      });
}

TEST(TensorFile, NoFileMatches) {
  expect_error(ErrorKind::Input, "no file matches /nowhere/a-*.npy", [] {
    files_of(source("/nowhere/a-*.npy"));
  });
}

TEST(TensorFile, Missing) {
  expect_error(
      ErrorKind::Input, "/nowhere/a.npy", [] { open("/nowhere/a.npy"); });
}

}  // namespace
}  // namespace pp
