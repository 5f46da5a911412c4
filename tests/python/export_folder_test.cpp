#include "runtime/python/export_folder.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "runtime/python/export_script.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

namespace fs = std::filesystem;

/// Makes a file that may be executed.
void put_program(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "#!/bin/sh\n";
  fs::permissions(path, fs::perms::owner_all);
}

TEST(ExportFolder, PythonIsThatOfTheEnvironmentThatHoldsLibTorch) {
  const TempFolder folder;
  put_program(folder / "env/bin/python3");
  const fs::path lib = "lib/python3.11/site-packages/torch/lib";
  EXPECT_EQ(
      python_of(folder / "env" / lib / "libtorch_cpu.so"),
      folder / "env/bin/python3");
  // Another folder has no interpreter, and an unpacked LibTorch no packages.
  EXPECT_EQ(python_of(folder / "other" / lib / "libtorch_cpu.so"), "");
  EXPECT_EQ(python_of(folder / "env/libtorch/lib/libtorch_cpu.so"), "");
}

TEST(ExportFolder, ProcessesWithoutLibTorchUseThePythonOfPath) {
  EXPECT_EQ(find_python(), "python3");
}

TEST(ExportFolder, TheCommandHasTheScriptAndItsOptions) {
  const auto has = [](const ExportOptions& options, const std::string& word) {
    return std::ranges::count(export_command(options), word) == 1;
  };
  const std::vector<std::string> command =
      export_command({.folder = "gpt2", .python = "py"});
  EXPECT_EQ(command[0], "py");
  EXPECT_EQ(command[1], "-c");
  EXPECT_EQ(command[2], kExportScript);
  EXPECT_NE(command[2].find("torch.export.export("), std::string::npos);
  EXPECT_EQ(command[3], "gpt2");
  EXPECT_TRUE(has({.output = "m.pt2"}, "--output=m.pt2"));
  EXPECT_TRUE(has({.class_name = "T5Model"}, "--class=T5Model"));
  EXPECT_TRUE(has({.batch = 3}, "--batch=3"));
  EXPECT_TRUE(has({.sequence = 9}, "--seq=9"));
  EXPECT_TRUE(has({.seed = 7}, "--seed=7"));
  EXPECT_TRUE(has({.train = true}, "--train"));
  EXPECT_TRUE(has({.empty = true}, "--empty"));
  EXPECT_FALSE(has({}, "--empty"));
}

TEST(ExportFolder, AProgramThatIsMissingIsNamed) {
  expect_error(
      ErrorKind::Usage, "can't start no-such-python: No such file", [] {
        become({"no-such-python"});
      });
}

}  // namespace
}  // namespace pp::test
