#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>

#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/reader.h"
#include "runtime/checkpoint/writer.h"
#include "tests/support/paths.h"
#include "tests/support/tensors.h"

namespace pp {

namespace fs = std::filesystem;

/// An empty folder for each test, and a checkpoint of two parts to put there.
class CheckpointFolder : public testing::Test {
 protected:
  CheckpointFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = test::fixture_folder() / "checkpoints" /
              (std::string(test->test_suite_name()) + "." + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  static std::map<std::string, at::Tensor> part(int index) {
    if (index == 0) {
      return {
          {"embed.weight", tensor_of<float>({1, 2, 3, 4, 5, 6}, {2, 3})},
          {"optimizer.step.embed.weight", tensor_of<float>({7}, {})},
          {"norm.num_batches_tracked", tensor_of<int64_t>({41}, {})}};
    }
    return {
        {"head.weight", tensor_of<double>({0.5, 0.25}, {2, 1})},
        {"head.mask", tensor_of<uint8_t>({1, 0, 1}, {3})},
        {"head.empty", tensor_of<float>({}, {0, 4})}};
  }

  static CheckpointState state(int64_t step) {
    return {
        .step = step,
        .epoch = 2,
        .data_position = 96,
        .seed = 18446744073709551615U,
        .job = {{"schedule", "1F1B"}, {"ranks", "2"}}};
  }

  using Parts = std::vector<std::map<std::string, at::Tensor>>;

  fs::path write(int64_t step, const Parts& parts) const {
    begin_checkpoint(folder_, step);
    CheckpointContent content{state(step), {}};
    std::set<std::string> here;
    for (size_t i = 0; i < parts.size(); ++i) {
      content.parts.push_back(
          write_checkpoint_part(folder_, step, static_cast<int>(i), parts[i]));
      here.insert(content.parts.back().file);
    }
    return commit_checkpoint(folder_, content, here);
  }

  fs::path write(int64_t step) const { return write(step, {part(0), part(1)}); }

  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  static void put(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  fs::path folder_;
};

}  // namespace pp
